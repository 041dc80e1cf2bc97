// Who waits for the model, and whose turn it is. The mutable part of `BatchingEmbedder`, under one lock.

import Glibc
import NeedleCore

/// One call of `embed`, from its arrival to its end. Everything that changes does so under the desk's lock.
final class BatchingCaller: @unchecked Sendable {
    // SAFETY: the constants are immutable; the rest is touched by `BatchingDesk` under its lock only.
    let texts: [String]
    let kind: EmbeddingKind
    let context: OperationContext
    /// Texts that are in a piece already, from the first on.
    fileprivate var taken = 0
    fileprivate var vectors: [[Float]]
    fileprivate var lengths: [TextLength]
    fileprivate var missing: Int
    fileprivate var failure: DatabaseError?

    init(texts: [String], kind: EmbeddingKind, context: OperationContext) {
        self.texts = texts
        self.kind = kind
        self.context = context
        vectors = [[Float]](repeating: [], count: texts.count)
        lengths = [TextLength](repeating: TextLength(tokens: 0, isTruncated: false), count: texts.count)
        missing = texts.count
    }
}

/// Texts of one kind that are computed together.
struct BatchingPiece {
    struct Part {
        let caller: BatchingCaller
        let texts: Range<Int>
    }

    var kind = EmbeddingKind.passage
    var parts: [Part] = []

    var texts: [String] { parts.flatMap { $0.caller.texts[$0.texts] } }
}

final class BatchingDesk: @unchecked Sendable {
    enum Turn {
        case done(Result<EmbeddingBatch, DatabaseError>)
        /// A look at one's own deadline is due.
        case look
        case compute
    }

    /// A caller with so many texts or fewer does not wait behind one with more.
    private static let fewTexts = 8

    // SAFETY: all variables are touched under `lock`, a mutex at a stable address that lives as long as the
    // object.
    private let lock = ConditionLock()
    /// Those whose texts are not all in a piece, in the order in which they came.
    private var waiting: [BatchingCaller] = []
    private let computing: Int
    private var busy = 0
    /// Callers in the last piece, and when it was done.
    private var lastCallers = 0
    private var lastDone: UInt64 = 0

    init(computing: Int) {
        self.computing = computing
    }

    var waitingCallers: Int { lock.with { waiting.count } }

    func enter(_ caller: BatchingCaller) {
        lock.with {
            waiting.append(caller)
            lock.wake(.arrival)
        }
    }

    /// Nothing more is computed for the caller.
    func leave(_ caller: BatchingCaller) {
        lock.with {
            waiting.removeAll { $0 === caller }
            lock.wake(.arrival)
        }
    }

    /// Waits for the caller's result, for its turn to compute, or for some milliseconds.
    func wait(_ caller: BatchingCaller) -> Turn {
        lock.with {
            for _ in 0..<2 {
                if let failure = caller.failure { return .done(.failure(failure)) }
                if caller.missing == 0 {
                    return .done(.success(EmbeddingBatch(vectors: caller.vectors, lengths: caller.lengths)))
                }
                if busy < computing, waiting.contains(where: { $0 === caller }) {
                    busy += 1
                    return .compute
                }
                lock.wait(.result, nanoseconds: 5_000_000)
            }
            return .look
        }
    }

    /// Whether several were computed for together within the last moment.
    func expectsOthers(at now: UInt64, within nanoseconds: UInt64) -> Bool {
        lock.with { lastCallers > 1 && now &- lastDone < nanoseconds }
    }

    /// Whether as many wait as were there the last time, or a piece is full.
    var isComplete: Bool {
        lock.with {
            waiting.count >= lastCallers
                || waiting.reduce(0) { $0 + $1.texts.count - $1.taken } >= BatchingEmbedder.pieceTexts
        }
    }

    func waitForArrival(nanoseconds: UInt64) {
        lock.with { lock.wait(.arrival, nanoseconds: nanoseconds) }
    }

    /// What is to be computed next: questions if there are any, otherwise passages; callers with a few texts, then
    /// those with many, who get the room that is left; otherwise as they came.
    func takePiece() -> BatchingPiece {
        lock.with {
            var piece = BatchingPiece()
            piece.kind = waiting.contains { $0.kind == .query } ? .query : .passage
            var (texts, bytes) = (0, 0)
            let callers = waiting.filter { $0.kind == piece.kind }
            let few = callers.filter { $0.texts.count <= Self.fewTexts }
            let many = callers.filter { $0.texts.count > Self.fewTexts }
            search: for caller in few + many {
                let first = caller.taken
                while caller.taken < caller.texts.count {
                    bytes += caller.texts[caller.taken].utf8.count
                    let isFull =
                        texts > 0
                        && (texts == BatchingEmbedder.pieceTexts || bytes > BatchingEmbedder.pieceBytes)
                    if isFull {
                        if caller.taken > first {
                            piece.parts.append(.init(caller: caller, texts: first..<caller.taken))
                        }
                        break search
                    }
                    caller.taken += 1
                    texts += 1
                }
                piece.parts.append(.init(caller: caller, texts: first..<caller.taken))
            }
            waiting.removeAll { $0.taken == $0.texts.count }
            lastCallers = piece.parts.count
            return piece
        }
    }

    func computed(at now: UInt64) {
        lock.with {
            busy -= 1
            lastDone = now
            lock.wake(.result)
        }
    }

    /// Hands a caller its share of what was computed.
    func deliver(_ batch: EmbeddingBatch, from position: Int, to part: BatchingPiece.Part) {
        lock.with {
            for (offset, index) in part.texts.enumerated() {
                part.caller.vectors[index] = batch.vectors[position + offset]
                part.caller.lengths[index] = batch.lengths[position + offset]
            }
            part.caller.missing -= part.texts.count
        }
    }

    func fail(_ caller: BatchingCaller, _ error: DatabaseError) {
        lock.with {
            caller.failure = error
            waiting.removeAll { $0 === caller }
        }
    }
}

/// A mutex with a condition for those who wait for a result or their turn, and one for those who gather others.
private final class ConditionLock: @unchecked Sendable {
    enum Event: Int {
        case result
        case arrival
    }

    // SAFETY: all lie at stable addresses, as pthreads demand, and live as long as the object.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let conditions = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 2)

    init() {
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        for index in 0..<2 { pthread_cond_init(conditions + index, &attributes) }
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        for index in 0..<2 { pthread_cond_destroy(conditions + index) }
        pthread_mutex_destroy(mutex)
        conditions.deallocate()
        mutex.deallocate()
    }

    func with<Value>(_ body: () -> Value) -> Value {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    /// Inside `with`: lets go of the lock until the event, or for a while.
    func wait(_ event: Event, nanoseconds: UInt64) {
        // pthreads wait until a time, not for one; by the clock that the condition was made with.
        var end = timespec()
        clock_gettime(CLOCK_MONOTONIC, &end)
        let total = UInt64(end.tv_nsec) + nanoseconds
        end.tv_sec += Int(total / 1_000_000_000)
        end.tv_nsec = Int(total % 1_000_000_000)
        pthread_cond_timedwait(conditions + event.rawValue, mutex, &end)
    }

    /// Inside `with`.
    func wake(_ event: Event) {
        pthread_cond_broadcast(conditions + event.rawValue)
    }
}
