import NeedleCore
import NeedleEngine
import SimulationKit
import Testing

@Suite struct WriteTests {
    @Test func anUpsertedPointComesBackBitForBit() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 3)
        let vector: [Float] = [0.1, -.leastNonzeroMagnitude, 1e30]
        let receipt = try collection.upsert([point(7, vector, #"{"b":1.50,"a":"x"}"#)])
        #expect(receipt == WriteReceipt(lsn: LSN(1), durability: .fsync, created: 1))
        let (points, missing) = try collection.get([PointID(7), PointID(8), PointID(7)])
        #expect(missing == [PointID(8)])
        #expect(points.count == 1)
        #expect(points[0].payload?.text == #"{"b":1.50,"a":"x"}"#)
        #expect(points[0].vectors?[0].vector.map(\.bitPattern) == vector.map(\.bitPattern))
        #expect(points[0].version == LSN(1))
    }

    @Test func countsAreOfDistinctIDsAndTheLastOfABatchWins() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 1)
        let first = try collection.upsert([
            point(1, [1], #"{"n":1}"#), point(2, [1]), point(1, [2], #"{"n":2}"#),
        ])
        #expect(first.created == 2 && first.updated == 0)
        let second = try collection.upsert([point(2, [3]), point(3, [3])])
        #expect(second.created == 1 && second.updated == 1)
        #expect(try collection.count() == 3)
        let record = try #require(try collection.get([PointID(1)]).points.first)
        #expect(record.payload?.text == #"{"n":2}"#)
    }

    @Test func deletionsCountWhatWasThere() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 1)
        try collection.upsert((1...10).map { point($0, [1], #"{"n":\#($0)}"#) })
        let receipt = try collection.delete(.ids([PointID(1), PointID(1), PointID(99)]))
        #expect(receipt.deleted == 1 && receipt.lsn == LSN(2))
        let again = try collection.delete(.ids([PointID(1)]))
        #expect(again.deleted == 0)
        #expect(again.lsn == LSN(2), "a write that changes nothing logs nothing")
        let range = RangeTest(
            kind: .number, lower: .init(value: ExactNumber(8 as Int64), isInclusive: true), upper: nil)
        let filter = Filter(must: [.range(try FieldPath(parsing: "n"), range)])
        #expect(try collection.delete(.filter(filter)).deleted == 3)
        #expect(try collection.count() == 6)
        #expect(try collection.delete(.all).deleted == 6)
        #expect(try collection.count() == 0)
        #expect(try collection.scrollAll().isEmpty)
    }

    @Test func aFilterWithoutConditionsDeletesNothing() throws {
        let collection = try TestDatabase().create(size: 1)
        let error = #expect(throws: DatabaseError.self) {
            try collection.delete(.filter(Filter(must: [.filter(Filter())])))
        }
        #expect(error?.kind == .invalidParams && error?.at == "filter")
    }

    @Test func versionsGuardWrites() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 1)
        try collection.upsert([point(1, [1])])
        try collection.upsert([point(1, [2], ifVersion: LSN(1)), point(2, [2], ifVersion: .zero)])
        let error = #expect(throws: DatabaseError.self) {
            try collection.upsert([point(1, [3], ifVersion: LSN(1)), point(3, [3])])
        }
        #expect(error?.kind == .conflict)
        #expect(error?.conflicts == [Conflict(id: PointID(1), version: LSN(2))])
        #expect(try collection.get([PointID(3)]).points.isEmpty, "a refused batch writes nothing")
        #expect(throws: DatabaseError.self) { try collection.upsert([point(1, [1])], ifAbsent: true) }
        #expect(try collection.upsert([point(4, [1])], ifAbsent: true).created == 1)
    }

    @Test func aRepeatedOpKeyAnswersTheFirstResult() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 1)
        let first = try collection.upsert([point(1, [1])], opKey: "a")
        try collection.upsert([point(1, [2])])
        #expect(try collection.upsert([point(1, [1])], opKey: "a") == first)
        #expect(try collection.get([PointID(1)]).points[0].vectors?[0].vector == [2])
        try database.reopen()
        #expect(
            try database.collection().upsert([point(1, [1])], opKey: "a") == first, "also after a restart")
        database.clock.advance(600_000)
        #expect(
            try database.collection().upsert([point(1, [1])], opKey: "a").lsn > first.lsn, "but not for ever")
    }

    @Test func opKeysSurviveACheckpoint() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 1)
        let first = try collection.upsert([point(1, [1]), point(2, [1])], opKey: "k")
        _ = collection.optimize()
        database.settle()
        try database.reopen()
        #expect(try database.collection().upsert([point(9, [9])], opKey: "k") == first)
        #expect(try database.collection().count() == 2)
    }

    @Test func whatIsWrongIsSaidWithItsPlace() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 2)
        func error(_ points: [PointWrite]) -> DatabaseError? {
            #expect(throws: DatabaseError.self) { try collection.upsert(points) }
        }
        let wrongSize = error([point(1, [1, 2]), point(2, [1, 2, 3])])
        #expect(wrongSize?.kind == .dimensionMismatch && wrongSize?.at == "points[1].vector")
        #expect(wrongSize?.expected == "2" && wrongSize?.got == "3")
        let zero = error([point(1, [0, 0])])
        #expect(zero?.kind == .invalidVector && zero?.at == "points[0].vector")
        let text = error([PointWrite(id: PointID(1), vectors: .absent, text: "x")])
        #expect(text?.kind == .invalidParams && text?.at == "points[0].text")
        let nothing = error([PointWrite(id: PointID(1), vectors: .absent)])
        #expect(nothing?.at == "points[0].vector")
        let named = error([
            PointWrite(id: PointID(1), vectors: .named([NamedVector(space: "a", vector: [1])]))
        ])
        #expect(named?.at == "points[0].vectors")
        #expect(try collection.count() == 0)
    }

    @Test func expiredPointsAreHiddenExactly() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 1)
        let now = database.clock.wallMilliseconds()
        try collection.upsert([point(1, [1], expiresAt: now + 100), point(2, [1])])
        database.clock.advance(99)
        #expect(try collection.count() == 2)
        database.clock.advance(1)
        #expect(try collection.count() == 1)
        #expect(try collection.get([PointID(1)]).missing == [PointID(1)])
        #expect(try collection.search([1]).ids == [PointID(2)])
        #expect(try collection.scrollAll().map(\.id) == [PointID(2)])
        #expect(try collection.delete(.ids([PointID(1)])).deleted == 0)
        let receipt = try collection.upsert([point(1, [1])])
        #expect(receipt.created == 1 && receipt.updated == 0, "an expired point counts as absent")
        #expect(try collection.count() == 2)
    }

    @Test func aWriteWhoseDeadlinePassedIsNotExecuted() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 1)
        let context = OperationContext(
            clock: database.clock, deadlineNanoseconds: database.clock.monotonicNanoseconds() + 1)
        let write = try collection.prepare(
            .upsert([point(1, [1])], ifAbsent: false), model: nil, opKey: nil, context: context)
        database.clock.advance(1)
        #expect(throws: DatabaseError.self) { try collection.commit([write])[0].get() }
        #expect(try collection.count() == 0)
        #expect(collection.visibleLSN == .zero)
    }

    @Test func oneGroupIsOneSync() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 1)
        let writes = try (1...20).map { id in
            try collection.prepare(
                .upsert([point(id, [1])], ifAbsent: false), model: nil, opKey: nil,
                context: OperationContext())
        }
        database.disk.startTrace()
        let receipts = try collection.commit(writes).map { try $0.get() }
        #expect(receipts.map(\.lsn.value) == Array(1...20))
        #expect(database.disk.trace.count { $0.contains("sync") } == 1)
    }
}
