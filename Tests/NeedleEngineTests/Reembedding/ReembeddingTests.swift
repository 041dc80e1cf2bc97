import Glibc
import NeedleCore
import NeedleEngine
import SimulationKit
import Synchronization
import Testing

/// Moving a collection to another model and back.
@Suite struct ReembeddingTests {
    @Test func allPointsGoOverWithTheirPayloads() throws {
        let world = try ReembeddedDatabase()
        let before = try world.content()
        try world.start()
        #expect(try world.status().phase == .embedding)
        try world.expectAll(world.old)
        world.database.settle()
        #expect(try world.status().phase == .ready && world.status().embedded == 100)
        try world.expectAll(world.old, "until the cutover")
        #expect(try world.cutOver().phase == .cutOver)
        try world.expectAll(world.new)
        #expect(try world.content() == before && world.collection.count() == 100)
        let config = try world.collection.config.spaces[0]
        #expect(config.model == "new" && config.modelFingerprint == "fingerprint-new")
    }

    @Test func writesMeanwhileAreFollowed() throws {
        let world = try ReembeddedDatabase()
        try world.start()
        for round in 0..<30 {
            // Some before they are copied, some after.
            try world.upsert(round..<round + 1) { "another text \($0)" }
            try world.upsert(200 + round..<201 + round)
            try world.collection.delete(.ids([PointID(UInt64(99 - round))]))
            let write = try world.collection.prepare(
                .changePayload(.set(Payload(#"{"m":\#(round)}"#)), .ids([PointID(UInt64(40 + round))])),
                model: nil,
                opKey: nil, context: OperationContext())
            _ = try world.collection.commit([write])[0].get()
            _ = world.database.database.maintain(context: OperationContext())
        }
        world.database.settle()
        try world.upsert(300..<305)
        let before = try world.content()
        try world.cutOver()
        #expect(try world.content() == before)
        try world.expectAll(world.new, sample: 35)
    }

    @Test func rollingBackKeepsWritesSinceTheCutover() throws {
        let world = try ReembeddedDatabase()
        try world.start()
        world.database.settle()
        try world.cutOver()
        world.database.settle()
        try world.upsert(0..<10) { "written since \($0)" }
        try world.upsert(500..<510)
        try world.collection.delete(.ids([PointID(50), PointID(51)]))
        let before = try world.content()
        try world.rollBack()
        #expect(try world.content() == before)
        try world.expectAll(world.old)
        #expect(throws: DatabaseError.self) { try world.status() }
        // And once more from the beginning.
        try world.start()
        world.database.settle()
        try world.cutOver()
        #expect(try world.content() == before)
        try world.expectAll(world.new)
    }

    @Test func lsnsRiseAndRepeatsAreAnswered() throws {
        let world = try ReembeddedDatabase()
        let first = try world.collection.upsert(
            [PointWrite(id: PointID(1), vectors: .absent, text: "once")], opKey: "key")
        try world.start()
        world.database.settle()
        let before = try world.collection.visibleLSN
        try world.cutOver()
        let after = try world.collection.visibleLSN
        #expect(after > before)
        let again = try world.collection.upsert(
            [PointWrite(id: PointID(1), vectors: .absent, text: "twice")], opKey: "key")
        #expect(again.updated == first.updated && again.created == first.created)
        #expect(try world.collection.visibleLSN == after, "it was not written again")
        world.database.settle()
        #expect(try world.rollBack() > after)
        #expect(
            try world.collection.upsert(
                [PointWrite(id: PointID(1), vectors: .absent, text: "thrice")], opKey: "key"
            ).updated == first.updated)
    }

    @Test func aRestartAtAnyTimeGoesOn() throws {
        let world = try ReembeddedDatabase()
        try world.start()
        _ = world.database.database.maintain(context: OperationContext())
        try world.database.reopen()
        try world.upsert(0..<5) { "written after the restart \($0)" }
        try world.collection.delete(.ids([PointID(60)]))
        world.database.settle()
        #expect(world.new.embedded.load(ordering: .relaxed) < 140, "what was done was not done again")
        let before = try world.content()
        try world.cutOver()
        try world.database.reopen()
        try world.expectAll(world.new)
        #expect(try world.status().phase == .cutOver)
        #expect(throws: DatabaseError.self, "not compared yet") { try world.rollBack() }
        world.database.settle()
        try world.rollBack()
        try world.database.reopen()
        try world.expectAll(world.old)
        #expect(try world.content() == before)
    }

    @Test func whatTheOldModelMadeGoesWhenItsTimeIsOver() throws {
        let world = try ReembeddedDatabase()
        try world.start()
        world.database.settle()
        let status = try world.cutOver()
        world.database.settle()
        let directories = try world.database.disk.list("db/collections").count
        world.database.clock.advance((status.keptUntil ?? 0) - world.database.clock.wallMilliseconds())
        world.database.settle()
        #expect(throws: DatabaseError.self) { try world.status() }
        #expect(try world.database.disk.list("db/collections").count == directories - 1)
        try world.expectAll(world.new)
    }

    // MARK: What cannot be

    @Test func pointsWithoutTextAreToldAndKeptForTheWayBack() throws {
        let world = try ReembeddedDatabase()
        let own: [Float] = [0.5, 0.5, 0, 0]
        try world.collection.upsert([point(700, own, #"{"n":700}"#)])
        try world.start()
        world.database.settle()
        #expect(try world.status().withoutText == 1)
        #expect(throws: DatabaseError.self) { try world.cutOver() }
        try world.cutOver(force: true)
        #expect(try world.collection.get([PointID(700)]).points.first?.vectors == [])
        world.database.settle()
        try world.rollBack()
        #expect(try world.collection.get([PointID(700)]).points.first?.vectors?[0].vector == own)
    }

    @Test func whatMakesNoSenseIsRefused() throws {
        let world = try ReembeddedDatabase()
        let database = world.database.database
        func refused(_ kind: ErrorKind, _ body: () throws -> Void) {
            #expect { try body() } throws: { ($0 as? DatabaseError)?.kind == kind }
        }
        refused(.notFound) { _ = try database.startReembedding("d", using: nil, model: "new") }
        refused(.invalidParams) { _ = try database.startReembedding("c", using: nil, model: "nobody") }
        refused(.invalidParams) { _ = try database.startReembedding("c", using: nil, model: "old") }
        refused(.invalidParams) { _ = try database.startReembedding("c", using: "body", model: "new") }
        refused(.notFound) { _ = try world.status() }
        refused(.notFound) { try world.cutOver() }
        try world.start()
        refused(.alreadyExists) { try world.start() }
        refused(.conflict) { try world.cutOver() }
        refused(.conflict) { try world.rollBack() }
        refused(.conflict) {
            _ = try world.collection.createIndex(
                FieldIndexDefinition(path: try FieldPath(parsing: "n"), type: .integer))
        }
        refused(.notFound) { _ = try database.collection(named: ".c") }
        refused(.notFound) { try database.dropCollection(named: ".c") }
        #expect(database.summaries().map(\.name) == ["c"])
        try world.database.create("plain")
        refused(.invalidParams) { _ = try database.startReembedding("plain", using: nil, model: "new") }
    }

    @Test func theJobIsCancelledWithEverything() throws {
        let world = try ReembeddedDatabase()
        let job = try world.database.database.startReembedding("c", using: nil, model: "new")
        _ = world.database.database.maintain(context: OperationContext())
        _ = world.database.database.cancelJob(job.id)
        #expect(world.database.database.job(job.id)?.state == .cancelled)
        #expect(try world.database.disk.list("db/collections").count == 1)
        try world.expectAll(world.old)
        try world.start()
        world.database.settle()
        #expect(try world.cutOver().phase == .cutOver)
    }

    @Test func droppingACollectionDropsItsShadow() throws {
        let world = try ReembeddedDatabase()
        try world.start()
        _ = world.database.database.maintain(context: OperationContext())
        try world.database.database.dropCollection(named: "c")
        #expect(try world.database.disk.list("db/collections").isEmpty)
        try world.database.reopen()
        #expect(world.database.database.summaries().isEmpty)
    }

    @Test func aModelThatFailsIsTriedAgain() throws {
        let world = try ReembeddedDatabase()
        try world.start()
        world.new.fails.store(true, ordering: .relaxed)
        world.database.settle()
        #expect(try world.status().reason == "the model is ill")
        world.new.fails.store(false, ordering: .relaxed)
        world.database.clock.advance(60_000)
        world.database.settle()
        #expect(try world.status().phase == .ready)
        try world.cutOver()
        try world.expectAll(world.new)
    }

    // MARK: Searches meanwhile

    @Test func whatIsReadComesFirst() throws {
        let world = try ReembeddedDatabase(points: 1_000)
        try world.start()
        let found = try world.collection.search(
            SearchQuery(target: .text("text number 3"), limit: 5), context: OperationContext())
        _ = world.database.database.maintain(context: OperationContext())
        #expect(try world.status().embedded == found.hits.count, "they, and nothing else")
    }

    @Test func searchesOfClientsAreAnsweredByBothAndCompared() throws {
        let world = try ReembeddedDatabase()
        try world.start()
        for number in 0..<10 {
            _ = try world.collection.search(
                SearchQuery(target: .text("query \(number)"), limit: 10), context: OperationContext())
        }
        for _ in 0..<12 {
            world.database.settle()
            world.database.clock.advance(50)
        }
        let agreement = try world.status().agreement
        // Both models put texts at the same angles of their planes.
        #expect(agreement.queries == 10 && agreement.overlap == 1)
        #expect((agreement.rankCorrelation ?? 0) > 0.99)
        #expect(agreement.scoresNow != nil && agreement.scoresThen != nil)
    }

    /// Readers, a writer and cutovers in both directions at once: whoever searches by text gets points that the very
    /// model has placed there, whatever happens.
    @Test func noSearchMixesTheTwo() throws {
        let world = try ReembeddedDatabase()
        try world.start()
        world.database.settle()
        let database = world.database.database
        let isOver = Atomic<Bool>(false)
        let mixed = Atomic<Int>(0)
        let searches = Atomic<Int>(0)
        let readers = (0..<2).map { _ in
            thread {
                while !isOver.load(ordering: .relaxed) {
                    guard let collection = try? database.collection(named: "c"),
                        let result = try? collection.search(
                            SearchQuery(target: .text("text number 7"), limit: 1), context: OperationContext()
                        )
                    else { continue }
                    searches.add(1, ordering: .relaxed)
                    if (result.hits.first?.score ?? 0) < 0.999 { mixed.add(1, ordering: .relaxed) }
                }
            }
        }
        for round in 0..<5 {
            try world.upsert(600 + round..<601 + round)
            try world.cutOver()
            world.database.settle()
            try world.upsert(700 + round..<701 + round)
            try world.rollBack()
            try world.start()
            world.database.settle()
        }
        isOver.store(true, ordering: .relaxed)
        for reader in readers { pthread_join(reader, nil) }
        #expect(mixed.load(ordering: .relaxed) == 0 && searches.load(ordering: .relaxed) > 100)
        #expect(try world.collection.count() == 110)
    }
}
