// kill -9 at random moments of an import: what was acknowledged is there to the bit, and nothing is half there.

import NeedleClient
import Synchronization
import Testing

import struct NeedleCore.SeededGenerator

extension EndToEnd {
    @Suite("Crashes")
    struct CrashTests {
        static let streams = 3
        static let batch = 40
        static let dimensions = 8

        @Test("kill -9 during imports loses no acknowledged point, and the server is back within a second")
        func killDuringImport() async throws {
            let folder = try TemporaryFolder()
            var model = Acknowledged()
            var times: [Double] = []
            let rounds = Places.isLong ? 12 : 4
            var server = try Self.start(folder)
            try await Self.client(server) { client in
                try await client.createCollection("c", VectorSpace(size: Self.dimensions, metric: .euclid))
            }
            var generator = SeededGenerator(seed: 2026)
            for round in 0..<rounds {
                let delay = Duration.milliseconds(Int.random(in: 20...350, using: &generator))
                let results = try await Self.importUntilKilled(
                    server, round: round, delay: delay, optimizes: round % 2 == 1)
                for (stream, safe) in results.enumerated() {
                    model.imports.append(Acknowledged.Import(round: round, stream: stream, safe: safe))
                }
                server = try Self.start(folder)
                times.append(server.startTime.seconds)
                #expect(server.startTime < .seconds(1), "round \(round): \(server.startTime)")
                try await Self.client(server) { client in try await model.check(client, server) }
            }
            let total = model.imports.reduce(0) { $0 + $1.safe }
            if Places.isLong {
                print("crashes: \(rounds) rounds, \(total) points acknowledged, started in \(times)")
            }
            #expect(total > rounds * Self.batch, "the imports were killed before they began")
        }

        private static func start(_ folder: TemporaryFolder) throws -> ServerUnderTest {
            // Small segments, so that sealing, checkpoints and merges happen during the import too.
            try ServerUnderTest(data: folder.path + "/data", settings: ["storage.growing_rows": "1024"])
        }

        private static func client(
            _ server: ServerUnderTest, _ body: (NeedletailClient) async throws -> Void
        ) async throws {
            try await NeedletailClient.withClient(configuration(server), body)
        }

        private static func configuration(_ server: ServerUnderTest) -> ClientConfiguration {
            var configuration = ClientConfiguration(
                address: ServerAddress(host: "127.0.0.1", port: server.port))
            configuration.retry = .never
            return configuration
        }

        /// Imports over several connections, and kills the server meanwhile.
        ///
        /// - Parameter delay: from the first acknowledgement of this round to the kill.
        /// - Returns: for each connection, how many of its first points are acknowledged.
        private static func importUntilKilled(
            _ server: ServerUnderTest, round: Int, delay: Duration, optimizes: Bool
        ) async throws -> [Int] {
            let begun = Gate()
            return try await withThrowingTaskGroup(of: (stream: Int, safe: Int)?.self) { group in
                for stream in 0..<streams {
                    group.addTask { (stream, try await importPoints(server, round, stream, begun)) }
                }
                if optimizes {
                    group.addTask {
                        let client = NeedletailClient(configuration(server))
                        // Until the server is gone.
                        while (try? await client.optimize("c", timeout: .after(.seconds(10)))) != nil {}
                        return nil
                    }
                }
                for _ in 0..<2_000 where !begun.isOpen { try await Task.sleep(for: .milliseconds(5)) }
                try await Task.sleep(for: delay)
                server.crash()
                var safe = [Int](repeating: 0, count: streams)
                for try await result in group { if let result { safe[result.stream] = result.safe } }
                return safe
            }
        }

        /// Imports until it cannot.
        private static func importPoints(
            _ server: ServerUnderTest, _ round: Int, _ stream: Int, _ begun: Gate
        ) async throws -> Int {
            let client = NeedletailClient(configuration(server))
            var options = ImportOptions()
            options.batchPoints = batch
            do {
                let source = SampleStream(round: round, stream: stream, count: 20_000)
                return try await client.importPoints(source, into: "c", options: options) { _ in begun.open()
                }
                .acknowledged
            } catch let error as ImportError {
                return error.firstUnacknowledged
            }
        }
    }
}

/// Says once that something has begun.
private final class Gate: Sendable {
    private let state = Atomic(false)
    var isOpen: Bool { state.load(ordering: .acquiring) }
    func open() { state.store(true, ordering: .releasing) }
}

/// The points of one import, made when they are asked for.
private struct SampleStream: AsyncSequence, AsyncIteratorProtocol {
    let round: Int
    let stream: Int
    let count: Int
    private var index = 0

    init(round: Int, stream: Int, count: Int) {
        self.round = round
        self.stream = stream
        self.count = count
    }

    func makeAsyncIterator() -> Self { self }

