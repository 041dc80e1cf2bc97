// A collection on its way from one model to another, and for a while back.
//
// Clients see one of two collections; the other one, the shadow, follows it: first all points, then each one that
// changes, as it is when it is copied (`ShadowCopy`). What was not copied when the server ended is found by comparing
// both, so nothing has to be remembered across a restart. Searches only ever see one of the two.

import NeedleCore
import NeedleStorage
import Synchronization

/// Safe to use from any thread; steps are one thread's at a time.
final class Reembedding: Sendable {
    /// Points that are copied at a time: so many texts keep the model busy, and a question does not wait long behind them.
    private static let batch = 16
    /// Nanoseconds from one comparison of answers to the next: a sample is enough.
    private static let comparingPause: UInt64 = 50_000_000

    let source: Collection
    let shadow: Collection
    let space: Int
    /// Whether clients see the new model already; 0 = not yet, else until when the old one is kept.
    let keptUntil: Int64
    let feed = ChangeFeed()
    let job: Job?
    private let share: Double
    private let clock: any Clock
    private let exclusive = Mutex<Void>(())
    private let state: Mutex<State>

    private struct State {
        var pass: ShadowPass
        var comparison = AnswerComparison()
        /// The next of the two sources of points; those that are read do not keep the pass from going on.
        var takesRead = true
        var resumesAt: UInt64 = 0
        var comparesAt: UInt64 = 0
        var embedded = 0
        var failure: DatabaseError?
        var backoff = Backoff()
    }

    init(
        source: Collection, shadow: Collection, space: Int, keptUntil: Int64, job: Job?, share: Double,
        clock: any Clock
    ) {
        self.source = source
        self.shadow = shadow
        self.space = space
        self.keptUntil = keptUntil
        self.job = job
        self.share = share
        self.clock = clock
        // Told from before the pass begins: whatever it misses has changed.
        source.writer.withLock { [feed] writer in source.tell(feed, writer) }
        state = Mutex(State(pass: ShadowPass(source: source.view(), shadow: shadow.view())))
    }

    /// Nobody is told any more.
    func end() {
        source.writer.withLock { source.tell(nil, $0) }
    }

    var isCutOver: Bool { keptUntil > 0 }

    /// Every point was copied or compared once.
    var hasPassed: Bool { state.withLock { $0.pass.isOver } }

    /// Why the last step failed, if it did.
    var failure: DatabaseError? { state.withLock { $0.failure } }

    /// Nanoseconds until the next step may be taken; `nil` when there is nothing to do.
    var pause: UInt64? {
        let now = clock.monotonicNanoseconds()
        let (resumesAt, backoff, isOver) = state.withLock { ($0.resumesAt, $0.backoff, $0.pass.isOver) }
        guard !isOver || feed.changedCount > 0 || backoff.failures > 0 else { return nil }
        return max(resumesAt > now ? resumesAt - now : 0, backoff.pause(now: now), 1_000_000)
    }

    // MARK: Steps

    /// Copies some points, or compares the answers to a search.
    ///
    /// - Returns: whether there was something to do, and it was time for it.
    func step(_ context: OperationContext) -> Bool {
        let began = clock.monotonicNanoseconds()
        guard state.withLock({ began >= $0.resumesAt && $0.backoff.pause(now: began) == 0 }) else {
            return false
        }
        var did = false
        _ = exclusive.withLockIfAvailable { _ in
            do throws(DatabaseError) {
                did = try advance(context)
                state.withLock { state in
                    state.failure = nil
                    state.backoff.noteSuccess()
                }
            } catch {
                guard error.kind != .cancelled else { return }
                let now = clock.monotonicNanoseconds()
                state.withLock { state in
                    state.failure = error
                    state.backoff.noteFailure(now: now)
                }
            }
        }
        guard did else { return false }
        let now = clock.monotonicNanoseconds()
        let rest = UInt64(Double(now - began) * (1 - share) / share)
        state.withLock { $0.resumesAt = now + rest }
        return true
    }

    private func advance(_ context: OperationContext) throws(DatabaseError) -> Bool {
        if try copyChanged(context) { return true }
        if try copyNext(context) { return true }
        return try compareNext(context)
    }

    private func copy(_ ids: [PointID], _ context: OperationContext) throws(DatabaseError) {
        let copy = ShadowCopy(source: source, shadow: shadow, space: space, context: context)
        let embedded: Int
        do throws(DatabaseError) {
            embedded = try copy.copy(ids)
        } catch {
            // Later, then.
            feed.note(changed: ids)
            throw error
        }
        state.withLock { $0.embedded += embedded }
    }

    private func copyChanged(_ context: OperationContext) throws(DatabaseError) -> Bool {
        let ids = feed.takeChanged(Self.batch)
        guard !ids.isEmpty else { return false }
        try copy(ids, context)
        return true
    }

