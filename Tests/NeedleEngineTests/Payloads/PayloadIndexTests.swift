import NeedleCore
import NeedleEngine
import SimulationKit
import Testing

/// Indexes and segments while payloads change.
@Suite struct PayloadIndexTests {
    private let database: TestDatabase
    private static let count = 4_600

    init() throws {
        var options = TestDatabase.smallOptions
        options.growingRows = 8_192
        options.measureShare = 0
        database = try TestDatabase(options: options)
        try database.create(size: 1, metric: .dot, quantization: .none)
    }

    private func fill() throws -> Collection {
        let collection = try database.collection()
        try collection.upsert(
            (0..<Self.count).map { point(UInt64($0), [Float($0 % 50)], #"{"n":\#($0 % 10),"k":"x"}"#) })
        _ = try collection.createIndex(
            FieldIndexDefinition(path: try FieldPath(parsing: "n"), type: .integer))
        return collection
    }

    private func files(_ suffix: String) throws -> [String] {
        let name = try #require(try database.disk.list("db/collections").first)
        return try database.disk.list("db/collections/\(name)").filter { $0.hasSuffix(suffix) }
    }

    private func counts(_ values: [Int]) throws -> [Int] {
        try values.map { try database.collection().count(.number($0, at: "n")) }
    }

    /// More rows than are looked at one by one for ever: the stripe is built again, the segment is not.
    @Test(arguments: [false, true]) func anIndexFollowsChangedPayloads(isSealed: Bool) throws {
        let collection = try fill()
        if isSealed { _ = collection.optimize() }
        database.settle()
        let segments = try files(".segment")
        let described = collection.describe()
        #expect(try counts([3, 77]) == [460, 0])
        let moment = try collection.scroll(
            ScrollRequest(filter: .number(3, at: "n"), limit: 400), context: OperationContext())

        let range = RangeTest(
            kind: .number, lower: nil, upper: .init(value: ExactNumber(8 as Int64), isInclusive: true))
        let most = Filter(must: [.range(try FieldPath(parsing: "n"), range)])
        #expect(try collection.set(#"{"n":77}"#, .filter(most)).updated == 4_140)
        #expect(try counts([3, 77, 9]) == [0, 4_140, 460], "at once")
        database.settle()
        #expect(try counts([3, 77, 9]) == [0, 4_140, 460], "built again")
        let rest = try collection.scroll(
            ScrollRequest(limit: 400, cursor: moment.cursor), context: OperationContext())
        #expect(moment.points.count + rest.points.count == 460, "the moment before")

        // No graph work: the same segments, the same rows indexed.
        let after = collection.describe()
        #expect(
            after.segments.map(\.id) == described.segments.map(\.id)
                && after.indexedPoints == described.indexedPoints)
        #expect(try files(".segment") == segments)
        if isSealed {
            let name = try #require(try files(".fields").first)
            #expect(name.split(separator: "-").count == 3, "\(name)")
        }
        try database.reopen()
        #expect(try counts([3, 77, 9]) == [0, 4_140, 460], "opened again")
        database.settle()
        #expect(try counts([3, 77, 9]) == [0, 4_140, 460])
    }
}
