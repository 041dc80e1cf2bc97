import NeedleCore
import NeedleEngine
import Testing

/// Which searches a server may run without changing threads.
struct SearchPaceTests {
    private let quick = UInt64(SearchPace.quick)

    @Test func nothingIsQuickBeforeItWasMeasured() {
        let pace = SearchPace()
        for effort in [SearchEffort.standard, .recall(0.9), .ef(1), .ef(100_000), .exact] {
            #expect(!pace.isQuick(effort))
        }
    }

    @Test func classesOfEffortAreMeasuredApart() {
        let pace = SearchPace()
        pace.note(1_000, .ef(64))
        #expect(pace.isQuick(.ef(64)) && pace.isQuick(.ef(127)))
        #expect(!pace.isQuick(.ef(63)) && !pace.isQuick(.ef(128)) && !pace.isQuick(.standard))
        pace.note(1_000, .recall(0.95))
        #expect(pace.isQuick(.recall(0.97)) && !pace.isQuick(.recall(0.98)) && !pace.isQuick(.recall(0.9)))
        pace.note(1_000, .exact)
        #expect(!pace.isQuick(.exact), "a scan is never taken for quick")
        for ef in [0, 1, Int.max] {
            pace.note(0, .ef(ef))
            #expect(pace.isQuick(.ef(ef)))
        }
    }

    @Test func oneInterruptionChangesNothingAndSlownessDoes() {
        let pace = SearchPace()
        for _ in 0..<20 { pace.note(quick / 2, .standard) }
        pace.note(.max, .standard)
        #expect(pace.isQuick(.standard))
        for _ in 0..<8 { pace.note(quick * 10, .standard) }
        #expect(!pace.isQuick(.standard))
        for _ in 0..<100 { pace.note(quick / 2, .standard) }
        #expect(pace.isQuick(.standard))
    }

    @Test func theAverageNeitherOverflowsNorBecomesUnknown() {
        let pace = SearchPace()
        for _ in 0..<100 { pace.note(.max, .standard) }
        #expect(!pace.isQuick(.standard))
        for _ in 0..<300 { pace.note(0, .standard) }
        #expect(pace.isQuick(.standard))
    }

    @Test func onlyPlainSearchesAreQuick() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 2)
        try collection.upsert([point(1, [1, 0])])
        let plain = SearchQuery(target: .vector([1, 0]))
        #expect(!collection.isQuick(plain))
        // The tests' clock stands still: it took no time.
        _ = try collection.search([1, 0])
        #expect(collection.isQuick(plain))
        var other = plain
        other.limit = 101
        #expect(!collection.isQuick(other))
        other = plain
        other.filter = Filter()
        #expect(!collection.isQuick(other))
        other = plain
        other.selection.withVector = true
        #expect(!collection.isQuick(other))
        other = plain
        other.space = "none"
        #expect(!collection.isQuick(other))
        #expect(!collection.isQuick(SearchQuery(target: .text("a"))))
        #expect(collection.isQuick(SearchQuery(target: .point(.integer(1)))))
    }

    @Test func aFilteredSearchIsQuickOnlyIfIndexesAnswerIt() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 2)
        try collection.upsert([point(1, [1, 0], #"{"n":1}"#)])
        let path = FieldPath(key: "n")
        let one = Condition.matchAny(path, [.number(ExactNumber(1 as Int64))])
        func isQuick(_ conditions: [Condition]) -> Bool {
            collection.isQuick(SearchQuery(target: .vector([1, 0]), filter: Filter(must: conditions)))
        }
        _ = try collection.search([1, 0], filter: Filter(must: [one]))
        #expect(!isQuick([one]), "every payload is looked at")
        #expect(
            !collection.isQuick(SearchQuery(target: .vector([1, 0]))), "another kind of search was measured")
        _ = try collection.createIndex(FieldIndexDefinition(path: path, type: .integer))
        _ = try collection.createIndex(FieldIndexDefinition(path: FieldPath(key: "t"), type: .text))
        #expect(isQuick([one]) && isQuick([]) && isQuick([.filter(Filter(mustNot: [one]))]))
        #expect(isQuick([.hasID([PointID(1)])]) && isQuick([.isEmpty(path)]))
        let words = Condition.words(FieldPath(key: "t"), WordTest(.text, Array("a".utf8)))
        let others: [Condition] = [
            words, .isNull(FieldPath(key: "other")), .nested(path, Filter(must: [one])),
            .filter(Filter(should: [one, words])),
            .hasID(Set((0..<65).map { PointID(UInt64($0)) })),
            .matchAny(path, (0..<65).map { .number(ExactNumber(Int64($0))) }),
        ]
        for other in others { #expect(!isQuick([one, other]), "\(other)") }
        #expect(
            isQuick([Condition](repeating: one, count: 16))
                && !isQuick([Condition](repeating: one, count: 17)))
    }
}
