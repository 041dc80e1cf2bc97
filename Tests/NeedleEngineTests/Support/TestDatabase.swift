import NeedleCore
import NeedleEngine
import SimulationKit
import Synchronization
import Testing

/// A clock that moves when a test says so.
final class TestClock: Clock {
    private let milliseconds = Mutex<Int64>(1_800_000_000_000)

    func wallMilliseconds() -> Int64 { milliseconds.withLock { $0 } }
    func monotonicNanoseconds() -> UInt64 { UInt64(milliseconds.withLock { $0 }) * 1_000_000 }

    func advance(_ by: Int64) { milliseconds.withLock { $0 += by } }
}

/// A database on a simulated disk, and short names for what tests do to it.
final class TestDatabase {
    let disk: SimulatedFileSystem
    let clock: TestClock
    var options: EngineOptions
    private(set) var database: Database

    init(
        disk: SimulatedFileSystem = SimulatedFileSystem(), clock: TestClock = TestClock(),
        options: EngineOptions = TestDatabase.smallOptions
    ) throws {
        self.disk = disk
        self.clock = clock
        self.options = options
        database = try Self.open(disk, clock, options)
    }

    /// Small segments and early graphs, so that a few hundred points exercise everything.
    static var smallOptions: EngineOptions {
        var options = EngineOptions()
        options.growingRows = 4096
        options.exactRows = 100
        options.trainingRows = 256
        options.measureShare = 1
        options.firstRecallSample = 16
        options.recallSample = 48
        options.scrubIntervalMS = 0
        return options
    }

    private static func open(
        _ disk: SimulatedFileSystem, _ clock: TestClock, _ options: EngineOptions
    ) throws -> Database {
        let database = try Database.open(directory: "db", fileSystem: disk, clock: clock, options: options)
        database.loadCollections()
        return database
    }

    /// Ends the database in an orderly way and opens it again.
    func reopen() throws {
        database.close()
        database = try Self.open(disk, clock, options)
    }

    /// What `kill -9` leaves, or a power cut with this loss model; then opens again.
    func crash(_ model: LossModel?, using generator: inout SeededGenerator) throws {
        if let model { disk.crash(model, using: &generator) } else { disk.killProcess() }
        database = try Self.open(disk, clock, options)
    }

    @discardableResult
    func create(
        _ name: String = "c", size: Int = 4, metric: Metric = .cosine, quantization: QuantizationKind = .int8,
        durability: Durability = .fsync
    ) throws -> Collection {
        let space = SpaceConfig(
            name: CollectionConfig.defaultSpaceName, size: size, metric: metric, quantization: quantization)
        _ = try database.createCollection(
            named: name, config: CollectionConfig(spaces: [space], durability: durability))
        return try database.collection(named: name)
    }

    func collection(_ name: String = "c") throws -> Collection { try database.collection(named: name) }

    /// Runs all background work that there is.
    func settle() {
        while database.maintain(context: OperationContext()) {}
    }
}

extension Collection {
    @discardableResult
    func upsert(_ points: [PointWrite], ifAbsent: Bool = false, opKey: String? = nil) throws -> WriteReceipt {
        let write = try prepare(
            .upsert(points, ifAbsent: ifAbsent), model: nil, opKey: opKey.map { Array($0.utf8) },
            context: OperationContext())
        return try commit([write])[0].get()
    }

    @discardableResult
    func delete(_ choice: PointChoice) throws -> WriteReceipt {
        let write = try prepare(.delete(choice), model: nil, opKey: nil, context: OperationContext())
        return try commit([write])[0].get()
    }

    func get(_ ids: [PointID], withVector: Bool = true) throws -> (points: [PointRecord], missing: [PointID])
    {
        try get(
            ids, selection: PointSelection(payload: .all, withVector: withVector), context: OperationContext()
        )
    }

    func count(_ filter: Filter? = nil) throws -> Int { try count(filter, context: OperationContext()) }

    func search(
        _ vector: [Float], limit: Int = 10, effort: SearchEffort = .standard, filter: Filter? = nil,
        configure: (inout SearchQuery) -> Void = { _ in }
    ) throws -> SearchResult {
        var query = SearchQuery(target: .vector(vector), limit: limit, filter: filter, effort: effort)
        configure(&query)
        return try search(query, context: OperationContext())
    }

    /// All points, page by page.
    func scrollAll(limit: Int = 7, filter: Filter? = nil) throws -> [PointRecord] {
        var request = ScrollRequest(
            filter: filter, limit: limit, selection: PointSelection(payload: .all, withVector: true))
        var all: [PointRecord] = []
        repeat {
            let page = try scroll(request, context: OperationContext())
            all += page.points
            request.cursor = page.cursor
        } while request.cursor != nil
        return all
    }
}

extension SearchResult {
    var ids: [PointID] { hits.map(\.record.id) }
    var scores: [Double] { hits.map(\.score) }
}

extension Payload {
    init(_ json: String) { self.init(compactJSON: Array(json.utf8)) }
    var text: String { String(decoding: json, as: UTF8.self) }
}

func point(
    _ id: UInt64, _ vector: [Float], _ payload: String = "{}", expiresAt: Int64? = nil, ifVersion: LSN? = nil
) -> PointWrite {
    PointWrite(
        id: PointID(id), vectors: .single(vector), payload: Payload(payload), ifVersion: ifVersion,
        expiresAt: expiresAt)
}

/// Seeded vectors around a few centres, as real embeddings lie.
func clusteredVectors(_ count: Int, dimension: Int, seed: UInt64) -> [[Float]] {
    var generator = SeededGenerator(seed: seed)
    func normalish() -> Float {
        (0..<4).reduce(Float(0)) { sum, _ in sum + Float.random(in: -1...1, using: &generator) }
    }
    let centres = (0..<16).map { _ in (0..<dimension).map { _ in normalish() } }
    return (0..<count).map { index in
        let centre = centres[index % centres.count]
        return centre.map { $0 + 0.4 * normalish() }
    }
}
