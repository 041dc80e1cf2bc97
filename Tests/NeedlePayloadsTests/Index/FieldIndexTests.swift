import NeedleCore
import NeedlePayloads
import Testing

/// Rows of documents with indexes over them.
private struct IndexedRows {
    var documents: [JSONValue]
    var indexes: FieldIndexSet
    var overlaid: PointSet
    var analyses: [FieldPath: TextAnalysis] = [:]

    func subject() -> FilterSubject {
        let rows = documents.count
        return FilterSubject(rows: rows, indexes: indexes, overlaid: overlaid) {
            (ids) throws(DatabaseError) in
            PointSet(
                ids.compactMap { id in
                    if case .integer(let value) = id, value < rows { UInt32(value) } else { nil }
                })
        }
    }

    /// What the plan says, with what it leaves open decided by the matcher.
    func rows(matching plan: FilterPlan) throws -> [UInt32] {
        let bounds = try plan.bounds(of: subject())
        #expect(bounds.certain.subtracting(bounds.possible).isEmpty)
        let looked = try bounds.undecided.filter { row in
            try plan.matcher.matches(payload: documents[Int(row)].utf8.span, id: PointID(UInt64(row)))
        }
        return Array(bounds.certain.union(PointSet(looked)))
    }
}

func index(
    _ definition: FieldIndexDefinition, over rows: Range<Int>, of documents: [JSONValue]
) throws -> FieldIndex {
    var builder = FieldIndexBuilder(definition, rows: rows)
    for row in rows { try builder.add(payload: documents[row].utf8.span) }
    let memory = IndexMemory(try builder.finish())
    return try FieldIndex(
        opening: memory.bytes, rowLimit: documents.count, analysis: TextAnalysis(definition.text),
        owner: memory, file: "test")
}

func definition(_ key: String, _ type: FieldIndexType) throws -> FieldIndexDefinition {
    FieldIndexDefinition(path: try FieldPath(parsing: key), type: type)
}

@Suite struct FieldIndexTests {
    private static let types: [FieldIndexType] = [
        .keyword, .integer, .float, .bool, .datetime, .geo, .text,
    ]

    /// Documents, and for each key an index of some type, fitting or not, over none, some or all rows.
    private func rows(_ generator: inout FilterGenerator) throws -> IndexedRows {
        let count = Int.random(in: 1...120, using: &generator.random)
        let old = (0..<count).map { _ in generator.document() }
        var documents = old
        var overlaid: [UInt32] = []
        if Bool.random(using: &generator.random) {
            for _ in 0..<(count / 10) {
                let row = Int.random(in: 0..<count, using: &generator.random)
                documents[row] = generator.document()
                overlaid.append(UInt32(row))
            }
        }
        var stripes: [FieldPath: [FieldIndex]] = [:]
        var analyses: [FieldPath: TextAnalysis] = [:]
        for key in FilterGenerator.keys where Int.random(in: 0..<4, using: &generator.random) > 0 {
            let fitting: [String: FieldIndexType] = ["n": .integer, "t": .datetime, "g": .geo]
            let type =
                Bool.random(using: &generator.random)
                ? fitting[key] ?? .keyword : generator.pick(Self.types)
            var definition = try definition(key, type)
            if type == .text {
                definition.text = generator.pick([
                    nil, TextIndexOptions(stemming: .english, stopWords: ["word"]),
                ])
                analyses[definition.path] = TextAnalysis(definition.text)
            }
            var start = 0
            while start < count, Int.random(in: 0..<4, using: &generator.random) > 0 {
                let end = Int.random(in: (start + 1)...count, using: &generator.random)
                stripes[definition.path, default: []].append(
                    try index(definition, over: start..<end, of: old))
                start = end
            }
        }
        return IndexedRows(
            documents: documents, indexes: FieldIndexSet(stripes), overlaid: PointSet(overlaid),
            analyses: analyses)
    }

