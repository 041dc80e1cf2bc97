import NeedleCore
import NeedleEngine
import NeedleStorage
import SimulationKit
import Testing

/// Snapshots brought forward by the log behind them.
@Suite struct PointInTimeTests {
    private func prepared(archive: String = "archive") throws -> TestDatabase {
        var options = TestDatabase.snapshotOptions
        options.logArchive = archive
        let database = try TestDatabase(options: options)
        try database.create(size: 2)
        return database
    }

    /// Write n brings point n at time n seconds; some of it is sealed, and the log trimmed, on the way.
    private func write(_ database: TestDatabase, _ ids: ClosedRange<UInt64>) throws {
        for id in ids {
            database.clock.advance(1_000)
            try database.collection().upsert([point(id, [1, Float(id)])])
            if id % 7 == 0 {
                _ = try database.collection().optimize()
                database.settle()
            }
        }
    }

    private func ids(_ database: TestDatabase, _ name: String) throws -> [PointID] {
        try database.collection(name).scrollAll().map(\.id)
    }

    @Test func anyWriteBehindASnapshotCanBeReached() throws {
        let database = try prepared()
        let start = database.clock.wallMilliseconds()
        try write(database, 1...10)
        let snapshot = try database.database.snapshot()
        try write(database, 11...40)
        for last in [10, 11, 14, 21, 27, 28, 40] as [UInt64] {
            let restored = try database.database.restore(snapshot.name, as: "l\(last)", to: .lsn(LSN(last)))
            #expect(restored == RestoredCollection(collection: "l\(last)", points: Int(last), lsn: LSN(last)))
            #expect(try ids(database, "l\(last)") == (1...last).map { PointID($0) })
            let time = start + Int64(last) * 1_000 + 500
            #expect(
                try database.database.restore(snapshot.name, as: "t\(last)", to: .time(time)).lsn == LSN(last)
            )
            try database.database.dropCollection(named: "l\(last)")
            try database.database.dropCollection(named: "t\(last)")
        }
        try database.expectNoLeftovers(1, 1)
        #expect(try database.disk.list("archive").count >= 1)
    }

    /// Dropping a collection by mistake is what this is for.
    @Test func theArchiveOutlivesTheCollection() throws {
        let database = try prepared()
        try write(database, 1...10)
        let snapshot = try database.database.snapshot()
        try write(database, 11...40)
        try database.database.dropCollection(named: "c")
        try database.reopen()
        #expect(try database.database.restore(snapshot.name, as: "d", to: .lsn(LSN(40))).points == 40)
        #expect(try database.database.restore(snapshot.name, as: "e", to: .time(.max)).points == 40)
        try database.collection("d").upsert([point(41, [1, 1])])
        try database.reopen()
        #expect(try database.collection("d").count() == 41)
    }

    @Test func whatIsNoLongerKeptIsNotFound() throws {
        let database = try prepared(archive: "")
        try write(database, 1...10)
        let snapshot = try database.database.snapshot()
        #expect(try database.database.restore(snapshot.name, as: "now", to: .time(.max)).points == 10)
        try write(database, 11...12)
        #expect(try database.database.restore(snapshot.name, as: "near", to: .lsn(LSN(12))).points == 12)
        try write(database, 13...40)
        for point in [RestorePoint.lsn(LSN(39)), .lsn(LSN(41)), .time(.max)] {
            let error = #expect(throws: DatabaseError.self) {
                try database.database.restore(snapshot.name, as: "d", to: point)
            }
            #expect(error?.kind == .notFound, "\(point): \(String(describing: error))")
        }
        try database.database.dropCollection(named: "c")
        for point in [RestorePoint.lsn(LSN(11)), .time(.max)] {
            let error = #expect(throws: DatabaseError.self) {
                try database.database.restore(snapshot.name, as: "d", to: point)
            }
            #expect(error?.kind == .notFound, "\(point): \(String(describing: error))")
        }
        #expect(try database.database.restore(snapshot.name, as: "d", to: .lsn(LSN(10))).points == 10)
        try database.expectNoLeftovers(3, 1)
    }

    @Test func aPointBeforeTheSnapshotIsRefused() throws {
        let database = try prepared()
        try write(database, 1...10)
        let snapshot = try database.database.snapshot()
        var error = #expect(throws: DatabaseError.self) {
            try database.database.restore(snapshot.name, as: "d", to: .lsn(LSN(9)))
        }
        #expect(error?.kind == .invalidParams && error?.at == "to_lsn")
        error = #expect(throws: DatabaseError.self) {
            try database.database.restore(
                snapshot.name, as: "d", to: .time(database.clock.wallMilliseconds() - 1))
        }
        #expect(error?.kind == .invalidParams && error?.at == "to_time")
        try database.expectNoLeftovers(1, 1)
    }

    @Test func theArchiveForgetsWhatIsOld() throws {
        let database = try prepared()
        try write(database, 1...10)
        let snapshot = try database.database.snapshot()
        try write(database, 11...40)
        let kept = try database.disk.list("archive")
        #expect(kept.count == 1)
        let before = try database.disk.list("archive/\(kept[0])").count
        database.clock.advance(200 * 3_600_000)
        try write(database, 41...49)
        let after = try database.disk.list("archive/\(kept[0])").count
        #expect(after < before)
        let error = #expect(throws: DatabaseError.self) {
            try database.database.restore(snapshot.name, as: "d", to: .lsn(LSN(40)))
        }
        #expect(error?.kind == .notFound)
    }

    /// A file that cannot be kept is not removed: the log grows, and health says why.
    @Test func whatCannotBeKeptIsNotRemoved() throws {
        let database = try prepared(archive: "missing/archive")
        try write(database, 1...14)
        #expect(database.database.summaries().map(\.state) == [.degraded])
        #expect(database.database.summaries()[0].reason?.contains("missing") == true)
        #expect(try database.collection().count() == 14)
        let snapshot = try database.database.snapshot()
        #expect(try database.database.verify(snapshot.name).points == 14)
    }
}
