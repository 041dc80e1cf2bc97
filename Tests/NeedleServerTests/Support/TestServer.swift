import Foundation
import Glibc
import Logging
import NeedleCore
import NeedleEngine
import NeedleServer
import NeedleStorage
import Synchronization

/// Vectors made of letter counts, as slowly as a test wants.
final class StubEmbedder: TextEmbedder {
    let model = ModelDescription(name: "stub", fingerprint: "f00d", dimensions: 8, maximumTokens: 16)
    /// While this is set, `embed` waits (and notices deadlines and cancellations).
    let isHeld = Atomic<Bool>(false)
    let calls = Atomic<Int>(0)
    /// Texts that it answers without being asked to embed.
    let knownTexts = Mutex<Set<String>>([])

    func embed(
        _ texts: [String], kind: EmbeddingKind, context: OperationContext
    ) throws(DatabaseError) -> EmbeddingBatch {
        calls.add(1, ordering: .relaxed)
        while isHeld.load(ordering: .relaxed) {
            try context.check()
            usleep(2_000)
        }
        return Self.batch(texts)
    }

    func remembered(_ texts: [String], kind: EmbeddingKind) -> EmbeddingBatch? {
        knownTexts.withLock { known in texts.allSatisfy { known.contains($0) } } ? Self.batch(texts) : nil
    }

    var cacheStatistics: EmbeddingCacheStatistics? {
        var result = EmbeddingCacheStatistics()
        result.entries = knownTexts.withLock { $0.count }
        return result
    }

    private static func batch(_ texts: [String]) -> EmbeddingBatch {
        let vectors = texts.map { text in
            var vector = [Float](repeating: 0.01, count: 8)
            for byte in text.utf8 { vector[Int(byte) % 8] += 1 }
            let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
            return vector.map { $0 / length }
        }
        return EmbeddingBatch(vectors: vectors, tokens: texts.count * 3, truncated: 0)
    }

    /// A chunk a line.
    func chunks(
        of text: String, format: DocumentFormat, sizes: ChunkSizes, limit: Int, context: OperationContext
    ) throws(DatabaseError) -> [TextChunk] {
        var start = 0
        var chunks: [TextChunk] = []
        for line in text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false) {
            if !line.isEmpty {
                chunks.append(
                    TextChunk(
                        range: start..<(start + line.count), headings: [],
                        passage: String(decoding: line, as: UTF8.self)))
            }
            start += line.count + 1
        }
        return chunks
    }
}

/// The real server on a real database in a temporary directory, on a free port.
final class TestServer {
    let directory: String
    let database: Database
    let server: Server
    private var isStopped = false
    var port: Int { server.address.port }

    /// - Parameters:
    ///   - directory: an earlier server's, to go on with its data.
    ///   - loads: whether collections are loaded at once.
    init(
        embedder: (any TextEmbedder)? = nil, directory: String? = nil, loads: Bool = true,
        access: AccessControl? = nil, _ change: (inout ServerConfiguration) -> Void = { _ in }
    ) throws {
        var configuration = ServerConfiguration()
        configuration.listen = ListenAddress(host: "127.0.0.1", port: 0)
        configuration.searchThreads = 2
        configuration.maintenanceThreads = 1
        change(&configuration)
        self.directory =
            directory
            ?? FileManager.default.temporaryDirectory.appending(path: "needle-\(UUID().uuidString)").path
        var options = configuration.engineOptions
        options.embedders = Embedders(embedder.map { [$0] } ?? [])
        let clock = SystemClock()
        database = try Database.open(
            directory: self.directory, fileSystem: PosixFileSystem(), clock: clock, options: options)
        server = try Server.start(
            database: database, configuration: configuration, clock: clock,
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, access: access)
        if loads { server.loadCollections() }
    }

    func client(seconds: Int = 20) throws -> TestClient {
        let client = try TestClient(port: port, seconds: seconds)
        guard let greeting = try client.line(), greeting.contains("server.hello") else {
            throw TestClient.Failure(description: "no greeting")
        }
        return client
    }

    /// - Returns: whether everything that was accepted was answered.
    @discardableResult
    func stop(keepingData: Bool = false) -> Bool {
        guard !isStopped else { return true }
        isStopped = true
        let isComplete = server.stop()
        database.close()
        if !keepingData { try? FileManager.default.removeItem(atPath: directory) }
        return isComplete
    }

    /// The server was stopped by the test itself; only the database is left.
    func forgetServer() {
        isStopped = true
        database.close()
        try? FileManager.default.removeItem(atPath: directory)
    }

    deinit { stop() }
}

extension TestClient {
    /// Makes a collection of four dimensions and puts in points 1 … `count`.
    func fill(_ name: String, count: Int) throws {
        _ = try call("collection.create", #"{"name":"\#(name)","vectors":{"size":4}}"#)
        let points = (1...count).map { #"{"id":\#($0),"vector":[\#($0),1,2,3],"payload":{"n":\#($0)}}"# }
        let answer = try call(
            "point.upsert", #"{"collection":"\#(name)","points":[\#(points.joined(separator: ","))]}"#)
        guard answer.contains(#""created":\#(count)"#) else { throw Failure(description: answer) }
    }
}
