package import Logging
package import NeedleCore
import Synchronization

/// A model that is being read while the server serves already.
///
/// Whoever asks it something before it is there waits; that is never an event loop, only threads that run
/// requests. Reading MiniLM takes a third of a second. If it fails, requests with text are refused with the
/// reason.
package final class BackgroundModel: TextEmbedder {
    private let thread: BackgroundThread
    private let outcome: Outcome
    private let name: String

    /// - Parameters:
    ///   - name: for the log and for the description of a model that could not be read.
    ///   - load: reads the model; run on a thread of its own.
    package init(
        name: String, log: Logger, _ load: @escaping @Sendable () throws(DatabaseError) -> any TextEmbedder
    ) {
        self.name = name
        let outcome = Outcome()
        self.outcome = outcome
        thread = BackgroundThread.start {
            let result = Result { () throws(DatabaseError) in try load() }
            outcome.value.withLock { $0 = result }
            switch result {
            case .success(let embedder):
                log.info(
                    "model loaded",
                    metadata: [
                        "model": "\(embedder.model.name)", "dimensions": "\(embedder.model.dimensions)",
                        "fingerprint": "\(embedder.model.fingerprint)",
                    ])
            case .failure(let error):
                log.error(
                    "the model cannot be used; requests with text are refused",
                    metadata: ["reason": "\(error)"])
            }
        }
    }

    package var model: ModelDescription {
        switch loaded() {
        case .success(let embedder): embedder.model
        case .failure:
            ModelDescription(name: name, fingerprint: "unavailable", dimensions: 0, maximumTokens: 0)
        }
    }

    package func embed(
        _ texts: [String], kind: EmbeddingKind, context: OperationContext
    ) throws(DatabaseError) -> EmbeddingBatch {
        try loaded().get().embed(texts, kind: kind, context: context)
    }

    package func remembered(_ texts: [String], kind: EmbeddingKind) -> EmbeddingBatch? {
        present()?.remembered(texts, kind: kind)
    }

    package var cacheStatistics: EmbeddingCacheStatistics? { present()?.cacheStatistics }

    /// The model if it is there already: nobody waits.
    private func present() -> (any TextEmbedder)? {
        guard case .success(let embedder)? = outcome.value.withLock({ $0 }) else { return nil }
        return embedder
    }

    package func chunks(
        of text: String, format: DocumentFormat, sizes: ChunkSizes, limit: Int, context: OperationContext
    ) throws(DatabaseError) -> [TextChunk] {
        try loaded().get().chunks(of: text, format: format, sizes: sizes, limit: limit, context: context)
    }

    private func loaded() -> Result<any TextEmbedder, DatabaseError> {
        if let result = outcome.value.withLock({ $0 }) { return result }
        thread.join()
        return outcome.value.withLock { $0 }
            ?? .failure(DatabaseError(.internal, "reading the model ended without a result"))
    }

    private final class Outcome: Sendable {
        let value = Mutex<Result<any TextEmbedder, DatabaseError>?>(nil)
    }
}
