import Glibc
import NeedleCore
import NeedleEngine
import NeedleStorage
import SimulationKit
import Synchronization
import Testing

@Suite struct SnapshotTests {
    private func filled() throws -> TestDatabase {
        let database = try TestDatabase(options: TestDatabase.snapshotOptions)
        try database.fill(try database.create(size: 3))
        return database
    }

    @Test func whatIsRestoredIsWhatWasThere() throws {
        let database = try filled()
        let before = try database.content()
        let snapshot = try database.database.snapshot()
        #expect(snapshot.name == "c-\(snapshot.lsn)" && snapshot.points == before.count && before.count == 58)
        #expect(try database.database.listSnapshots(of: "c") == [snapshot])
        #expect(try database.database.listSnapshots(of: "other") == [])
        let verified = try database.database.verify(snapshot.name)
        #expect(verified.points == 58 && verified.probes == 100 && verified.bytes == snapshot.bytes)

        // What comes later is not in it, and the snapshot outlives its collection.
        try database.collection().upsert([point(1000, [1, 2, 3])])
        try database.collection().delete(.ids([PointID(1)]))
        try database.database.dropCollection(named: "c")
        try database.reopen()
        let restored = try database.database.restore(snapshot.name, as: "d")
        #expect(restored == RestoredCollection(collection: "d", points: 58, lsn: snapshot.lsn))
        #expect(try database.content("d") == before, "versions, payloads and vectors bit for bit")
        #expect(try database.database.verify(snapshot.name).probes == 100)
        try database.expectNoLeftovers(1, 1)
    }

