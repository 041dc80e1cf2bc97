import Glibc
import NeedleCore
import NeedleEngine
import NeedleStorage
import SimulationKit
import Synchronization
import Testing

/// A crash at every file operation of a script that uses everything a collection can do, and another one during
/// the recovery. `NEEDLETAIL_POINTS=n-m` goes in the long run to the operations from n to m only: all of them take hours.
@Suite struct CrashPointTests {
    /// The disk before one of its operations, and what may be found on it.
    struct Point: Sendable {
        var operation: Int
        var disk: SimulatedFileSystem
        var model: Model
        var milliseconds: Int64
    }

    static let script = """
        create 0
        create 1
        create 2
        write 0 upsert 1:1 2:2 3:3
        write 0 upsert 4:4 5:5 if=absent key=1
        write 0 upsert 4:4 5:5 if=absent key=1
        write 0 upsert 1:6 if=current
        write 0 upsert 1:6 if=stale
        write 1 upsert 1:1 2:9 6:10+5000
        write 0 delete 2 7 ; upsert 8:8 9:9 2:18 ; delete-matching 3
        write 2 upsert 1:1 2:2 ; upsert 3:3
        maintain 30
        write 0 upsert 10:10 11:11 12:12 13:13 14:14 15:15
        write 0 upsert 16:16 17:17 18:18 19:19 20:20 21:21 22:22
        write 1 upsert 3:3 4:4 5:5 7:7 8:8 9:9 key=2
        maintain 40
        optimize 0
        maintain 3
        write 0 delete 10 16 19 key=3
        write 0 set 9 1 11 17 key=4 ; set-matching 4 12 ; vectors 12:3
        maintain 60
        snapshot 0
        alias 0 0
        verify 0
        write 0 upsert 23:23 24:24 25:25 26:26 27:27
        write 0 delete-matching 1
        write 0 replace 5 13 14 ; set 40 23 11
        advance 6000
        optimize 1
        maintain 40
        restore 0 as=3
        write 3 upsert 1:12 20:20
        reopen
        write 0 upsert 23:24 if=current
        snapshot 3
        alias 1 3
        write 1 delete 1 2 3
        write 2 upsert 4:4 5:5
        drop 3
        restore 0 as=3 to=2
        drop 2
        create 2
        write 2 upsert 5:5 6:6 7:7
        optimize 2
        maintain 30
        write 2 delete-all
        maintain 10
        delete-snapshot 0
        drop 1
        restore 0 as=1 to=0
        delete-alias 0
        kill
        verify 0
        write 0 upsert 28:28 29:29 30:30 31:31 ; delete 28
        optimize 0
        maintain 80
        write 0 delete-matching 2
        write 0 delete-text
        maintain 20
        write 2 upsert 1:9
        reopen
        write 0 upsert 39:1
        """

    static let setup: Setup = {
        var setup = Setup(seed: 1)
        setup.options.growingRows = 12
        setup.options.checkpointBytes = 1_500
        setup.options.exactRows = 4
        setup.options.trainingRows = 4
        setup.options.deadShare = 0.2
        setup.options.measureShare = 0
        setup.options.log = LogOptions(rollBytes: 900, bufferBytes: 300)
        setup.options.logArchive = "archive"
        setup.options.snapshotProbes = 4
        setup.configs = [Durability.fsync, .os, .memory, .fsync].map {
            Setup.config(size: 3, metric: .cosine, quantization: .int8, durability: $0)
        }
        return setup
    }()

    /// Runs the script once and notes every point on the way.
    static func points() throws -> [Point] {
        let found = Shared([Point]())
        let world = World(setup)
        let (shared, clock) = (world.shared, world.clock)
        world.disk.onOperation { _, disk in
            let model = shared.value.withLock { $0 }
            found.value.withLock {
                $0.append(
                    Point(
                        operation: $0.count + 1, disk: disk, model: model,
                        milliseconds: clock.wallMilliseconds()))
            }
        }
        try world.start()
        for operation in try Operation.parse(script) { try world.perform(operation) }
        world.disk.onOperation(nil)
        try world.finish()
        return found.value.withLock { $0 }
    }

    /// Run once for all tests here.
    private static let found = Result { try points() }

    /// Cuts the power at a point, compares what is found, goes on a little, and compares again.
    ///
    /// - Parameters:
    ///   - again: the power is cut once more at this operation of the recovery.
    ///   - isKilled: whether the process is killed at last, and what was written after the recovery looked for.
    /// - Returns: whether the power was cut again.
    static func cut(
        _ point: Point, _ model: LossModel, again: Int? = nil, isKilled: Bool = true
    ) throws -> Bool {
        let clock = SimulatedClock(at: point.milliseconds)
        let world = World(setup, disk: point.disk.clone(), clock: clock, model: point.model)
        try world.perform(.crash(model, seed: point.operation, again: again))
        let wasCutAgain = world.crashes > 1
        try world.perform(.heal)
        try world.checkNothingElseIsThere()
        try world.perform(.verify(0))
        for number in world.collections.indices where world.collections[number].presence == .present {
            try world.perform(
                .write(number, [Write(.upsert([Item(id: 1, content: 33), Item(id: 38, content: 2)], nil))]))
        }
        try world.perform(.check)
        if isKilled { try world.perform(.kill) }
        return wasCutAgain
    }

    @Test func theScriptMeetsEnough() throws {
        let points = try Self.found.get()
        #expect(points.count >= 300, "\(points.count) file operations")
    }

    static let shards = 4
    static let isLong = ModelTests.variable("NEEDLETAIL_LONG") == "1"

    /// Every point is met by one model of loss, and at every other one the power is cut again at an operation of the
    /// recovery.
    @Test(.disabled(if: isLong), arguments: 0..<shards) func someOfEveryFileOperation(shard: Int) throws {
        let models = LossModel.allCases
        // Fewer where each takes long, like the seeds of the model.
        let step = max(1, 500 / Int(max(1, ModelTests.quickSeeds)))
        var recoveries = 0
        for point in try Self.found.get() where point.operation % (Self.shards * step) == shard * step {
            let turn = point.operation / Self.shards / step
            let again = turn % 2 == 0 ? nil : 1 + Int(SeededGenerator.mix(UInt64(turn)) % 40)
            let wasCutAgain = attempt(
                point, models[turn % models.count], again: again, isKilled: turn % 8 < 2)
            recoveries += wasCutAgain ? 1 : 0
        }
        #expect(recoveries > 20 / step)
    }

    /// Every point is met by every model of loss, and again at every operation of each recovery.
    @Test(.enabled(if: isLong), arguments: 0..<shards) func everyFileOperation(shard: Int) throws {
        let chosen = ModelTests.range("NEEDLETAIL_POINTS") ?? 1...UInt64.max
        let points = try Self.found.get().filter { chosen.contains(UInt64($0.operation)) }
        var recoveries = 0
        for point in points where point.operation % Self.shards == shard {
            for model in LossModel.allCases {
                attempt(point, model, again: nil)
                var again = 1
                while attempt(point, model, again: again) { again += 1 }
                recoveries += again - 1
            }
        }
        #expect(recoveries >= points.count / Self.shards, "\(recoveries) recoveries were cut")
    }

    @discardableResult
    private func attempt(
        _ point: Point, _ model: LossModel, again: Int?, isKilled: Bool = true
    ) -> Bool {
        do { return try Self.cut(point, model, again: again, isKilled: isKilled) } catch {
            let what = (error as? Violation)?.what ?? "\(error)"
            Issue.record(
                "crash at \(point.operation), \(model), again \(again.map(String.init) ?? "not"): \(what)")
            return false
        }
    }
}
