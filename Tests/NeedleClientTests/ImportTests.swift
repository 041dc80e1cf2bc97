import NeedleClient
import Synchronization
import Testing

@Suite("Streaming import", .timeLimit(.minutes(1)))
struct ImportTests {
    /// Counts what a client asks of its source.
    struct CountedPoints: AsyncSequence, AsyncIteratorProtocol {
        let total: Int
        let asked: Counter
        var next = 0

        final class Counter: Sendable {
            let value = Atomic<Int>(0)
        }

        func makeAsyncIterator() -> CountedPoints { self }

        mutating func next() async -> Point? {
            guard next < total else { return nil }
            defer { next += 1 }
            asked.value.wrappingAdd(1, ordering: .relaxed)
            return Point(id: PointID(UInt64(next)), vector: [Float(next)])
        }
    }

    private func accepted(_ request: FakeRequest, lsn: Int = 1) -> FakeReply {
        let count = request.params["points"]?.arrayValue?.count ?? 0
        return request.result(#"{"lsn":\#(lsn),"durable":"fsync","created":\#(count),"updated":0}"#)
    }

    private func client(_ server: FakeServer) -> NeedletailClient {
        var configuration = ClientConfiguration(address: server.address)
        configuration.retry = RetryPolicy(firstDelay: .milliseconds(5), maximumDelay: .milliseconds(20))
        return NeedletailClient(configuration)
    }

    private func options(_ points: Int, inFlight: Int = 4) -> ImportOptions {
        var options = ImportOptions()
        options.batchPoints = points
        options.batchesInFlight = inFlight
        return options
    }

    @Test("Batches leave in order, counts are exact, progress rises")
    func happy() async throws {
        let server = try await FakeServer.start { [self] request in [accepted(request)] }
        let client = client(server)
        let points = (0..<1050).map { Point(id: PointID(UInt64($0)), vector: [Float($0)]) }
        var seen: [Int] = []
        let result = try await client.importPoints(points, into: "docs", options: options(1000)) {
            seen.append($0.acknowledged)
        }
        #expect((result.acknowledged, result.created, result.batches) == (1050, 1050, 11))
        #expect(seen.count == 11 && seen == seen.sorted() && seen.last == 1050)
        let firsts = server.requests.map { $0.params["points"]?.arrayValue?.first?["id"]?.intValue ?? -1 }
        #expect(firsts == (0..<11).map { $0 * 100 }, "cut at the 100 that the server announced, in order")
        await server.stop()
    }

    @Test("Back-pressure: the source is not asked for more than the batches in flight can hold")
    func backPressure() async throws {
        let server = try await FakeServer.start { _ in [] }
        let client = client(server)
        let asked = CountedPoints.Counter()
        let task = Task { [self] in
            try await client.importPoints(
                CountedPoints(total: 100_000, asked: asked), into: "docs", options: options(10, inFlight: 3))
        }
        try await until { server.requests.count == 3 }
        try await Task.sleep(for: .milliseconds(50))
        #expect(server.requests.count == 3)
        #expect(asked.value.load(ordering: .relaxed) == 40, "three batches under way and one in hand")
        task.cancel()
        let error = await #expect(throws: ImportError.self) { _ = try await task.value }
        #expect(error?.cause is CancellationError)
        #expect(error?.progress.acknowledged == 0)
        await server.stop()
    }

    @Test("The first refused batch stops the import and names the point; acknowledged counts stay exact")
    func refusal() async throws {
        let server = try await FakeServer.start { [self] request in
            let first = request.params["points"]?.arrayValue?.first?["id"]?.intValue
            return first == 20
                ? [request.failure("dimension_mismatch", code: -32006, at: "points[3].vector")]
                : [accepted(request)]
        }
        let client = client(server)
        let asked = CountedPoints.Counter()
        let error = await #expect(throws: ImportError.self) {
            _ = try await client.importPoints(
                CountedPoints(total: 1000, asked: asked), into: "docs", options: options(10, inFlight: 2))
        }
        #expect(error?.pointIndex == 23)
        #expect(error?.pointID == 23)
        #expect(error?.firstUnacknowledged == 20)
        #expect((error?.cause as? NeedletailError)?.kind == .dimensionMismatch)
        let batches = server.requests.count
        #expect(error?.progress.acknowledged == (batches - 1) * 10)
        #expect(batches <= 5, "no more than what was under way")
        await server.stop()
    }

    @Test(
        "A broken connection in the middle: batches are repeated under their keys, nothing counts twice"
    )
    func brokenConnection() async throws {
        let applied = Mutex<[String: Int]>([:])
        let server = try await FakeServer.start { [self] request in
            let key = request.params["op_key"]?.stringValue ?? ""
            let count = request.params["points"]?.arrayValue?.count ?? 0
            let seen = applied.withLock { applied in
                applied[key] = count
                return applied.count
            }
            // The fifth batch is applied, but its answer is never heard.
            return seen == 5 && request.connection == 0 ? [.disconnect] : [accepted(request)]
        }
        let client = client(server)
        let points = (0..<200).map { Point(id: PointID(UInt64($0)), vector: [1]) }
        let result = try await client.importPoints(points, into: "docs", options: options(10))
        #expect(result.acknowledged == 200)
        #expect(applied.withLock { $0.count } == 20, "twenty keys for twenty batches")
        #expect(applied.withLock { $0.values.reduce(0, +) } == 200)
        #expect(server.connections == 2)
        await server.stop()
    }

    @Test("When the source fails, what came before it is written and the error comes through")
    func sourceError() async throws {
        struct Broken: Error {}
        let server = try await FakeServer.start { [self] request in [accepted(request)] }
        let client = client(server)
        let source = AsyncThrowingStream<Point, any Error> { stream in
            for id in 0..<25 { stream.yield(Point(id: PointID(UInt64(id)), vector: [1])) }
            stream.finish(throwing: Broken())
        }
        let error = await #expect(throws: ImportError.self) {
            _ = try await client.importPoints(source, into: "docs", options: options(10))
        }
        #expect(error?.cause is Broken)
        #expect(error?.progress.acknowledged == 25)
        #expect(error?.firstUnacknowledged == 25)
        await server.stop()
    }

    @Test("Batches are cut by count and by bytes, and a point is never cut")
    func cutting() throws {
        var greeting = ServerGreeting()
        greeting.lineBytes = BatchBuilder.envelopeBytes + 1000
        greeting.batchPoints = 4
        var builder = BatchBuilder(ImportOptions(), greeting: greeting)
        var batches: [PointBatch] = []
        let sizes = [10, 10, 10, 10, 10, 600, 600, 10, 900, 10, 10]
        for (index, size) in sizes.enumerated() {
            let point = Point(id: PointID(UInt64(index)), text: String(repeating: "x", count: size))
            if let batch = try builder.add(point) { batches.append(batch) }
        }
        if let batch = builder.finish() { batches.append(batch) }
        let rest = builder.finish()
        #expect(rest?.ids == nil)
        #expect(batches.map { $0.ids.count } == [4, 2, 2, 3])
        #expect(batches.map(\.firstIndex) == [0, 4, 6, 8])
        #expect(batches.allSatisfy { $0.json.count <= 1000 })
        for batch in batches {
            let text = "[" + String(decoding: batch.json, as: UTF8.self) + "]"
            #expect(try JSONValue(parsing: text).arrayValue?.count == batch.ids.count)
        }
        let error = #expect(throws: NeedletailError.self) {
            _ = try builder.add(Point(id: "big", text: String(repeating: "x", count: 1000)))
        }
        #expect(error?.kind == .limitExceeded)
        #expect(error?.message.contains("big") == true)
    }
}