    /// 40 filters a seed: 100,000 cases in the long form.
    @Test(arguments: 0..<(isLong ? 2_500 : 75))
    func indexesScansAndTheNaiveEvaluationAgree(seed: Int) throws {
        var generator = FilterGenerator(seed: UInt64(seed))
        let rows = try rows(&generator)
        for _ in 0..<40 {
            let filter = generator.filter()
            let naive = NaiveFilter(filter: filter, analyses: rows.analyses)
            let expected = rows.documents.indices.filter {
                naive.matches(rows.documents[$0], id: PointID(UInt64($0)))
            }.map { UInt32($0) }
            let scan = FilterMatcher(filter, analyses: rows.analyses)
            let scanned = try rows.documents.indices.filter {
                try scan.matches(payload: rows.documents[$0].utf8.span, id: PointID(UInt64($0)))
            }.map { UInt32($0) }
            let planned = try rows.rows(matching: FilterPlan(filter, analyses: rows.analyses))
            #expect(scanned == expected, "scan of \(filter)")
            #expect(planned == expected, "plan of \(filter)")
            guard scanned == expected, planned == expected else { return }
        }
    }

    private static let words = ["red", "green", "blue", "black"]

    private func catalogue(_ count: Int) -> [JSONValue] {
        var random = SeededGenerator(seed: 7)
        var documents: [JSONValue] = []
        for row in 0..<count {
            let place: [JSONValue.Member] = [
                .init("lat", .number(.double(Double(row % 180) - 90))),
                .init("lon", .number(.double(Double(row % 359) - 180))),
            ]
            documents.append(
                .object([
                    .init("color", .string(color(&random))),
                    .init("size", .number(.signed(Int64(row % 5000)))),
                    .init("when", .string("2026-01-\(10 + row % 20)T00:00:00Z")),
                    .init("free", .bool(row % 3 == 0)), .init("place", .object(place)),
                ]))
        }
        return documents
    }

    private func color(_ random: inout SeededGenerator) -> String {
        Self.words[Int.random(in: 0..<4, using: &random)]
    }