    /// Points that searches have found come first, in turns with the pass over all of them.
    private func copyNext(_ context: OperationContext) throws(DatabaseError) -> Bool {
        let takesRead = state.withLock { state in
            guard !state.pass.isOver else { return false }
            defer { state.takesRead.toggle() }
            return state.takesRead
        }
        if takesRead {
            let read = feed.takeRead(Self.batch)
            if !read.isEmpty {
                try copy(read, context)
                return true
            }
        }
        let next = try state.withLock { (state) throws(DatabaseError) in try state.pass.next(Self.batch) }
        guard let next else { return false }
        if !next.isEmpty { try copy(next, context) }
        report()
        return true
    }

    private func report() {
        let (pass, isOver) = state.withLock { ($0.pass, $0.pass.isOver) }
        job?.report(phase: "embedding", done: pass.done, total: pass.total)
        if isOver { job?.end(.done, error: nil) }
    }

    /// Copies all that has changed. Under the writer lock of the source nothing changes meanwhile.
    func catchUp(_ context: OperationContext) throws(DatabaseError) {
        while try copyChanged(context) { try context.check() }
    }

    /// Runs `body` while no step is taken.
    func alone<Result>(_ body: () throws(DatabaseError) -> Result) throws(DatabaseError) -> Result {
        var result: Result?
        try exclusive.withLock { (_) throws(DatabaseError) in result = try body() }
        // swift-format-ignore: NeverForceUnwrap
        return result!
    }

    // MARK: Comparing

    private func compareNext(_ context: OperationContext) throws(DatabaseError) -> Bool {
        let time = clock.monotonicNanoseconds()
        guard state.withLock({ time >= $0.comparesAt }), let query = feed.takeQuery() else { return false }
        state.withLock { $0.comparesAt = time + Self.comparingPause }
        let now = try source.answer(query, context: context)
        let then = try shadow.answer(query, context: context)
        state.withLock { $0.comparison.add(now: now, then: then) }
        return true
    }

    // MARK: Telling

    /// Points that have a place in the space in the collection that clients see, and none in the other one.
    func pointsWithoutText() -> Int {
        let view = shadow.view()
        return view.set.newestFirst.reduce(0) { sum, segment in
            let columns = segment.space(space).columns
            return sum
                + (0..<segment.visibleRows(at: view.lsn)).count { row in
                    !columns.hasVector(row) && view.isVisible(row, in: segment)
                }
        }
    }

    func status() -> ReembeddingStatus {
        let state = state.withLock { $0 }
        return ReembeddingStatus(
            collection: source.name, space: source.config.spaces[space].name,
            model: (isCutOver ? source : shadow).config.spaces[space].model ?? "",
            fingerprint: (isCutOver ? source : shadow).config.spaces[space].modelFingerprint ?? "",
            phase: isCutOver ? .cutOver : (state.pass.isOver ? .ready : .embedding),
            done: state.pass.done, total: state.pass.total, embedded: state.embedded,
            pending: feed.changedCount, withoutText: pointsWithoutText(),
            agreement: state.comparison.agreement,
            keptUntil: isCutOver ? keptUntil : nil, reason: state.failure?.message)
    }
}

/// A pass over all points of a collection, and then over those of its shadow, which may hold some that are gone. Holds
/// the segments that it goes over.
struct ShadowPass {
    private let views: [ReadView]
    private var side = 0
    private var segment = 0
    private var row = 0
    private(set) var done = 0
    let total: Int
    private(set) var isOver = false

    init(source: ReadView, shadow: ReadView) {
        views = [source, shadow]
        total = source.liveRows + shadow.liveRows
    }

    /// - Returns: ids of the next rows, fewer than asked for at the end of a segment; `nil` when the pass is over.
    mutating func next(_ count: Int) throws(DatabaseError) -> [PointID]? {
        while side < views.count {
            let view = views[side]
            let segments = view.set.newestFirst
            guard segment < segments.count else {
                side += 1
                segment = 0
                continue
            }
            let ids = try take(count, of: segments[segment], in: view)
            if !ids.isEmpty {
                done = min(total, done + ids.count)
                return ids
            }
            segment += 1
            row = 0
        }
        isOver = true
        done = total
        return nil
    }

    private mutating func take(_ count: Int, of segment: any Segment, in view: ReadView) throws(DatabaseError)
        -> [PointID]
    {
        let rows = segment.visibleRows(at: view.lsn)
        var ids: [PointID] = []
        while row < rows, ids.count < count {
            if view.isVisible(row, in: segment) { ids.append(try segment.columns.id(of: row)) }
            row += 1
        }
        return ids
    }
}
