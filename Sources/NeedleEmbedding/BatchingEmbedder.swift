// Texts of many callers go through the model together, since a model embeds sixteen texts in far less time than
// sixteen times one.
//
// Who comes when nobody computes computes: for itself and for all that wait then, in the order in which they
// came, questions before passages, a few texts before many. Who comes meanwhile waits, and one of those goes on. So a caller alone waits
// for nobody. Only when several came together lately is it worth waiting for the others to come again, at most
// as long as was said.
//
// Invariants: what is computed at once is bounded (`pieceTexts`, `pieceBytes`), and many texts of one caller go
// in pieces, between which others have their turn; a caller whose deadline passes or who is cancelled while it
// waits leaves within milliseconds, one that computes for others when the piece is done; an error is the error
// of those whose texts were in the piece that failed: they try once more, each alone.

package import NeedleCore

/// An embedder in front of another. Safe from any thread.
package final class BatchingEmbedder: TextEmbedder {
    /// Texts, and bytes of text, that are computed at once at most, unless one text is longer.
    static let pieceTexts = 64
    static let pieceBytes = 16_384

    package var model: ModelDescription { base.model }
    private let base: any TextEmbedder
    private let clock: any Clock
    private let waitNanoseconds: UInt64
    private let desk: BatchingDesk

    /// - Parameters:
    ///   - waitNanoseconds: how long those who came together before are waited for; 0 = not at all.
    ///   - computing: pieces that are computed at the same time at most.
    package init(
        _ base: any TextEmbedder, clock: any Clock, waitNanoseconds: UInt64, computing: Int = 1
    ) {
        precondition(computing >= 1)
        self.base = base
        self.clock = clock
        self.waitNanoseconds = waitNanoseconds
        desk = BatchingDesk(computing: computing)
    }

    package func chunks(
        of text: String, format: DocumentFormat, sizes: ChunkSizes, limit: Int, context: OperationContext
    ) throws(DatabaseError) -> [TextChunk] {
        try base.chunks(of: text, format: format, sizes: sizes, limit: limit, context: context)
    }

    /// Callers whose texts are not being computed yet.
    package var waitingCallers: Int { desk.waitingCallers }

    package func embed(
        _ texts: [String], kind: EmbeddingKind, context: OperationContext
    ) throws(DatabaseError) -> EmbeddingBatch {
        guard !texts.isEmpty else { return EmbeddingBatch(vectors: [], lengths: []) }
        try context.check()
        let caller = BatchingCaller(texts: texts, kind: kind, context: context)
        desk.enter(caller)
        defer { desk.leave(caller) }
        while true {
            switch desk.wait(caller) {
            case .done(let result): return try result.get()
            case .look: try context.check()
            case .compute:
                gather()
                compute(desk.takePiece())
                desk.computed(at: clock.monotonicNanoseconds())
            }
        }
    }

    /// Waits for as many as were there the last time, if that was just now.
    private func gather() {
        let began = clock.monotonicNanoseconds()
        guard waitNanoseconds > 0, desk.expectsOthers(at: began, within: waitNanoseconds) else { return }
        while !desk.isComplete {
            let spent = clock.monotonicNanoseconds() - began
            guard spent < waitNanoseconds else { return }
            desk.waitForArrival(nanoseconds: waitNanoseconds - spent)
        }
    }

    private func compute(_ piece: BatchingPiece) {
        guard piece.parts.count > 1 else {
            for part in piece.parts { embed(part) }
            return
        }
        // Goes on as long as anybody wants it.
        let shared = OperationContext(whileAnyOf: piece.parts.map { $0.caller.context })
        do throws(DatabaseError) {
            let batch = try base.embed(piece.texts, kind: piece.kind, context: shared)
            var position = 0
            for part in piece.parts {
                desk.deliver(batch, from: position, to: part)
                position += part.texts.count
            }
        } catch {
            // Whose fault it is shows when each is alone.
            for part in piece.parts { embed(part) }
        }
    }

    private func embed(_ part: BatchingPiece.Part) {
        do throws(DatabaseError) {
            let batch = try base.embed(
                Array(part.caller.texts[part.texts]), kind: part.caller.kind, context: part.caller.context)
            desk.deliver(batch, from: 0, to: part)
        } catch {
            desk.fail(part.caller, error)
        }
    }
}
