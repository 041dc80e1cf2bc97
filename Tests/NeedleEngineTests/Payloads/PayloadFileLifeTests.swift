import NeedleCore
import NeedleEngine
import NeedleStorage
import SimulationKit
import Testing

/// Newer payloads as files beside sealed segments: written by checkpoints, shared by snapshots, folded by merges.
@Suite struct PayloadFileLifeTests {
    /// Every write is followed by a checkpoint when background work is run.
    private let database: TestDatabase
    private let collection: Collection

    init() throws {
        var options = TestDatabase.snapshotOptions
        options.deadShare = 0.9
        database = try TestDatabase(options: options)
        collection = try database.create(size: 2)
        try collection.upsert((1...40).map { point($0, [1, Float($0)], #"{"n":\#($0)}"#) })
        _ = collection.optimize()
        database.settle()
    }

    private func files(_ suffix: String = ".overlay") throws -> [String] {
        let name = try #require(try database.disk.list("db/collections").first)
        return try database.disk.list("db/collections/\(name)").filter { $0.hasSuffix(suffix) }
    }

    private func path(_ name: String) throws -> String {
        "db/collections/\(try #require(try database.disk.list("db/collections").first))/\(name)"
    }

    @Test func aCheckpointWritesOneFileAndTakesTheOneBeforeAway() throws {
        #expect(try files().isEmpty)
        let segments = try files(".segment")
        try collection.set(#"{"a":1}"#, .ids([PointID(1), PointID(2)]))
        database.settle()
        #expect(try files().count == 1 && files()[0].hasSuffix("-2.overlay"))
        try collection.set(#"{"a":2}"#, .ids([PointID(2), PointID(3)]))
        database.settle()
        #expect(try files().count == 1 && files()[0].hasSuffix("-3.overlay"))
        let file = try files()
        try collection.delete(.ids([PointID(40)]))
        database.settle()
        #expect(try files() == file, "nothing in it changed")
        let expected = try database.content()
        try database.reopen()
        #expect(try database.content() == expected)
        var generator = SeededGenerator(seed: 1)
        try database.crash(.all, using: &generator)
        #expect(try database.content() == expected && expected[1].contains(#"3 {"n":2,"a":2}"#))
        #expect(try files() == file && files(".segment") == segments)
        // Dead rows leave the file.
        try database.collection().delete(.ids([PointID(1), PointID(2), PointID(3)]))
        try database.collection().set(#"{"a":3}"#, .ids([PointID(4)]))
        database.settle()
        try database.reopen()
        #expect(try database.collection().stored(4)?.payload == #"{"n":4,"a":3}"#)
        #expect(try files().count == 1)
    }

    @Test func optimizingWritesThemIntoRows() throws {
        try collection.set(#"{"a":1}"#, .ids([PointID(1), PointID(2)]))
        let expected = try database.content()
        let segments = try files(".segment")
        _ = collection.optimize()
        database.settle()
        #expect(try files().isEmpty && files(".segment") != segments)
        #expect(try database.content() == expected)
        try database.reopen()
        #expect(try database.content() == expected)
        #expect(try database.collection().stored(1)?.version == LSN(2))
    }

    /// Memory for changed payloads has an end: a segment with many is rewritten without being asked.
    @Test func manyChangesAreFoldedInTheBackground() throws {
        var options = database.options
        options.overlayBytes = 4_000
        database.options = options
        try database.reopen()
        let segments = try files(".segment")
        for round in 0..<60 {
            try database.collection().set(
                #"{"round":\#(round),"text":"\#(String(repeating: "x", count: 99))"}"#, .all)
        }
        database.settle()
        #expect(try files(".segment") != segments && files().isEmpty)
        #expect(try database.collection().scrollAll().allSatisfy { $0.version == LSN(61) })
        let bytes = try database.collection().describe().bytesInMemory
        #expect(bytes < 100_000, "\(bytes)")
    }

    /// Changes while a merge is under way: what came before its start is in the rows, the rest beside them.
    @Test func changesDuringAMergeAreKept() throws {
        for steps in stride(from: 1, to: 40, by: 3) {
            try database.collection().set(#"{"before":\#(steps)}"#, .ids([PointID(7), PointID(8)]))
            _ = try database.collection().optimize()
            for _ in 0..<steps { _ = database.database.maintain(context: OperationContext()) }
            try database.collection().set(#"{"during":\#(steps)}"#, .ids([PointID(8), PointID(9)]))
            let expected = try database.content()
            database.settle()
            #expect(try database.content() == expected, "after \(steps) steps")
            var generator = SeededGenerator(seed: UInt64(steps))
            try database.crash(LossModel.none, using: &generator)
            #expect(try database.content() == expected, "after \(steps) steps and a crash")
        }
    }

    @Test func aSnapshotTakesThemAlong() throws {
        try collection.set(#"{"a":1}"#, .ids([PointID(1), PointID(2)]))
        database.settle()
        try collection.set(#"{"b":1}"#, .ids([PointID(2)]))
        let expected = try database.content()
        let snapshot = try database.database.snapshot().name
        try collection.change(.replace(.empty), .all)
        try database.database.restore(snapshot, as: "later", to: .lsn(LSN(4)))
        #expect(try database.collection("later").scrollAll().allSatisfy { $0.payload?.text == "{}" })
        database.settle()
        try database.database.verify(snapshot)
        try database.database.restore(snapshot, as: "copy")
        #expect(try database.content("copy") == expected)
        try database.collection("copy").set(#"{"c":1}"#, .ids([PointID(1)]))
        database.settle()
        let changed = try database.content("copy")
        try database.reopen()
        #expect(try database.content("copy") == changed && changed != expected)
    }

    /// Payloads that cannot be read are originals that cannot be read: nobody is shown an older one.
    @Test(arguments: [true, false]) func aDamagedFileIsTold(isMissing: Bool) throws {
        try collection.set(#"{"a":1}"#, .ids([PointID(1)]))
        database.settle()
        let name = try #require(try files().first)
        let file = try path(name)
        if isMissing { try database.disk.unlink(file) } else { database.disk.flip(file, at: 4_100) }
        try database.reopen()
        let opened = try database.collection()
        #expect(database.database.summaries().first?.state == .degraded)
        for id in [1, 2] as [UInt64] {
            let error = #expect(throws: DatabaseError.self) { try opened.get([PointID(id)]) }
            #expect(error?.kind == .corruption)
        }
        #expect(try !opened.search([1, 1]).complete)
        let refused = #expect(throws: DatabaseError.self) { try opened.set("{}", .all) }
        #expect(refused?.kind == .corruption)
    }

    /// Right checksums, but of writes that the log has still to bring.
    @Test func aFileFromTheFutureIsDamage() throws {
        try collection.set(#"{"a":1}"#, .ids([PointID(1)]))
        database.settle()
        let file = try path(try #require(try files().first))
        let (old, segmentID, rowCount) = try PayloadFile.read(database.disk, path: file)
        var forged = PayloadFile(lsn: LSN(1_000))
        old.payload(at: 0).withUnsafeBufferPointer {
            forged.append(row: Int(old.rows[0]), lsn: LSN(999), payload: $0)
        }
        let reader = try SegmentReader(
            database.disk, path: try path(try #require(try files(".segment").first)))
        try database.disk.unlink(file)
        try forged.write(
            to: file, database.disk, incarnation: reader.header.incarnation, segmentID: segmentID,
            rowCount: rowCount)
        try database.collection().set(#"{"a":2}"#, .ids([PointID(1)]))
        try database.reopen()
        let error = #expect(throws: DatabaseError.self) { try database.collection().get([PointID(1)]) }
        #expect(error?.kind == .corruption)
    }
}
