// A sentence encoder in a directory, as the engine sees it: text in, unit vectors and a fingerprint out.

import Crypto
package import NeedleCore
import Synchronization

/// The built-in embedder. Immutable; safe from any thread.
package final class LocalModel: TextEmbedder {
    /// What the caller decides; the model's directory decides the rest.
    package struct Options: Hashable, Sendable {
        /// The name that `text.embed` and collections use; the directory's last component when `nil`.
        package var name: String?
        /// Put before questions and before passages; the model's own prompts when `nil`.
        package var queryPrefix: String?
        package var passagePrefix: String?
        /// Leading components to keep, renormalised (Matryoshka); all when `nil`.
        package var dimensions: Int?
        /// int8 is faster and gives other vectors, so it has a fingerprint of its own.
        package var precision: WeightPrecision
        /// Threads that one batch may use, the caller's counted.
        package var threads: Int

        package init(
            name: String? = nil, queryPrefix: String? = nil, passagePrefix: String? = nil,
            dimensions: Int? = nil, precision: WeightPrecision = .float32,
            threads: Int = WorkerPool.processors
        ) {
            self.name = name
            self.queryPrefix = queryPrefix
            self.passagePrefix = passagePrefix
            self.dimensions = dimensions
            self.precision = precision
            self.threads = threads
        }
    }

    package let model: ModelDescription
    private let tokenizer: WordPieceTokenizer
    private let encoder: BertEncoder
    private let queryPrefix: String
    private let passagePrefix: String

    /// Reads, checks and hashes the files (a third of a second for MiniLM).
    ///
    /// - Throws: `notFound` that names the missing file and says how to get it, `corruption`,
    ///   `storageFailed`, `invalidParams` for a kind of model that is not supported.
    package init(directory: String, options: Options = Options()) throws(DatabaseError) {
        precondition(options.threads >= 1)
        let files = ModelFiles(directory: directory)
        let weightBytes = try files.require(ModelFiles.weights, limit: 16 << 30)
        let vocabularyBytes = try files.require(ModelFiles.vocabulary, limit: 256 << 20)
        let shape = try BertConfiguration(files: files)
        tokenizer = try WordPieceTokenizer(
            vocabulary: vocabularyBytes, file: files.path(ModelFiles.vocabulary),
            maximumTokens: shape.maximumTokens)
        guard tokenizer.vocabularyCount <= shape.vocabulary else {
            throw DatabaseError.corruption(
                file: files.path(ModelFiles.vocabulary), offset: 0,
                what: "\(tokenizer.vocabularyCount) word pieces, the configuration says \(shape.vocabulary)")
        }
        let dimensions = options.dimensions ?? shape.hidden
        guard (1...shape.hidden).contains(dimensions) else {
            throw DatabaseError(
                .invalidParams, "the model has \(shape.hidden) dimensions", expected: "1…\(shape.hidden)",
                got: "\(dimensions)")
        }
        let container = try Safetensors(weightBytes, file: files.path(ModelFiles.weights))
        encoder = BertEncoder(
            weights: try BertWeights(container, shape, precision: options.precision), shape: shape,
            threads: options.threads)
        queryPrefix = options.queryPrefix ?? shape.queryPrefix
        passagePrefix = options.passagePrefix ?? shape.passagePrefix
        var fingerprint = Fingerprint()
        fingerprint.add("weights", weightBytes)
        fingerprint.add("vocabulary", vocabularyBytes)
        fingerprint.add("architecture", "bert heads=\(shape.heads) epsilon=\(shape.epsilon)")
        fingerprint.add("pooling", shape.pooling.rawValue)
        fingerprint.add("normalisation", "unit")
        fingerprint.add("query prefix", queryPrefix)
        fingerprint.add("passage prefix", passagePrefix)
        fingerprint.add("dimensions", "\(dimensions)")
        fingerprint.add("maximum tokens", "\(shape.maximumTokens)")
        // Left out for float32, whose fingerprints are older than the choice.
        if options.precision != .float32 { fingerprint.add("precision", options.precision.rawValue) }
        model = ModelDescription(
            name: options.name ?? Self.lastComponent(of: directory), fingerprint: fingerprint.hex(),
            dimensions: dimensions, maximumTokens: shape.maximumTokens)
    }

    private static func lastComponent(of directory: String) -> String {
        directory.split(separator: "/").last.map(String.init) ?? directory
    }

    /// Where the model is looked for: `NEEDLETAIL_MODEL`, else where scripts/fetch-model puts it.
    package static func defaultDirectory(environment: [String: String]) -> String {
        if let named = environment["NEEDLETAIL_MODEL"], !named.isEmpty { return named }
        let home = environment["HOME"] ?? "/root"
        let cache = environment["XDG_CACHE_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? "\(home)/.cache"
        return "\(cache)/needletail/models/all-MiniLM-L6-v2"
    }

    /// The empty text is a text. Texts beyond the model's limit are cut, and counted as truncated.
    package func embed(
        _ texts: [String], kind: EmbeddingKind, context: OperationContext
    ) throws(DatabaseError) -> EmbeddingBatch {
        let prefix = kind == .query ? queryPrefix : passagePrefix
        var sequences: [[Int32]] = []
        sequences.reserveCapacity(texts.count)
        var lengths: [TextLength] = []
        lengths.reserveCapacity(texts.count)
        for text in texts {
            try context.check()
            let tokenized = tokenizer.tokenize(text, prefix: prefix)
            lengths.append(TextLength(tokens: tokenized.ids.count, isTruncated: tokenized.isTruncated))
            sequences.append(tokenized.ids)
        }
        var vectors = try encoder.encode(sequences, context: context)
        if model.dimensions < encoder.shape.hidden {
            for index in vectors.indices { vectors[index] = Self.cut(vectors[index], to: model.dimensions) }
        }
        return EmbeddingBatch(vectors: vectors, lengths: lengths)
    }

    /// With sizes that leave room for the passage prefix and the two special tokens.
    package func chunks(
        of text: String, format: DocumentFormat, sizes: ChunkSizes, limit: Int, context: OperationContext
    ) throws(DatabaseError) -> [TextChunk] {
        let prefix = tokenizer.tokenCount(of: Array(passagePrefix.utf8).span)
        let chunker = try Chunker(
            counter: tokenizer, sizes: sizes, passageTokens: model.maximumTokens - 2 - prefix, limit: limit)
        return try chunker.chunks(of: text, format: format, context: context)
    }

    private static func cut(_ vector: [Float], to dimensions: Int) -> [Float] {
        let head = vector.prefix(dimensions)
        let length = head.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        return length > 0 ? head.map { Float(Double($0) / length) } : Array(head)
    }
}

/// SHA-256 over labelled, length-prefixed parts, so that no two lists of parts look alike.
private struct Fingerprint {
    private var hash = SHA256()

    mutating func add(_ label: String, _ bytes: [UInt8]) {
        append(Array(label.utf8))
        append(bytes)
    }

    mutating func add(_ label: String, _ text: String) {
        add(label, Array(text.utf8))
    }

    private mutating func append(_ bytes: [UInt8]) {
        withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { hash.update(bufferPointer: $0) }
        bytes.withUnsafeBytes { hash.update(bufferPointer: $0) }
    }

    func hex() -> String { Hexadecimal.text(hash.finalize()) }
}