    mutating func next() async -> Point? {
        guard index < count else { return nil }
        defer { index += 1 }
        return Sample.point(round, stream, index)
    }
}

/// Points that can be told from their numbers alone.
private enum Sample {
    static func id(_ round: Int, _ stream: Int, _ index: Int) -> PointID {
        let number = UInt64(round * 1_000_000 + stream * 100_000 + index)
        // Both kinds of ids.
        return stream == 2 ? PointID("point-\(number)") : PointID(number)
    }

    static func vector(_ round: Int, _ stream: Int, _ index: Int) -> Vector {
        let seed = UInt64(round * 1_000_000 + stream * 100_000 + index)
        return (0..<EndToEnd.CrashTests.dimensions).map { axis in
            let bits = UInt32(truncatingIfNeeded: SeededGenerator.mix(seed &* 8 &+ UInt64(axis)))
            // The first component keeps points apart. The others have any exponent below that, subnormal too.
            return axis == 0
                ? Float(bitPattern: bits >> 9 | 0x3F80_0000) : Float(bitPattern: bits & 0xBFFF_FFFF)
        }
    }

    static func payload(_ round: Int, _ stream: Int, _ index: Int) -> String {
        #"{"round":\#(round),"stream":\#(stream),"index":\#(index),"ratio":1.50e0}"#
    }

    static func point(_ round: Int, _ stream: Int, _ index: Int) -> Point {
        let payload = (try? Payload(json: payload(round, stream, index))) ?? Payload()
        return Point(id: id(round, stream, index), vector: vector(round, stream, index), payload: payload)
    }
}

/// What the server has promised so far.
private struct Acknowledged {
    struct Import {
        var round: Int
        var stream: Int
        /// So many of its first points are acknowledged.
        var safe: Int
        /// So many were found after the crash, once that is known. From then on nothing may change.
        var found: Int?
    }

    var imports: [Import] = []

    mutating func check(_ client: NeedletailClient, _ server: ServerUnderTest) async throws {
        // The search comes first: it is to be answered within three seconds of the start.
        let acknowledged = imports.reduce(0) { $0 + $1.safe }
        if let last = imports.last(where: { $0.safe > 0 }) {
            let index = last.safe - 1
            var request = SearchRequest(vector: Sample.vector(last.round, last.stream, index), limit: 1)
            request.effort = .exact
            let answer = try await client.search("c", request)
            #expect(server.startedAt.duration(to: .now) < .seconds(3))
            #expect(answer.hits.first?.id == Sample.id(last.round, last.stream, index))
            #expect(answer.hits.first?.score == 0)
            #expect(answer.isComplete)
        }
        var total = 0
        for place in imports.indices {
            let found = try await present(imports[place], client)
            total += found
            imports[place].found = found
        }
        #expect(try await client.count("c") == total)
        #expect(total >= acknowledged)
        try await searchAll(client)
    }

    /// How many points of an import are there: all that were acknowledged, perhaps some batches more, no hole.
    private func present(_ known: Import, _ client: NeedletailClient) async throws -> Int {
        let batch = EndToEnd.CrashTests.batch
        // Four batches are under way at a time, so nothing can be beyond these.
        let limit = known.safe + 8 * batch
        let answer = try await client.get(
            "c", ids: (0..<limit).map { Sample.id(known.round, known.stream, $0) }, withVector: true)
        let found = answer.points.count
        let name = "round \(known.round), stream \(known.stream)"
        #expect(found >= known.safe, "\(name): \(known.safe - found) acknowledged points are lost")
        #expect(found % batch == 0, "\(name): half a batch is there")
        if let before = known.found { #expect(found == before, "\(name): changed by a later crash") }
        for (index, point) in answer.points.enumerated() {
            let isRight =
                point.id == Sample.id(known.round, known.stream, index)
                && point.vector?.map(\.bitPattern)
                    == Sample.vector(known.round, known.stream, index).map(\.bitPattern)
                && point.payload?.json == Sample.payload(known.round, known.stream, index)
            if !isRight {
                Issue.record("\(name): point \(index) is not what was sent, or one before it is missing")
                break
            }
        }
        return found
    }

    /// A search over everything finds everything.
    private func searchAll(_ client: NeedletailClient) async throws {
        // A search's answer is bounded by 10,000, so the points are searched by round.
        for round in Set(imports.map(\.round)) {
            let expected = imports.filter { $0.round == round }.reduce(0) { $0 + ($1.found ?? 0) }
            guard expected <= 10_000 else { continue }
            var request = SearchRequest(
                vector: Vector(repeating: 0, count: EndToEnd.CrashTests.dimensions), limit: 10_000,
                filter: .match("round", .integer(Int64(round))))
            request.effort = .exact
            request.payload = .none
            let answer = try await client.search("c", request)
            #expect(Set(answer.hits.map(\.id)).count == expected, "round \(round)")
        }
    }
}