    @Test func aRestoredCollectionLivesOn() throws {
        let database = try filled()
        let snapshot = try database.database.snapshot()
        try database.database.restore(snapshot.name, as: "d")
        let collection = try database.collection("d")
        #expect(
            try collection.upsert([point(5, [5, 5, 5])], opKey: "five").lsn < snapshot.lsn,
            "a repeat gets its first answer")
        let next = try collection.upsert([point(2000, [3, 2, 1])])
        #expect(next.lsn > snapshot.lsn)
        // Sealing, merging over segments of the other incarnation, reopening, and a snapshot of its own.
        _ = collection.optimize()
        database.settle()
        let content = try database.content("d")
        try database.reopen()
        #expect(try database.content("d") == content)
        let second = try database.database.snapshot("d")
        try database.database.restore(second.name, as: "e")
        #expect(try database.content("e") == content)
        #expect(try database.content("c").count == 58, "the first one is as it was")
    }

    /// A restored collection that was not rewritten yet names segments of another incarnation, also in its own
    /// checkpoints and snapshots.
    @Test func foreignSegmentsStayNamed() throws {
        let database = try filled()
        try database.database.restore(try database.database.snapshot().name, as: "d")
        try database.collection("d").delete(.ids([PointID(7)]))
        let content = try database.content("d")
        try database.reopen()
        let again = try database.database.snapshot("d")
        try database.database.dropCollection(named: "c")
        try database.database.dropCollection(named: "d")
        try database.database.restore(again.name, as: "e")
        #expect(try database.content("e") == content)
        try database.reopen()
        #expect(try database.content("e") == content)
    }

    @Test func aSecondSnapshotReadsOnlyWhatIsNew() throws {
        let database = try filled()
        _ = try database.collection().optimize()
        database.settle()
        try database.database.snapshot()
        try database.collection().upsert([point(500, [1, 1, 1])])
        let hashed = Mutex<[String]>([])
        database.disk.startTrace()
        let second = try database.database.snapshot()
        hashed.withLock {
            $0 = database.disk.trace.filter { $0.contains(" read ") && $0.contains(".segment") }
        }
        #expect(hashed.withLock { $0 } == [], "the hash of a segment is taken at sealing")
        #expect(try database.database.verify(second.name).points == 59)
        #expect(try database.database.listSnapshots(of: nil).count == 2)
    }

    @Test func anEmptyCollectionHasASnapshotToo() throws {
        let database = try TestDatabase()
        try database.create()
        let snapshot = try database.database.snapshot()
        #expect(snapshot.lsn == .zero && snapshot.points == 0)
        #expect(try database.database.verify(snapshot.name).probes == 0)
        #expect(try database.database.restore(snapshot.name, as: "d").points == 0)
        #expect(try database.collection("d").upsert([point(1, [1, 2, 3, 4])]).lsn == LSN(1))
    }

    /// Points and probes are judged by the snapshot's own time, also when they have expired since.
    @Test func whatHasExpiredSinceIsNoDamage() throws {
        let database = try filled()
        let snapshot = try database.database.snapshot()
        database.clock.advance(10_000)
        #expect(try database.database.verify(snapshot.name).points == 58)
        #expect(try database.database.restore(snapshot.name, as: "d").points == 56)
    }

    @Test func namesInUseAreRefused() throws {
        let database = try filled()
        let snapshot = try database.database.snapshot()
        let error = #expect(throws: DatabaseError.self) {
            try database.database.restore(snapshot.name, as: "c")
        }
        #expect(error?.kind == .alreadyExists && error?.at == "as")
        #expect(throws: SnapshotDirectory.notFound("none")) { try database.database.restore("none", as: "d") }
        #expect(throws: SnapshotDirectory.notFound("none")) { try database.database.verify("none") }
        #expect(throws: SnapshotDirectory.notFound("none")) { try database.database.deleteSnapshot("none") }
        try database.expectNoLeftovers(1, 1)
        let second = try database.database.snapshot()
        #expect(second.name == "\(snapshot.name)-2")
        try database.database.deleteSnapshot(snapshot.name)
        #expect(try database.database.listSnapshots(of: nil).map(\.name) == [second.name])
        #expect(try database.database.verify(second.name).points == 58)
    }

    /// Writers go on while snapshots are taken: each shows exactly the writes up to its LSN.
    @Test(arguments: [Durability.fsync, .os]) func aSnapshotShowsOneMoment(durability: Durability) throws {
        let options = TestDatabase.snapshotOptions
        let database = try TestDatabase(options: options)
        try database.create(size: 3, durability: durability)
        let collection = try database.collection()
        try collection.upsert([point(0, [1, 0, 0])])
        let isOver = Atomic<Bool>(false)
        let writer = WriterThread {
            var id: UInt64 = 1
            while !isOver.load(ordering: .relaxed) {
                // Write n + 1 brings point n and takes away point n - 3: a snapshot tells which writes it has.
                try collection.upsert([point(id, [1, Float(id), 0])])
                if id % 40 == 0 { _ = collection.optimize() }
                id += 1
            }
        }
        var snapshots: [SnapshotDescription] = []
        for _ in 0..<8 {
            _ = database.database.maintain(context: OperationContext())
            snapshots.append(try database.database.snapshot())
        }
        isOver.store(true, ordering: .relaxed)
        try writer.join()
        for snapshot in snapshots {
            #expect(snapshot.points == Int(snapshot.lsn.value))
            let name = "r-\(snapshot.name)"
            try database.database.restore(snapshot.name, as: name)
            let records = try database.collection(name).scrollAll(limit: 500)
            #expect(records.map(\.id) == (0..<snapshot.lsn.value).map { PointID($0) })
            #expect(records.map(\.version.value) == Array(1...snapshot.lsn.value))
        }
    }

    @Test func aCancelledJobLeavesNothing() throws {
        let database = try filled()
        let snapshot = try database.database.snapshot()
        var steps = 0
        // Cancelled at the first, a later, a yet later step, until it is over before.
        for kind in ["snapshot", "verify", "restore"] {
            for step in stride(from: 1, to: 1_000, by: 23) {
                let context = OperationContext()
                let count = Atomic<Int>(0)
                let work = database.database.beginSnapshotWork(kind, collection: "c", context: context) { _ in
                    if count.add(1, ordering: .relaxed).newValue == step { context.cancel() }
                }
                do {
                    switch kind {
                    case "snapshot":
                        let made = try database.database.createSnapshot(of: "c", work: work)
                        try database.database.deleteSnapshot(made.name)
                    case "verify": _ = try database.database.verifySnapshot(snapshot.name, work: work)
                    default:
                        _ = try database.database.restoreSnapshot(
                            snapshot.name, as: "d", to: .snapshot, work: work)
                        try database.database.dropCollection(named: "d")
                    }
                    #expect(work.progress.state == .done)
                    try database.expectNoLeftovers(1, 1)
                    break
                } catch {
                    #expect((error as? DatabaseError)?.kind == .cancelled)
                    #expect(work.progress.state == .cancelled)
                    try database.expectNoLeftovers(1, 1)
                    steps += 1
                }
            }
        }
        #expect(steps > 10)
        #expect(database.database.jobs().contains { $0.kind == "optimize" })
    }

    @Test func aJobIsCancelledByItsName() throws {
        let database = try filled()
        let context = OperationContext()
        let work = database.database.beginSnapshotWork("snapshot", collection: "c", context: context)
        let id = try #require(database.database.jobs().first { $0.kind == "snapshot" }?.id)
        #expect(database.database.job(id)?.phase == "waiting")
        #expect(database.database.cancelJob("none") == nil)
        #expect(database.database.cancelJob(id)?.id == id)
        #expect(throws: DatabaseError.self) { try database.database.createSnapshot(of: "c", work: work) }
        #expect(database.database.job(id)?.state == .cancelled)
        let optimize = try database.collection().optimize()
        #expect(database.database.cancelJob(optimize.id) != nil)
        #expect(database.database.job(optimize.id)?.state == .cancelled)
    }
}

/// A thread that writes until it is told to stop.
private final class WriterThread: Sendable {
    private let body: @Sendable () throws -> Void
    private let failure = Mutex<(any Error)?>(nil)
    private let handle = Mutex<pthread_t?>(nil)

    init(_ body: @escaping @Sendable () throws -> Void) {
        self.body = body
        var thread = pthread_t()
        let status = pthread_create(
            &thread, nil,
            { argument in
                // SAFETY: retained below, released here, once.
                // swift-format-ignore: NeverForceUnwrap
                Unmanaged<WriterThread>.fromOpaque(argument!).takeRetainedValue().run()
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        precondition(status == 0, "a thread")
        handle.withLock { [thread] in $0 = thread }
    }

    private func run() {
        do { try body() } catch { failure.withLock { [error] in $0 = error } }
    }

    func join() throws {
        if let thread = handle.withLock({ $0 }) { pthread_join(thread, nil) }
        if let error = failure.withLock({ $0 }) { throw error }
    }
}