    @Test func fittingConditionsNeedNoLook() throws {
        let documents = catalogue(20_000)
        var stripes: [FieldPath: [FieldIndex]] = [:]
        for (key, type) in [
            ("color", FieldIndexType.keyword), ("size", .integer), ("when", .datetime), ("free", .bool),
            ("place", .geo),
        ] {
            let definition = try definition(key, type)
            stripes[definition.path] = [try index(definition, over: 0..<20_000, of: documents)]
        }
        let rows = IndexedRows(documents: documents, indexes: FieldIndexSet(stripes), overlaid: .empty)
        func path(_ text: String) throws -> FieldPath { try FieldPath(parsing: text) }
        let moment = RangeTest.Bound(
            value: try #require(DateTime("2026-01-15T00:00:00Z")).exactNumber, isInclusive: true)
        let number = RangeTest.Bound(value: ExactNumber(100 as Int64), isInclusive: false)
        let conditions: [Condition] = [
            .matchAny(try path("color"), [.string(Array("red".utf8)), .string(Array("blue".utf8))]),
            .matchExcept(try path("color"), [.string(Array("red".utf8))]),
            .range(try path("size"), RangeTest(kind: .number, lower: number, upper: nil)),
            .range(try path("size"), RangeTest(kind: .number, lower: nil, upper: number)),
            .matchAny(try path("size"), [.number(ExactNumber(17 as Int64))]),
            .matchExcept(try path("size"), [.number(ExactNumber(17 as Int64))]),
            .range(try path("when"), RangeTest(kind: .dateTime, lower: moment, upper: moment)),
            .matchAny(try path("free"), [.bool(true)]),
            .geo(try path("place"), .radius(center: GeoPoint(latitude: 50, longitude: 8), metres: 2_000_000)),
            .isNull(try path("color")), .isEmpty(try path("size")),
            .valuesCount(try path("when"), RangeTest(kind: .number, lower: number, upper: nil)),
        ]
        for condition in conditions {
            let plan = FilterPlan(Filter(must: [condition]))
            #expect(try plan.bounds(of: rows.subject()).undecided.isEmpty, "\(condition)")
            let naive = NaiveFilter(filter: plan.filter)
            let expected = documents.indices.filter { naive.matches(documents[$0], id: PointID(UInt64($0))) }
            #expect(try rows.rows(matching: plan).map { Int($0) } == expected, "\(condition)")
        }
        // Of a condition without an index only those rows are looked at that the others leave.
        let mixed = FilterPlan(Filter(must: [conditions[4], .isNull(try path("other"))]))
        #expect(try mixed.bounds(of: rows.subject()).undecided.count == 4)
    }

    /// Few rows are sorted, more go through a bitmap, and through the sets of whole blocks.
    @Test func rangesAreRightHoweverManyRowsTheyHave() throws {
        var random = SeededGenerator(seed: 12)
        // Some rows have two numbers in a range, so that they come twice.
        let numbers = (0..<3_000).map { row in
            [Int.random(in: 0..<3_000, using: &random)] + (row % 3 == 0 ? [row, row + 1] : [])
        }
        let documents = numbers.map { list in
            JSONValue.object([.init("n", .array(list.map { .number(.signed(Int64($0))) }))])
        }
        let definition = try definition("n", .integer)
        let index = try index(definition, over: 0..<3_000, of: documents)
        for width in [1, 40, 63, 64, 65, 66, 70, 500, 1_500, 3_001] {
            for low in [0, 17, 1_111, 2_900] {
                let range = RangeTest(
                    kind: .number, lower: .init(value: ExactNumber(Int64(low)), isInclusive: true),
                    upper: .init(value: ExactNumber(Int64(low + width)), isInclusive: false))
                let bounds = try #require(try index.bounds(of: .range(definition.path, range)))
                let expected = numbers.indices.filter { row in
                    numbers[row].contains { (low..<(low + width)).contains($0) }
                }
                #expect(Array(bounds.certain).map { Int($0) } == expected)
                #expect(bounds.undecided.isEmpty)
            }
        }
    }

    @Test func theSamePayloadsGiveTheSameBytes() throws {
        var generator = FilterGenerator(seed: 3)
        let documents = (0..<300).map { _ in generator.document() }
        for type in Self.types {
            func bytes() throws -> [UInt8] {
                var builder = FieldIndexBuilder(try definition("k", type), rows: 0..<300)
                for document in documents { try builder.add(payload: document.utf8.span) }
                return try builder.finish()
            }
            #expect(try bytes() == bytes())
        }
    }

    /// Whatever a checksum did not find: an error, or an answer within the index's rows.
    @Test(arguments: types)
    func damagedIndexesNeverTrap(type: FieldIndexType) throws {
        var generator = FilterGenerator(seed: 11)
        let documents = (0..<200).map { _ in generator.document() }
        let key = type == .geo ? "g" : type == .datetime ? "t" : "n"
        let definition = try definition(key, type)
        var builder = FieldIndexBuilder(definition, rows: 0..<200)
        for document in documents { try builder.add(payload: document.utf8.span) }
        let whole = try builder.finish()
        var conditions: [Condition] = [.isEmpty(definition.path), .isNull(definition.path)]
        while conditions.count < 12 {
            let condition = generator.condition(3)
            if condition.path == definition.path { conditions.append(condition) }
        }
        for _ in 0..<(isLong ? 2_000 : 150) {
            var bytes = whole
            let place = Int.random(in: 0..<bytes.count, using: &generator.random)
            bytes[Bool.random(using: &generator.random) ? place : place % 512] = UInt8.random(
                in: 0...255, using: &generator.random)
            let memory = IndexMemory(bytes)
            do throws(DatabaseError) {
                let index = try FieldIndex(opening: memory.bytes, rowLimit: 200, owner: memory, file: "test")
                for condition in conditions {
                    guard let bounds = try index.bounds(of: condition) else { continue }
                    #expect(bounds.possible.allSatisfy { index.rows.contains(Int($0)) })
                }
            } catch {
                #expect(error.kind == .corruption || error.kind == .storageFailed)
            }
        }
    }

    @Test func facetsCountEachRowOncePerValue() throws {
        let documents: [JSONValue] = [
            ["k": ["a", "a", "b"]], ["k": "a"], ["k": 1], ["k": 1.0], ["k": .null], [:], ["k": true],
        ]
        let index = try index(definition("k", .keyword), over: 0..<7, of: documents)
        var counts: [MatchValue: Int] = [:]
        #expect(try index.count(valuesOf: PointSet(0..<7), into: &counts))
        #expect(
            counts == [
                .string([0x61]): 2, .string([0x62]): 1, .number(ExactNumber(1 as Int64)): 2, .bool(true): 1,
            ])
        var scanned: [MatchValue: Int] = [:]
        for document in documents {
            try FacetScan(FieldPath(parsing: "k")).count(payload: document.utf8.span, into: &scanned)
        }
        #expect(scanned == counts)
        let first = FacetScan.mostFrequent(counts, limit: 3)
        #expect(first.map(\.value) == [.number(ExactNumber(1 as Int64)), .string([0x61]), .bool(true)])
    }
}
