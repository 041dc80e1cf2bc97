import NeedleClient
import NeedleCore
import NeedleWire
import Synchronization
import Testing

/// Archives as streams, against the server's own codec.
@Suite("Snapshots out and in", .timeLimit(.minutes(1)))
struct SnapshotTransferTests {
    /// What the server was asked, in order.
    private final class Calls: Sendable {
        let all = Mutex<[Call]>([])

        var names: [String] { all.withLock { $0.map(\.method.rawValue) } }
        var pieces: [WriteImport] {
            all.withLock { $0.compactMap { if case .writeImport(let call) = $0 { call } else { nil } } }
        }
    }

    private struct SourceFailed: Error {}

    private func withServer(
        _ calls: Calls = Calls(), greeting: String = WireServer.greeting,
        _ body: (NeedletailClient) async throws -> Void
    ) async throws {
        let server = try await FakeServer.start(greeting: greeting) { received in
            if case .single(.request(let request)) = RequestDecoder(limits: Limits()).decode(received.line) {
                calls.all.withLock { $0.append(request.call) }
            }
            return [.line(WireServer.answer(received.line))]
        }
        let client = NeedletailClient(ClientConfiguration(address: server.address))
        try await body(client)
        await client.close()
        await server.stop()
    }

    private func stream(_ pieces: [[UInt8]], failing: Bool = false) -> AsyncThrowingStream<[UInt8], any Error>
    {
        AsyncThrowingStream { stream in
            for piece in pieces { stream.yield(piece) }
            stream.finish(throwing: failing ? SourceFailed() : nil)
        }
    }

    @Test("An export is all pieces, in order, with progress")
    func exported() async throws {
        try await withServer { client in
            var bytes: [UInt8] = []
            var progress: [Int] = []
            for try await piece in client.exportSnapshot("s") {
                bytes += piece.bytes
                progress.append(piece.progress.done)
                #expect(piece.progress.total == 70_000 && piece.sha256 == "ab")
            }
            #expect(bytes == [1, 2, 3, 4, 5])
            #expect(progress == [65_536, 70_000])
        }
    }

    @Test("A snapshot that was replaced meanwhile is not mixed with the other one")
    func replaced() async throws {
        try await withServer { client in
            let error = await #expect(throws: NeedletailError.self) {
                for try await _ in client.exportSnapshot("replaced") {}
            }
            #expect(error?.kind == .conflict)
        }
    }

    @Test("An import cuts the stream into pieces that fit into the server's lines")
    func imported() async throws {
        var limits = Limits()
        limits.lineBytes = 4_096
        let greeting = Greeting(version: "0.1.0", authentication: .none, limits: limits)
        let line = String(decoding: ReplyEncoder(limits: limits).encode(greeting), as: UTF8.self)
        let archive = (0..<10_000).map { UInt8(truncatingIfNeeded: $0) }
        let calls = Calls()
        try await withServer(calls, greeting: line) { client in
            var progress: [TransferProgress] = []
            let imported = try await client.importSnapshot(
                stream([Array(archive[..<10]), [], Array(archive[10..<9_000]), Array(archive[9_000...])]),
                as: "copy"
            ) { progress.append($0) }
            #expect(imported.snapshot == "copy" && imported.points == 3 && imported.lsn == 4)
            #expect(progress.last?.total == 5_000_000)
        }
        #expect(calls.pieces.flatMap(\.data) == archive)
        #expect(calls.pieces.allSatisfy { $0.importID == "i1" && $0.data.count <= 3_072 })
        #expect(calls.pieces.map(\.offset) == calls.pieces.indices.map { $0 * calls.pieces[0].data.count })
        #expect(calls.names.first == "snapshot.import_begin" && calls.names.last == "snapshot.import_commit")
    }

    @Test("A source that fails, and a task that is cancelled, end the import on the server")
    func aborted() async throws {
        let calls = Calls()
        try await withServer(calls) { client in
            await #expect(throws: SourceFailed.self) {
                try await client.importSnapshot(stream([[1, 2]], failing: true))
            }
            #expect(calls.names == ["snapshot.import_begin", "snapshot.import_abort"])
            let (silent, feed) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
            let task = Task { try await client.importSnapshot(silent) }
            while calls.names.count < 3 { try await Task.sleep(for: .milliseconds(1)) }
            task.cancel()
            await #expect(throws: (any Error).self) { try await task.value }
            #expect(calls.names.suffix(2) == ["snapshot.import_begin", "snapshot.import_abort"])
            feed.finish()
        }
    }

    @Test("Aliases")
    func aliases() async throws {
        let calls = Calls()
        try await withServer(calls) { client in
            try await client.setAliases(["b": "docs", "a": "docs"])
            try await client.deleteAliases(["a"])
            #expect(try await client.aliases() == ["live": "docs"])
        }
        #expect(calls.names == ["alias.set", "alias.delete", "alias.list"])
    }
}
