import NeedleCore
import NeedleEngine
import SimulationKit
import Testing

@Suite struct AliasTests {
    private let test: TestDatabase
    private var database: Database { test.database }

    init() throws {
        test = try TestDatabase()
        try test.create("one").upsert([point(1, [1, 0, 0, 0])])
        try test.create("two")
    }

    private func set(_ aliases: (String, String)...) throws {
        try database.setAliases(aliases.map { Alias(name: $0.0, collection: $0.1) })
    }

    @Test func anAliasStandsForItsCollectionAlsoAfterARestart() throws {
        try set(("live", "one"), ("old", "one"))
        try set(("live", "two"))
        for _ in 0..<2 {
            #expect(
                database.aliases == [
                    Alias(name: "live", collection: "two"), Alias(name: "old", collection: "one"),
                ])
            #expect(try test.collection("live") === test.collection("two"))
            #expect(try test.collection("old").count() == 1)
            #expect(database.resolved("one") == "one" && database.resolved("absent") == "absent")
            try test.reopen()
        }
        try database.deleteAliases(["old", "live"])
        try test.reopen()
        #expect(database.aliases == [])
        #expect(throws: DatabaseError.self) { try test.collection("live") }
    }

    @Test func allOrNothing() throws {
        try set(("live", "one"))
        func refused(_ kind: ErrorKind, _ place: String, _ body: () throws -> Void) {
            let error = #expect(throws: DatabaseError.self) { try body() }
            #expect(error?.kind == kind && error?.at == place)
            #expect(database.aliases == [Alias(name: "live", collection: "one")])
        }
        refused(.notFound, "aliases.b") { try set(("a", "two"), ("b", "absent")) }
        refused(.alreadyExists, "aliases.two") { try set(("a", "two"), ("two", "one")) }
        refused(.notFound, "aliases.a") { try set(("a", "live")) }
        refused(.notFound, "aliases[1]") { try database.deleteAliases(["live", "absent"]) }
        refused(.alreadyExists, "name") { try test.create("live") }
        test.disk.plan(Fault(.ioError, at: 1, isPermanent: true))
        #expect(throws: DatabaseError.self) { try set(("live", "two")) }
        test.disk.plan()
        #expect(database.aliases == [Alias(name: "live", collection: "one")])
    }

    @Test func aCollectionTakesItsAliasesAlong() throws {
        try set(("live", "one"), ("also", "one"), ("other", "two"))
        try database.dropCollection(named: "live")
        #expect(database.aliases == [Alias(name: "other", collection: "two")])
        #expect(throws: DatabaseError.self) { try test.collection("one") }
        try test.create("live")
    }

    @Test func thereIsALimit() throws {
        var options = TestDatabase.smallOptions
        options.limits.collections = 3
        let small = try TestDatabase(options: options)
        try small.create("c")
        try small.database.setAliases((0..<3).map { Alias(name: "a\($0)", collection: "c") })
        let error = #expect(throws: DatabaseError.self) {
            try small.database.setAliases([Alias(name: "b", collection: "c")])
        }
        #expect(error?.kind == .limitExceeded)
        #expect(small.database.aliases.count == 3)
    }

    /// Switching is one step, whenever the power goes.
    @Test(arguments: LossModel.allCases) func aCrashLeavesTheOldOrTheNew(model: LossModel) throws {
        for operation in 1...8 {
            var generator = SeededGenerator(seed: UInt64(operation))
            let fresh = try TestDatabase()
            try fresh.create("one")
            try fresh.create("two")
            try fresh.database.setAliases([
                Alias(name: "a", collection: "one"), Alias(name: "b", collection: "one"),
            ])
            fresh.disk.plan(Fault(.crash, at: operation))
            var isDone = false
            do throws(DatabaseError) {
                try fresh.database.setAliases([
                    Alias(name: "a", collection: "two"), Alias(name: "b", collection: "two"),
                ])
                isDone = true
            } catch {}
            try fresh.crash(model, using: &generator)
            let found = fresh.database.aliases.map(\.collection)
            #expect(found == ["two", "two"] || found == ["one", "one"] && !isDone, "crash at \(operation)")
        }
    }
}
