import NeedleCore
import NeedleEngine
import Testing

/// Scrolling by the values at a key.
@Suite struct OrderedScrollTests {
    private static let payloads = [
        #"{"v":3}"#, #"{"v":2.5}"#, #"{"v":-1}"#, #"{"v":"b"}"#, #"{"v":"a"}"#, #"{"v":true}"#,
        #"{"v":false}"#,
        #"{"v":null}"#, #"{}"#, #"{"v":[]}"#, #"{"v":[9,0,"z"]}"#, #"{"v":{"w":1}}"#, #"{"v":3.0}"#,
        #"{"v":18446744073709551615}"#, #"{"v":"B"}"#,
    ]

    private func order(_ key: String = "v", descending: Bool = false) throws -> ScrollOrder {
        ScrollOrder(path: try FieldPath(parsing: key), isDescending: descending)
    }

    private func ids(
        _ collection: Collection, _ order: ScrollOrder, limit: Int = 7, filter: Filter? = nil
    ) throws -> [UInt64] {
        var request = ScrollRequest(filter: filter, order: order, limit: limit)
        var all: [UInt64] = []
        repeat {
            let page = try collection.scroll(request, context: OperationContext())
            #expect(page.points.count == limit || page.cursor == nil)
            all += page.points.map { if case .integer(let id) = $0.id { id } else { .max } }
            request.cursor = page.cursor
        } while request.cursor != nil
        return all
    }

    private func collection(_ payloads: [String]) throws -> (TestDatabase, Collection) {
        let database = try TestDatabase()
        let collection = try database.create()
        try collection.upsert(
            payloads.enumerated().map { point(UInt64($0), [1, Float($0), 0, 0], $1) })
        return (database, collection)
    }

