import NeedleCore
import NeedleEngine
import SimulationKit
import Testing

/// Crashes and failures at the file operations of a re-embedding: before and after them a collection is whole, with one
/// model's vectors, and can go on.
@Suite struct ReembeddingCrashTests {
    private static let step = 7

    /// Starts, fills, cuts over, writes, rolls back.
    private func script(_ world: ReembeddedDatabase) throws {
        try world.start()
        world.database.settle()
        try world.upsert(3..<5) { "written meanwhile \($0)" }
        try world.cutOver()
        world.database.settle()
        try world.upsert(5..<7) { "written afterwards \($0)" }
        try world.rollBack()
    }

    private func prepared() throws -> SimulatedFileSystem {
        let world = try ReembeddedDatabase(points: 12)
        world.database.database.close()
        return world.database.disk
    }

    private func check(_ disk: SimulatedFileSystem, _ comment: Comment) throws {
        let world = try ReembeddedDatabase(opening: disk)
        let models = try Set(
            world.collection.scrollAll(limit: 100).flatMap { $0.vectors ?? [] }.map {
                world.old.made($0.vector) ? "old" : world.new.made($0.vector) ? "new" : "mixed"
            })
        #expect(models == [try world.collection.config.spaces[0].model ?? ""], comment)
        #expect(try world.collection.count() == 12, comment)
        // It can go on, wherever it was.
        world.database.settle()
        if (try? world.status()) == nil { try world.start() }
        world.database.settle()
        let content = try world.content()
        if try world.status().phase == .ready { try world.cutOver() }
        try world.expectAll(world.new, sample: 11, comment)
        #expect(try world.content() == content, comment)
        world.database.settle()
        try world.rollBack()
        try world.expectAll(world.old, sample: 11, comment)
        #expect(try world.content() == content, comment)
        #expect(try world.database.disk.list("db/collections").count == 1, comment)
        world.database.database.close()
    }

    @Test(arguments: LossModel.allCases)
    func aCrashAtEveryOperation(model: LossModel) throws {
        let disk = try prepared()
        let counting = try ReembeddedDatabase(opening: disk.clone())
        counting.database.disk.plan()
        try script(counting)
        let operations = counting.database.disk.operationCount
        #expect(operations > 60)
        let first = 1 + Self.step * (LossModel.allCases.firstIndex(of: model) ?? 0) / LossModel.allCases.count
        for operation in stride(from: first, through: operations, by: Self.step) {
            let world = try ReembeddedDatabase(opening: disk.clone())
            world.database.disk.plan(Fault(.crash, at: operation))
            // The last step, dropping the old vectors, is one that nobody waits for.
            try? script(world)
            var generator = SeededGenerator(seed: UInt64(operation))
            world.database.disk.crash(model, using: &generator)
            try check(world.database.disk, "crash at \(operation), \(model)")
        }
    }

    @Test(arguments: [FaultKind.ioError, .diskFull])
    func aFailureAtEveryOperation(kind: FaultKind) throws {
        let disk = try prepared()
        let counting = try ReembeddedDatabase(opening: disk.clone())
        counting.database.disk.plan()
        try script(counting)
        for operation in stride(from: 2, through: counting.database.disk.operationCount, by: Self.step) {
            let world = try ReembeddedDatabase(opening: disk.clone())
            world.database.disk.plan(Fault(kind, at: operation))
            try? script(world)
            world.database.disk.plan()
            world.database.database.close()
            try check(world.database.disk, "\(kind) at \(operation)")
        }
    }
}
