// What a filter and a facet cost with field indexes and without, in process, on one thread: made-up payloads of the
// shape that the package catalogue has.
//
//   field-benchmark [rows]        default 63,666

import NeedleCore
import NeedlePayloads

let rows = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 63_666

func payloads() -> [[UInt8]] {
    var random = SeededGenerator(seed: 1)
    return (0..<rows).map { row in
        let section = Int.random(in: 0..<50, using: &random)
        let size = Int.random(in: 0..<1_000_000, using: &random)
        let latitude = Double.random(in: -90...90, using: &random)
        let longitude = Double.random(in: -180...180, using: &random)
        return Array(
            """
            {"name":"package-\(row)","section":"section-\(section)","size":\(size),"tags":["t\(row % 7)","t\(row % 11)"],\
            "at":{"lat":\(latitude),"lon":\(longitude)},"description":"A package that does what its name says, for number \(row)."}
            """.utf8)
    }
}

/// The best of some runs, in microseconds.
func microseconds(_ body: () throws -> Void) rethrows -> Double {
    let clock = ContinuousClock()
    var best = Duration.seconds(3600)
    for _ in 0..<9 { best = min(best, try clock.measure(body)) }
    return best / .microseconds(1)
}

func path(_ text: String) throws -> FieldPath { try FieldPath(parsing: text) }

func report(_ what: String, _ value: Double, _ more: String = "") {
    let shown = (value * 10).rounded() / 10
    print("\(what): \(shown) µs\(more)")
}

let texts = payloads()
var stripes: [FieldPath: [FieldIndex]] = [:]
for (key, type) in [
    ("section", FieldIndexType.keyword), ("name", .keyword), ("size", .integer), ("tags", .keyword),
    ("at", .geo),
] {
    let definition = FieldIndexDefinition(path: try path(key), type: type)
    var bytes: [UInt8] = []
    let took = try microseconds {
        var builder = FieldIndexBuilder(definition, rows: 0..<rows)
        for text in texts { try builder.add(payload: text.span) }
        bytes = try builder.finish()
    }
    let memory = IndexMemory(bytes)
    stripes[definition.path] = [
        try FieldIndex(opening: memory.bytes, rowLimit: rows, owner: memory, file: "benchmark")
    ]
    report("build \(type.rawValue) \(key)", took, ", \(bytes.count) bytes, \(took / Double(rows)) µs a row")
}

let indexed = FilterSubject(rows: rows, indexes: FieldIndexSet(stripes)) { (_) throws(DatabaseError) in .empty
}
func section(_ number: Int) -> MatchValue { .string(Array("section-\(number)".utf8)) }
func range(_ lower: Int64, _ upper: Int64) -> RangeTest {
    RangeTest(
        kind: .number, lower: RangeTest.Bound(value: ExactNumber(lower), isInclusive: true),
        upper: RangeTest.Bound(value: ExactNumber(upper), isInclusive: false))
}
let sectionIs = Condition.matchAny(try path("section"), [section(7)])
let filters: [(String, Filter)] = [
    ("section = x", Filter(must: [sectionIs])),
    ("section = x and size < half", Filter(must: [sectionIs, .range(try path("size"), range(0, 500_000))])),
    ("10 % of the sizes", Filter(must: [.range(try path("size"), range(450_000, 550_000))])),
    ("section not x, y", Filter(must: [.matchExcept(try path("section"), [section(1), section(2)])])),
    (
        "1000 km around a place",
        Filter(must: [
            .geo(try path("at"), .radius(center: GeoPoint(latitude: 50, longitude: 8), metres: 1e6))
        ])
    ),
    ("section = x and no index", Filter(must: [sectionIs, .isEmpty(try path("other"))])),
]
for (name, filter) in filters {
    let plan = FilterPlan(filter)
    var count = 0
    let took = try microseconds {
        let bounds = try plan.bounds(of: indexed)
        count = bounds.certain.count
        for row in bounds.undecided {
            let text = texts[Int(row)]
            if try plan.matcher.matches(payload: text.span, id: nil) { count += 1 }
        }
    }
    var scanned = 0
    let scan = try microseconds {
        scanned = try texts.count { try plan.matcher.matches(payload: $0.span, id: nil) }
    }
    precondition(scanned == count, "the index and the scan agree")
    report("count \(name)", took, ", \(count) rows; scan \((scan / 100).rounded() / 10) ms")
}
let facet = try microseconds {
    var counts: [MatchValue: Int] = [:]
    let plan = FilterPlan(filters[2].1)
    let wanted = try plan.bounds(of: indexed).certain
    for stripe in stripes[try path("section")] ?? [] { _ = try stripe.count(valuesOf: wanted, into: &counts) }
    precondition(FacetScan.mostFrequent(counts, limit: 10).count == 10)
}
report("facet of 50 values over 10 %", facet)
let all = try microseconds {
    var counts: [MatchValue: Int] = [:]
    for stripe in stripes[try path("section")] ?? [] {
        _ = try stripe.count(valuesOf: PointSet(0..<rows), into: &counts)
    }
}
report("facet of 50 values over all", all)