    @Test func valuesOfEveryType() throws {
        let (_, collection) = try collection(Self.payloads)
        // false, true, -1, 0 (the least of three), 2.5, 3 twice, 2^64-1, "B", "a", "b"; then those without one, by id.
        #expect(try ids(collection, order()) == [6, 5, 2, 10, 1, 0, 12, 13, 14, 4, 3, 7, 8, 9, 11])
        #expect(
            try ids(collection, order(descending: true)) == [
                10, 3, 4, 14, 13, 0, 12, 1, 2, 5, 6, 7, 8, 9, 11,
            ])
        for limit in [1, 2, 100] {
            #expect(
                try ids(collection, order(), limit: limit) == [
                    6, 5, 2, 10, 1, 0, 12, 13, 14, 4, 3, 7, 8, 9, 11,
                ])
        }
    }

    /// Against sorting what a scroll by id gives: several segments, deletions, filters, more points than a run keeps.
    @Test func itIsTheSortedScroll() throws {
        var options = TestDatabase.smallOptions
        options.growingRows = 3000
        let database = try TestDatabase(options: options)
        let collection = try database.create()
        var random = SeededGenerator(seed: 3)
        for start in stride(from: 0, to: 9000, by: 1500) {
            try collection.upsert(
                (start..<(start + 1500)).map { id in
                    let value = Int.random(in: 0..<700, using: &random)
                    let payload = id % 11 == 0 ? "{}" : #"{"v":\#(value),"even":\#(id % 2 == 0)}"#
                    return point(UInt64(id), [1, Float(id), 0, 0], payload)
                })
            if start == 3000 { database.settle() }
        }
        try collection.delete(.ids((100..<400).map { PointID(UInt64($0)) }))
        let even = Filter(must: [.matchAny(try FieldPath(parsing: "even"), [.bool(true)])])
        for filter in [nil, even] {
            let points = try collection.scrollAll(limit: 1000, filter: filter)
            func value(_ point: PointRecord) throws -> Int? {
                try point.payload.map { try JSONValue(parsing: $0.json.span) }?["v"]?.integerValue
            }
            let keyed = try points.map { (id: $0.id, value: try value($0)) }
            for descending in [false, true] {
                let sorted = keyed.sorted { a, b in
                    switch (a.value, b.value) {
                    case (let x?, let y?) where x != y: descending ? x > y : x < y
                    case (_?, nil): true
                    case (nil, _?): false
                    default: a.id < b.id
                    }
                }
                let found = try ids(collection, order(descending: descending), limit: 450, filter: filter)
                #expect(found.map { PointID($0) } == sorted.map(\.id))
            }
        }
    }

    @Test func allPagesShowOneMomentAndCanBeAskedForAgain() throws {
        let (database, collection) = try collection((0..<50).map { #"{"v":\#($0 % 7)}"# })
        let expected = try ids(collection, order(), limit: 100)
        var request = ScrollRequest(order: try order(), limit: 10)
        let first = try collection.scroll(request, context: OperationContext())
        request.cursor = first.cursor
        let second = try collection.scroll(request, context: OperationContext())
        try collection.delete(.all)
        try collection.upsert([point(1000, [1, 0, 0, 0], #"{"v":-5}"#)])
        database.settle()
        let again = try collection.scroll(request, context: OperationContext())
        #expect(again.points.map(\.id) == second.points.map(\.id) && again.cursor == second.cursor)
        var found = first.points + second.points
        request.cursor = second.cursor
        while request.cursor != nil {
            let page = try collection.scroll(request, context: OperationContext())
            found += page.points
            request.cursor = page.cursor
        }
        #expect(found.map(\.id) == expected.map { PointID($0) })
        #expect(try ids(collection, order()) == [1000])
    }

    @Test func pagesEndEarlyWhenTheyAreLong() throws {
        let long = String(repeating: "x", count: 20_000)
        let (_, collection) = try collection((0..<40).map { #"{"v":"\#(long)\#($0 % 10)"}"# })
        var request = ScrollRequest(order: try order(), limit: 30, maximumBytes: 100_000)
        var pages: [Int] = []
        var found: [PointID] = []
        repeat {
            let page = try collection.scroll(request, context: OperationContext())
            pages.append(page.points.count)
            found += page.points.map(\.id)
            request.cursor = page.cursor
        } while request.cursor != nil
        #expect(pages.allSatisfy { $0 > 0 && $0 < 6 } && Set(found).count == 40)
        #expect(Array(found.prefix(4)) == [0, 10, 20, 30].map { PointID($0 as UInt64) })
    }

    @Test func anotherOrderThanTheScrollBeganWithIsRefused() throws {
        let (_, collection) = try collection(Self.payloads)
        var request = ScrollRequest(order: try order(), limit: 2)
        request.cursor = try collection.scroll(request, context: OperationContext()).cursor
        request.order = try order(descending: true)
        let error = #expect(throws: DatabaseError.self) {
            try collection.scroll(request, context: OperationContext())
        }
        #expect(error?.kind == .invalidParams && error?.at == "order_by")
        request.order = nil
        #expect(try collection.scroll(request, context: OperationContext()).points.count == 2)
    }

    @Test func changedPayloadsHaveTheirNewPlace() throws {
        let (database, collection) = try collection((0..<6).map { #"{"v":\#($0)}"# })
        _ = collection.optimize()
        database.settle()
        var request = ScrollRequest(order: try order(), limit: 2)
        request.cursor = try collection.scroll(request, context: OperationContext()).cursor
        try collection.set(#"{"v":-1}"#, .ids([PointID(5)]))
        #expect(try ids(collection, order()) == [5, 0, 1, 2, 3, 4])
        request.limit = 10
        let rest = try collection.scroll(request, context: OperationContext()).points
        #expect(rest.map(\.id) == [2, 3, 4, 5].map { PointID($0 as UInt64) }, "the moment of the scroll")
    }

    @Test func nothingToScrollThrough() throws {
        let (_, collection) = try collection([])
        #expect(try ids(collection, order()).isEmpty)
    }
}
