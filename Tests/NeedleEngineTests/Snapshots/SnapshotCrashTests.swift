import Glibc
import NeedleCore
import NeedleEngine
import NeedleStorage
import SimulationKit
import Testing

/// Crashes and failures at every file operation of making, verifying, restoring and removing a snapshot.
@Suite struct SnapshotCrashTests {
    /// Every operation in the long run, each ninetieth in the quick one.
    private static let step = getenv("NEEDLETAIL_LONG") == nil ? 90 : 1

    /// A filled database, as a disk to be cloned.
    private func prepared() throws -> (disk: SimulatedFileSystem, content: [String]) {
        let database = try TestDatabase(options: TestDatabase.snapshotOptions)
        try database.fill(try database.create(size: 3))
        let content = try database.content()
        database.database.close()
        return (database.disk, content)
    }

    private func open(_ disk: SimulatedFileSystem) throws -> TestDatabase {
        try TestDatabase(disk: disk, options: TestDatabase.snapshotOptions)
    }

    /// Makes a snapshot, verifies it, restores it twice and removes it.
    private func script(_ database: TestDatabase) throws {
        let snapshot = try database.database.snapshot()
        try database.database.verify(snapshot.name)
        try database.database.restore(snapshot.name, as: "d")
        try database.collection().upsert([point(700, [1, 2, 3])])
        try database.database.restore(snapshot.name, as: "e", to: .lsn(snapshot.lsn.next))
        try database.database.deleteSnapshot(snapshot.name)
    }

    /// What is there after a crash is whole: each snapshot verifies, each restored collection is what was asked
    /// for, and nothing else lies about.
    private func check(_ database: TestDatabase, _ content: [String], _ comment: Comment) throws {
        let names = database.database.summaries().map(\.name)
        #expect(database.database.summaries().allSatisfy { $0.state == .ready }, comment)
        #expect(names.first == "c")
        let live = try database.content()
        #expect(live.filter { !$0.hasPrefix("700 ") } == content, comment)
        if names.contains("d") { #expect(try database.content("d") == content, comment) }
        if names.contains("e") {
            let restored = try database.content("e")
            #expect(restored == live && restored.count == content.count + 1, comment)
        }
        let snapshots = try database.database.listSnapshots(of: nil)
        try database.expectNoLeftovers(names.count, snapshots.count, comment)
        for snapshot in snapshots { try database.database.verify(snapshot.name) }
        // It works again, whatever had been under way.
        let again = try database.database.snapshot()
        try database.database.restore(again.name, as: "again")
        #expect(try database.content("again") == live, comment)
    }

    @Test(arguments: LossModel.allCases)
    func aCrashAtEveryOperation(model: LossModel) throws {
        let (disk, content) = try prepared()
        let counting = try open(disk.clone())
        counting.disk.plan()
        try script(counting)
        let operations = counting.disk.operationCount
        #expect(operations > 250)
        // Another part of the operations for each model, so that together they are many.
        let first = 1 + Self.step * (LossModel.allCases.firstIndex(of: model) ?? 0) / LossModel.allCases.count
        for operation in stride(from: first, through: operations, by: Self.step) {
            let database = try open(disk.clone())
            database.disk.plan(Fault(.crash, at: operation))
            #expect(throws: DatabaseError.self) { try script(database) }
            var generator = SeededGenerator(seed: UInt64(operation))
            try database.crash(model, using: &generator)
            try check(database, content, "crash at \(operation), \(model)")
        }
    }

    @Test(arguments: [FaultKind.ioError, .diskFull, .shortWrite])
    func aFailureAtEveryOperation(kind: FaultKind) throws {
        let (disk, content) = try prepared()
        let counting = try open(disk.clone())
        counting.disk.plan()
        try script(counting)
        var failures = 0
        for operation in stride(from: 41, through: counting.disk.operationCount, by: Self.step) {
            let database = try open(disk.clone())
            database.disk.plan(Fault(kind, at: operation))
            do { try script(database) } catch { failures += 1 }
            database.disk.plan()
            // The log may be poisoned and a best-effort removal may have failed: both are mended by opening again.
            var generator = SeededGenerator(seed: UInt64(operation))
            try database.crash(.all, using: &generator)
            try check(database, content, "\(kind) at \(operation)")
        }
        #expect(failures > 0)
    }
}
