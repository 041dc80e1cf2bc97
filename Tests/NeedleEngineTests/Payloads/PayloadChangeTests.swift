import NeedleCore
import NeedleEngine
import SimulationKit
import Testing

@Suite struct PayloadChangeTests {
    // MARK: What becomes of a payload

    @Test(arguments: [
        (#"{"b":1.50,"a":"x"}"#, #"{"a":[1, 2],"c":null}"#, #"{"b":1.50,"a":[1, 2],"c":null}"#),
        ("{}", #"{"a":1}"#, #"{"a":1}"#),
        (#"{"a":{"b":1}}"#, #"{"a":{"c":2}}"#, #"{"a":{"c":2}}"#),
        (#"{"a":1}"#, "{}", #"{"a":1}"#),
        (#"{"\u0061":1,"k\n":2}"#, #"{"a":3,"k\u000a":4}"#, #"{"a":3,"k\n":4}"#),
        (#"{"n":12345678901234567890123}"#, #"{"m":1.000}"#, #"{"n":12345678901234567890123,"m":1.000}"#),
    ])
    func setReplacesKeysInTheirPlaceAndAppendsNewOnes(old: String, patch: String, new: String) throws {
        let collection = try TestDatabase().create(size: 2)
        try collection.upsert([point(1, [0.5, -0.25], old, expiresAt: 4_000_000_000_000)])
        #expect(try collection.set(patch, .ids([PointID(1)])).updated == 1)
        let record = try #require(try collection.get([PointID(1)]).points.first)
        #expect(record.payload?.text == new)
        #expect(record.version == LSN(2) && record.expiresAt == 4_000_000_000_000)
        #expect(record.vectors?.first?.vector == [0.5, -0.25])
    }

    /// More keys than are compared one by one.
    @Test func manyKeysAreSetAndDeleted() throws {
        let collection = try TestDatabase().create(size: 1)
        let keys = (0..<500).map { "key-\($0)" }
        func payload(_ range: Range<Int>, _ value: Int) -> String {
            "{" + range.map { "\"\(keys[$0])\":\(value)" }.joined(separator: ",") + "}"
        }
        try collection.upsert([point(1, [1], payload(0..<300, 1))])
        try collection.set(payload(200..<500, 2), .all)
        let after = "{" + (0..<500).map { "\"\(keys[$0])\":\($0 < 200 ? 1 : 2)" }.joined(separator: ",") + "}"
        #expect(try collection.stored(1)?.payload == after)
        try collection.change(.deleteKeys(Array(keys[1...]) + ["nothing"]), .all)
        #expect(try collection.stored(1)?.payload == #"{"key-0":1}"#)
        try collection.change(.deleteKeys(["key-0"]), .all)
        #expect(try collection.stored(1)?.payload == "{}")
    }

    @Test func replaceTakesThePlaceOfEverything() throws {
        let collection = try TestDatabase().create(size: 1)
        try collection.upsert([point(1, [1], #"{"a":1}"#), point(2, [1])])
        #expect(try collection.change(.replace(Payload(#"{"z":[ ]}"#)), .ids([PointID(1)])).updated == 1)
        #expect(try collection.stored(1)?.payload == #"{"z":[ ]}"# && collection.stored(2)?.payload == "{}")
    }

    // MARK: Which points

    @Test func countsAreThePointsFound() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 1)
        try collection.upsert((1...10).map { point($0, [1], #"{"n":\#($0 % 3)}"#) })
        try collection.upsert([point(11, [1], #"{"n":1}"#, expiresAt: database.clock.wallMilliseconds() + 5)])
        database.clock.advance(10)
        #expect(try collection.set(#"{"a":1}"#, .ids([PointID(1), PointID(1), PointID(99)])).updated == 1)
        #expect(try collection.set(#"{"a":2}"#, .filter(.number(1, at: "n"))).updated == 4)
        let all = try collection.set(#"{"a":2}"#, .all)
        #expect(all.updated == 10 && all.lsn == LSN(5), "the same payload again is a write")
        for choice in [PointChoice.ids([PointID(99), PointID(11)]), .filter(try .number(9, at: "n"))] {
            let nothing = try collection.set("{}", choice)
            #expect(nothing.updated == 0 && nothing.lsn == LSN(5), "nothing found: nothing is logged")
        }
        #expect(try collection.count(.number(2, at: "a")) == 10)
    }

    @Test func aFilterWithoutConditionsChangesNothing() throws {
        let collection = try TestDatabase().create(size: 1)
        try collection.upsert([point(1, [1])])
        let error = #expect(throws: DatabaseError.self) {
            try collection.set(#"{"a":1}"#, .filter(Filter(should: [.filter(Filter())])))
        }
        #expect(error?.kind == .invalidParams && error?.at == "filter")
        #expect(try collection.stored(1)?.payload == "{}")
    }

    @Test func aPayloadLongerThanALineIsRefused() throws {
        var options = TestDatabase.smallOptions
        options.limits.lineBytes = 1_000
        let collection = try TestDatabase(options: options).create(size: 1)
        let long = String(repeating: "x", count: 600)
        try collection.upsert([point(1, [1], #"{"a":"\#(long)"}"#), point(2, [1])])
        let error = #expect(throws: DatabaseError.self) { try collection.set(#"{"b":"\#(long)"}"#, .all) }
        #expect(error?.kind == .limitExceeded)
        #expect(try collection.stored(2)?.payload == "{}", "all or nothing")
    }

    // MARK: As any write

    @Test func versionsConditionsAndKeysAreThoseOfAWrite() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 1)
        try collection.upsert([point(1, [1])])
        let first = try collection.change(.set(Payload(#"{"a":1}"#)), .all, opKey: "k")
        #expect(try collection.stored(1)?.version == LSN(2))
        try collection.set(#"{"a":2}"#, .all)
        #expect(try collection.change(.set(Payload(#"{"a":1}"#)), .all, opKey: "k") == first)
        #expect(try collection.stored(1)?.payload == #"{"a":2}"#)
        let conflict = #expect(throws: DatabaseError.self) {
            try collection.upsert([point(1, [2], ifVersion: LSN(2))])
        }
        #expect(conflict?.conflicts.first?.version == LSN(3))
        try database.reopen()
        let opened = try database.collection()
        #expect(try opened.change(.set(Payload(#"{"a":1}"#)), .all, opKey: "k") == first)
        #expect(try opened.upsert([point(1, [2], ifVersion: LSN(3))]).updated == 1)
        #expect(try opened.stored(1)?.payload == "{}", "an upsert replaces the whole point")
    }

    /// Writes of one group meet what those before them did.
    @Test func writesOfAGroupBuildOnEachOther() throws {
        let collection = try TestDatabase().create(size: 1)
        let context = OperationContext()
        let operations: [WriteOperation] = [
            .upsert([point(1, [1], #"{"n":1}"#)], ifAbsent: false),
            .changePayload(.set(Payload(#"{"a":1}"#)), .filter(try .number(1, at: "n"))),
            .changePayload(.set(Payload(#"{"n":2}"#)), .all),
            .changePayload(.deleteKeys(["a"]), .filter(try .number(2, at: "n"))),
            .changePayload(.set(Payload(#"{"b":1}"#)), .filter(try .number(1, at: "n"))),
        ]
        let writes = try operations.map {
            try collection.prepare($0, model: nil, opKey: nil, context: context)
        }
        let receipts = try collection.commit(writes).map { try $0.get() }
        #expect(receipts.map(\.updated) == [0, 1, 1, 1, 0])
        #expect(try collection.stored(1)?.payload == #"{"n":2}"# && collection.stored(1)?.version == LSN(4))
    }

    @Test func aScrollShowsThePayloadsOfItsMoment() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 1)
        try collection.upsert((1...9).map { point($0, [1], #"{"n":1}"#) })
        var request = ScrollRequest(
            filter: try .number(1, at: "n"), limit: 3, selection: PointSelection(payload: .all))
        var page = try collection.scroll(request, context: OperationContext())
        var seen = page.points
        try collection.set(#"{"n":2}"#, .all)
        _ = collection.optimize()
        database.settle()
        try collection.change(.replace(.empty), .all)
        while let cursor = page.cursor {
            request.cursor = cursor
            page = try collection.scroll(request, context: OperationContext())
            seen += page.points
        }
        #expect(
            seen.count == 9 && seen.allSatisfy { $0.payload?.text == #"{"n":1}"# && $0.version == LSN(1) })
        #expect(try collection.scrollAll().allSatisfy { $0.payload?.text == "{}" && $0.version == LSN(3) })
    }

    // MARK: Vectors

    @Test func newVectorsKeepTheRest() throws {
        let database = try TestDatabase()
        let spaces = ["a", "b", "c"].map { SpaceConfig(name: $0, size: 2, metric: .dot, quantization: .none) }
        _ = try database.database.createCollection(named: "c", config: CollectionConfig(spaces: spaces))
        let collection = try database.collection()
        func named(_ pairs: [(String, [Float])]) -> VectorInput {
            .named(pairs.map { NamedVector(space: $0.0, vector: $0.1) })
        }
        try collection.upsert([
            PointWrite(
                id: PointID(1), vectors: named([("a", [1, 1]), ("b", [2, 2])]),
                payload: Payload(#"{"k":1}"#), expiresAt: 4_000_000_000_000)
        ])
        try collection.set(#"{"k":2}"#, .all)
        let receipt = try collection.setVectors([
            PointVectors(id: PointID(1), vectors: named([("b", [3, 3]), ("c", [4, 4])])),
            PointVectors(id: PointID(9), vectors: named([("b", [3, 3])])),
            PointVectors(id: PointID(1), vectors: named([("b", [5, 5])])),
        ])
        #expect(receipt.updated == 1 && receipt.created == 0)
        let record = try #require(try collection.get([PointID(1)]).points.first)
        #expect(record.vectors?.map(\.space) == ["a", "b", "c"])
        #expect(record.vectors?.map(\.vector) == [[1, 1], [5, 5], [4, 4]])
        #expect(record.payload?.text == #"{"k":2}"# && record.version == LSN(3))
        #expect(record.expiresAt == 4_000_000_000_000)
        #expect(
            try collection.setVectors([PointVectors(id: PointID(9), vectors: named([("b", [1, 1])]))]).lsn
                == LSN(3))
        let wrong = #expect(throws: DatabaseError.self) {
            try collection.setVectors([PointVectors(id: PointID(1), vectors: named([("d", [1, 1])]))])
        }
        #expect(wrong?.kind == .invalidParams && wrong?.at == "points[0].vectors.d")
        let short = #expect(throws: DatabaseError.self) {
            try collection.setVectors([PointVectors(id: PointID(1), vectors: named([("a", [1])]))])
        }
        #expect(short?.kind == .dimensionMismatch)
        try database.reopen()
        #expect(try database.collection().get([PointID(1)]).points.first?.vectors?.count == 3)
    }
}
