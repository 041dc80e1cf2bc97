import NeedleCore
import NeedleEngine
import Testing

@Suite struct ScrollTests {
    @Test func pagesAreInTheOrderOfIDsAcrossSegments() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 1)
        try collection.upsert((0..<50).map { point($0 * 2, [1]) })
        _ = collection.optimize()
        database.settle()
        try collection.upsert(
            (0..<50).map { point($0 * 2 + 1, [1]) } + [
                PointWrite(id: PointID("b"), vectors: .single([1])),
                PointWrite(id: PointID("a"), vectors: .single([1])),
            ])
        let ids = try collection.scrollAll().map(\.id)
        #expect(ids == (0..<100).map { PointID(UInt64($0)) } + [PointID("a"), PointID("b")])
    }

    @Test func allPagesShowOneMoment() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 1)
        try collection.upsert((0..<30).map { point($0, [1], #"{"v":1}"#) })
        var request = ScrollRequest(limit: 10)
        let first = try collection.scroll(request, context: OperationContext())
        try collection.delete(.ids([PointID(15)]))
        try collection.upsert([point(16, [1], #"{"v":2}"#), point(99, [1])])
        _ = collection.optimize()
        database.settle()
        request.cursor = first.cursor
        let second = try collection.scroll(request, context: OperationContext())
        #expect(second.points.map(\.id) == (10..<20).map { PointID($0) })
        #expect(second.points.allSatisfy { $0.payload?.text == #"{"v":1}"# })
        let again = try collection.scroll(request, context: OperationContext())
        #expect(again.points.map(\.id) == second.points.map(\.id), "a page can be asked for again")
        request.cursor = second.cursor
        let third = try collection.scroll(request, context: OperationContext())
        #expect(third.points.count == 10 && third.cursor == nil)
        #expect(try collection.scrollAll().count == 30)
    }

    @Test func aPageEndsEarlyWhenItWouldBeTooLong() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 1)
        let long = String(repeating: "x", count: 1_000)
        try collection.upsert((0..<20).map { point($0, [1], #"{"t":"\#(long)"}"#) })
        let request = ScrollRequest(limit: 20, maximumBytes: 5_000)
        let page = try collection.scroll(request, context: OperationContext())
        #expect(page.points.count == 2 && page.cursor != nil)
        let tiny = ScrollRequest(limit: 20, maximumBytes: 1)
        #expect(
            try collection.scroll(tiny, context: OperationContext()).points.count == 1,
            "but never without a point")
    }

    @Test func cursorsExpireAndDieWithTheServer() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 1)
        try collection.upsert((0..<30).map { point($0, [1]) })
        let page = try collection.scroll(ScrollRequest(limit: 10), context: OperationContext())
        let request = ScrollRequest(limit: 10, cursor: page.cursor)
        database.clock.advance(299_000)
        _ = try collection.scroll(request, context: OperationContext())
        database.clock.advance(299_000)
        _ = try collection.scroll(request, context: OperationContext())
        database.clock.advance(300_000)
        let expired = #expect(throws: DatabaseError.self) {
            try collection.scroll(request, context: OperationContext())
        }
        #expect(expired?.kind == .notFound && expired?.at == "cursor")
        let other = try collection.scroll(ScrollRequest(limit: 10), context: OperationContext())
        try database.reopen()
        #expect(throws: DatabaseError.self) {
            try database.collection().scroll(
                ScrollRequest(limit: 10, cursor: other.cursor), context: OperationContext())
        }
    }

    @Test(arguments: ["", ".", "x.1.i1", "..", "a.b.c", "\u{0}", String(repeating: "9", count: 5000)])
    func foreignCursorsAreNotFound(cursor: String) throws {
        let collection = try TestDatabase().create(size: 1)
        let error = #expect(throws: DatabaseError.self) {
            try collection.scroll(ScrollRequest(cursor: cursor), context: OperationContext())
        }
        #expect(error?.kind == .notFound)
    }

    @Test func tooManyScrollsAreRefused() throws {
        var options = TestDatabase.smallOptions
        options.limits.cursors = 3
        let collection = try TestDatabase(options: options).create(size: 1)
        try collection.upsert((0..<5).map { point($0, [1]) })
        for _ in 0..<3 { _ = try collection.scroll(ScrollRequest(limit: 1), context: OperationContext()) }
        let error = #expect(throws: DatabaseError.self) {
            try collection.scroll(ScrollRequest(limit: 1), context: OperationContext())
        }
        #expect(error?.kind == .overloaded && error?.retryAfterMS != nil)
    }
}
