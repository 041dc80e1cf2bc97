import NeedleCore
import NeedleEngine
import NeedleOffline
import NeedleStorage
import SimulationKit
import Testing

/// A small data directory with everything in it, closed: two sealed segments with graphs and deletions, a log behind
/// them, measured recall, an alias, a snapshot; and what it answers while it is whole.
struct OfflineBench {
    static let shared = Result { try OfflineBench() }

    let disk: SimulatedFileSystem
    let collection: String
    let snapshot: String
    let content: [PointID: String]
    /// Points whose newest version is in the log only.
    let logged: Set<PointID>
    static let deleted: [PointID] = [PointID(3), PointID(4), PointID(131)]

    private final class FixedClock: Clock {
        func wallMilliseconds() -> Int64 { 1_800_000_000_000 }
        func monotonicNanoseconds() -> UInt64 { 1_000_000 }
    }

    static var options: EngineOptions {
        var options = EngineOptions()
        options.growingRows = 1_024
        options.exactRows = 20
        options.trainingRows = 16
        options.measureShare = 0
        options.scrubIntervalMS = 0
        options.checkpointBytes = 3_000
        return options
    }

    static func open(_ disk: SimulatedFileSystem) throws -> Database {
        let database = try Database.open(
            directory: "db", fileSystem: disk, clock: FixedClock(), options: options)
        database.loadCollections()
        return database
    }

    init() throws {
        disk = SimulatedFileSystem()
        let database = try Self.open(disk)
        let space = SpaceConfig(
            name: CollectionConfig.defaultSpaceName, size: 8, metric: .cosine, quantization: .int8)
        _ = try database.createCollection(named: "c", config: CollectionConfig(spaces: [space]))
        try database.setAliases([Alias(name: "live", collection: "c")])
        let points = try database.collection(named: "c")
        try Self.write(points, 0..<120)
        Self.settle(database)
        try Self.change(points, (20..<40).map { Self.id($0) })
        try Self.write(points, 100..<200)
        try Self.delete(points, Self.deleted)
        Self.settle(database)
        let work = database.beginSnapshotWork("snapshot", collection: "c", context: OperationContext())
        snapshot = try database.createSnapshot(of: "c", work: work).name
        for id in 190..<210 as Range<UInt64> { try Self.write(points, id..<(id + 1)) }
        // Ends a log file.
        let second = try database.createSnapshot(
            of: "c",
            work: database.beginSnapshotWork("snapshot", collection: "c", context: OperationContext()))
        try database.deleteSnapshot(second.name)
        for id in 210..<230 as Range<UInt64> { try Self.write(points, id..<(id + 1)) }
        logged = Set((190..<230 as Range<UInt64>).map(Self.id))
        content = try Self.content(of: points)
        database.close()
        collection = "db/collections/\(try #require(try disk.list("db/collections").first))"
        #expect(try disk.list(collection).filter { $0.hasSuffix(".segment") }.count == 2)
        #expect(try disk.list(collection).contains { $0.hasSuffix(".deletions") })
        #expect(try disk.list(collection).contains { $0.hasSuffix(".overlay") })
    }

    private static func settle(_ database: Database) {
        while database.maintain(context: OperationContext()) {}
    }

    /// Every fifth is a string.
    private static func id(_ number: UInt64) -> PointID {
        number % 5 == 0 ? PointID("p\(number)") : PointID(number)
    }

    static func write(_ collection: Collection, _ ids: Range<UInt64>) throws {
        let points = ids.map { id in
            PointWrite(
                id: Self.id(id),
                vectors: .single((0..<8).map { Float((Int(id) * ($0 + 3)) % 17) - 8.5 }),
                payload: Payload(compactJSON: Array(#"{"n":\#(id)}"#.utf8)))
        }
        try commit(collection, .upsert(points, ifAbsent: false))
    }

    private static func delete(_ collection: Collection, _ ids: [PointID]) throws {
        try commit(collection, .delete(.ids(ids)))
    }

    private static func change(_ collection: Collection, _ ids: [PointID]) throws {
        let payload = Payload(compactJSON: Array(#"{"changed":true}"#.utf8))
        try commit(collection, .changePayload(.set(payload), .ids(ids)))
    }

    private static func commit(_ collection: Collection, _ operation: WriteOperation) throws {
        let write = try collection.prepare(operation, model: nil, opKey: nil, context: OperationContext())
        _ = try collection.commit([write])[0].get()
    }

    static func content(of collection: Collection) throws -> [PointID: String] {
        let request = ScrollRequest(
            limit: 1_000, selection: PointSelection(payload: .all, withVector: true))
        let page = try collection.scroll(request, context: OperationContext())
        return Dictionary(
            uniqueKeysWithValues: page.points.map { point in
                let payload = String(decoding: point.payload?.json ?? [], as: UTF8.self)
                return (point.id, "\(point.version) \(payload) \(point.vectors?.first?.vector ?? [])")
            })
    }

    // MARK: Files

    /// Files of the collection, by what their names hold; those of the log for "log".
    func files(_ part: String) throws -> [String] {
        if part == "log" { return try disk.list("\(collection)/log").map { "\(collection)/log/\($0)" } }
        return try disk.list(collection).filter { $0.contains(part) }.map { "\(collection)/\($0)" }
    }

    func check(_ disk: SimulatedFileSystem, _ path: String = "db") throws -> CheckReport {
        try OfflineCheck(disk).run(path)
    }

    /// Where the sections of a segment lie.
    func section(_ kind: SectionKind, of path: String, space: Int? = nil) throws -> Range<Int> {
        try #require(try SegmentReader(disk, path: path).section(kind, space: space)).range
    }
}
