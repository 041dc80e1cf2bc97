import Glibc
import NeedleCore
import Synchronization

/// Makes vectors from the bytes of texts, and remembers what it was asked.
final class EmbedderStub: TextEmbedder {
    struct Call: Sendable {
        var texts: [String]
        var kind: EmbeddingKind
    }

    let model: ModelDescription
    private let seen = Mutex<[Call]>([])
    private let isHeld = Atomic<Bool>(false)

    init(fingerprint: String = "f00d") {
        model = ModelDescription(name: "stub", fingerprint: fingerprint, dimensions: 3, maximumTokens: 8)
    }

    var calls: [Call] { seen.withLock { $0 } }

    /// While it holds, nothing is answered.
    func hold(_ holds: Bool) { isHeld.store(holds, ordering: .releasing) }

    static func vector(_ text: String, _ kind: EmbeddingKind) -> [Float] {
        let sum = text.utf8.reduce(0) { $0 * 31 + Float($1) }
        return [Float(text.utf8.count), sum, kind == .query ? 1 : 0]
    }

    /// The whole text, if there is any.
    func chunks(
        of text: String, format: DocumentFormat, sizes: ChunkSizes, limit: Int, context: OperationContext
    ) throws(DatabaseError) -> [TextChunk] {
        text.isEmpty ? [] : [TextChunk(range: 0..<text.utf8.count, headings: [], passage: text)]
    }

    /// A text "bad" is one that the model fails at.
    func embed(
        _ texts: [String], kind: EmbeddingKind, context: OperationContext
    ) throws(DatabaseError) -> EmbeddingBatch {
        seen.withLock { $0.append(Call(texts: texts, kind: kind)) }
        while isHeld.load(ordering: .acquiring) {
            try context.check()
            usleep(200)
        }
        try context.check()
        if texts.contains("bad") { throw DatabaseError(.internal, "the model fails at this") }
        return EmbeddingBatch(
            vectors: texts.map { Self.vector($0, kind) },
            lengths: texts.map { TextLength(tokens: $0.utf8.count + 2, isTruncated: $0.utf8.count > 6) })
    }
}

/// Waits until something is so, for ten seconds at most.
func eventually(_ isSo: () -> Bool) -> Bool {
    for _ in 0..<10_000 {
        if isSo() { return true }
        usleep(1_000)
    }
    return false
}

/// The machine's own clock.
final class MachineClock: Clock {
    func wallMilliseconds() -> Int64 { 0 }
    func monotonicNanoseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
