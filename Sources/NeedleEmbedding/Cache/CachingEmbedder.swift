// Vectors of texts that were embedded before, in memory and in files, in front of a model.
//
// Invariants: the key holds the model's fingerprint, so an answer is never another model's; a vector from the
// cache is bit for bit the one that the model gave; no failure of the cache fails a request.

package import NeedleCore
import Synchronization

/// An embedder in front of another. Safe from any thread.
package final class CachingEmbedder: TextEmbedder {
    /// Where vectors are kept across restarts.
    package struct Files: Sendable {
        package var fileSystem: any FileSystem
        /// A directory of its own; made when it is not there.
        package var directory: String
        /// Bytes of all files together at most.
        package var limit: Int

        package init(fileSystem: any FileSystem, directory: String, limit: Int) {
            self.fileSystem = fileSystem
            self.directory = directory
            self.limit = limit
        }
    }

    private struct Memory {
        var entries: EmbeddingMemory
        var memoryHits = 0
        var fileHits = 0
        var misses = 0
    }

    package let model: ModelDescription
    private let base: any TextEmbedder
    private let keys: EmbeddingKey.Maker
    private let memory: Mutex<Memory>
    /// Taken without the other lock: nobody who wants something from memory waits for a disk.
    private let file: Mutex<EmbeddingFile?>

    /// Reads the files, O(bytes).
    ///
    /// - Parameter memoryLimit: bytes of vectors in memory at most.
    package init(_ base: any TextEmbedder, memoryLimit: Int, files: Files? = nil) {
        self.base = base
        model = base.model
        keys = EmbeddingKey.Maker(fingerprint: base.model.fingerprint)
        memory = Mutex(Memory(entries: EmbeddingMemory(limit: memoryLimit)))
        let format = EmbeddingFileFormat(
            fingerprint: base.model.fingerprint, dimensions: base.model.dimensions)
        file = Mutex(
            files.map {
                EmbeddingFile($0.fileSystem, directory: $0.directory, limit: $0.limit, format: format)
            })
    }

    package var cacheStatistics: EmbeddingCacheStatistics? {
        var result = EmbeddingCacheStatistics()
        memory.withLock { memory in
            result.memoryHits = memory.memoryHits
            result.fileHits = memory.fileHits
            result.misses = memory.misses
            result.entries = memory.entries.count
            result.bytesInMemory = memory.entries.bytes
        }
        file.withLock { file in
            result.bytesOnDisk = file?.bytes ?? 0
            result.damaged = file?.damaged ?? 0
        }
        return result
    }

    package func chunks(
        of text: String, format: DocumentFormat, sizes: ChunkSizes, limit: Int, context: OperationContext
    ) throws(DatabaseError) -> [TextChunk] {
        try base.chunks(of: text, format: format, sizes: sizes, limit: limit, context: context)
    }

    package func remembered(_ texts: [String], kind: EmbeddingKind) -> EmbeddingBatch? {
        let keys = texts.map { self.keys.key($0, kind) }
        return memory.withLock { memory in
            guard keys.allSatisfy({ memory.entries.contains($0) }) else { return nil }
            memory.memoryHits += keys.count
            return Self.batch(keys.compactMap { memory.entries.find($0) })
        }
    }

    package func embed(
        _ texts: [String], kind: EmbeddingKind, context: OperationContext
    ) throws(DatabaseError) -> EmbeddingBatch {
        let keys = texts.map { self.keys.key($0, kind) }
        var found = fromMemory(keys)
        if found.contains(where: { $0 == nil }) { fromFile(keys, &found) }
        try compute(texts, kind, keys, context, &found)
        return Self.batch(found.compactMap { $0 })
    }

    private static func batch(_ found: [CachedEmbedding]) -> EmbeddingBatch {
        EmbeddingBatch(vectors: found.map(\.vector), lengths: found.map(\.length))
    }

    private func fromMemory(_ keys: [EmbeddingKey]) -> [CachedEmbedding?] {
        memory.withLock { memory in
            let found = keys.map { memory.entries.find($0) }
            memory.memoryHits += found.count { $0 != nil }
            return found
        }
    }

    private func fromFile(_ keys: [EmbeddingKey], _ found: inout [CachedEmbedding?]) {
        var fresh: [Int] = []
        file.withLock { file in
            guard file?.isOpen == true else { return }
            for index in keys.indices where found[index] == nil {
                found[index] = file?.find(keys[index])
                if found[index] != nil { fresh.append(index) }
            }
        }
        memory.withLock { memory in
            memory.fileHits += fresh.count
            for index in fresh {
                if let value = found[index] { memory.entries.insert(value, keys[index]) }
            }
        }
    }

    /// Has the model embed what was not found, each text once.
    private func compute(
        _ texts: [String], _ kind: EmbeddingKind, _ keys: [EmbeddingKey], _ context: OperationContext,
        _ found: inout [CachedEmbedding?]
    ) throws(DatabaseError) {
        var order: [EmbeddingKey: Int] = [:]
        var missing: [String] = []
        for index in keys.indices where found[index] == nil && order[keys[index]] == nil {
            order[keys[index]] = missing.count
            missing.append(texts[index])
        }
        guard !missing.isEmpty else { return }
        let batch = try base.embed(missing, kind: kind, context: context)
        precondition(batch.lengths.count == missing.count, "an embedder tells the length of each text")
        let values = order.map { key, place in
            (key: key, value: CachedEmbedding(vector: batch.vectors[place], length: batch.lengths[place]))
        }
        memory.withLock { memory in
            memory.misses += missing.count
            for (key, value) in values { memory.entries.insert(value, key) }
        }
        file.withLock { $0?.append(values) }
        for index in keys.indices where found[index] == nil {
            if let place = order[keys[index]] {
                found[index] = CachedEmbedding(vector: batch.vectors[place], length: batch.lengths[place])
            }
        }
    }
}
