import NeedleCore
import NeedleEngine
import NeedleStorage
import SimulationKit
import Testing

/// What goes on, and what does not, when a part of one segment is damaged.
@Suite struct QuarantineTests {
    private let bench: DamageBench
    private let disk: SimulatedFileSystem
    /// The segment with the first 220 rows.
    private let path: String
    private let reader: SegmentReader

    init() throws {
        bench = try DamageBench.shared.get()
        disk = bench.disk.clone()
        path = try #require(try bench.files(".segment").first)
        reader = try bench.reader(of: path)
    }

    private func flipMiddle(_ kind: SectionKind, space: Int? = nil, at share: Double = 0.5) throws {
        let range = try #require(reader.section(kind, space: space)).range
        disk.flip(path, at: range.lowerBound + Int(Double(range.count) * share))
    }

    /// In a block that holds only parts of the graph.
    ///
    /// - Returns: where the block begins.
    @discardableResult
    private func flipGraph() throws -> Int {
        let nodes = try #require(reader.section(.graphNodes, space: 0)).range
        let block = (nodes.upperBound - 100) / reader.blockBytes * reader.blockBytes
        try #require(nodes.contains(block), "the block begins in the graph")
        disk.flip(path, at: nodes.upperBound - 100)
        return block
    }

    private func newPoint(_ id: UInt64, seed: UInt64 = 9) -> PointWrite {
        point(id, clusteredVectors(1, dimension: DamageBench.size, seed: seed)[0], "{\"new\":true}")
    }

    // MARK: Derived

    @Test func aDamagedGraphIsRebuiltAndSearchesAreExactMeanwhile() throws {
        let block = try flipGraph()
        let database = try bench.open(disk)
        let collection = try database.collection()
        let before = try bench.compare(database)
        #expect(before.wrong.isEmpty && !before.isTold, "\(before)")
        let summary = try #require(database.database.summaries().first)
        #expect(summary.state == .degraded)
        #expect(
            summary.reason?.contains("offset \(block)") == true && summary.reason?.contains("rebuilt") == true
        )
        #expect(summary.reason?.contains("db/") == false, "not where the data lies: \(summary)")
        database.settle()
        #expect(database.database.summaries().first?.state == .ready)
        #expect(try bench.files(".segment") != disk.list(directory).filter { $0.hasSuffix(".segment") })
        let after = try bench.compare(database)
        #expect(after.wrong.isEmpty && !after.isTold, "\(after)")
        let found = try collection.search(bench.queries[0], limit: 3, effort: .ef(64))
        #expect(found.strategy != .exact, "a graph is there again")
        try database.reopen()
        #expect(database.database.summaries().first?.state == .ready)
    }

    private var directory: String { path.split(separator: "/").dropLast().joined(separator: "/") }

    /// Found by the 10,000 flips: scrub looked at the blocks only, and the next start could not open the segment.
    @Test(arguments: [0, 300, 4_090, -1, -5])
    func aHeaderOrTableDamagedUnderARunningServerIsFoundByScrubAndWrittenAnew(at offset: Int) throws {
        let database = try bench.open(disk)
        database.settle()
        disk.flip(path, at: offset >= 0 ? offset : reader.byteCount + offset)
        let collection = try database.collection()
        let job = collection.scrub()
        database.settle()
        #expect(collection.job(job.id)?.state == .failed)
        #expect(database.database.summaries().first?.state == .ready, "already rewritten")
        try database.reopen()
        let verdict = try bench.compare(database)
        #expect(verdict.wrong.isEmpty && !verdict.isTold, "nothing is lost: \(verdict)")
    }

    @Test func aGraphDamagedUnderARunningServerIsFoundByScrubAndRebuilt() throws {
        let database = try bench.open(disk)
        database.settle()
        let block = try flipGraph() / reader.blockBytes
        let collection = try database.collection()
        let job = collection.scrub()
        database.settle()
        let ended = try #require(collection.job(job.id))
        #expect(
            ended.state == .failed && ended.error?.contains("block \(block) has the wrong checksum") == true)
        #expect(database.database.summaries().first?.state == .ready, "already rebuilt")
        #expect(try bench.compare(database).isTold == false)
        let again = collection.scrub()
        database.settle()
        #expect(collection.job(again.id)?.state == .done)
    }

    /// Right checksums, and numbers that cannot be.
    @Test func aGraphThatCannotBeWhatItSaysIsRebuilt() throws {
        // Entry row beyond the rows.
        let place = try #require(reader.section(.graphScalars, space: 0)).offset + 12
        try disk.forgeSegment(path) { bytes in
            bytes.replaceSubrange(place..<(place + 4), with: [0xFF, 0xFF, 0xFF, 0x7F])
        }
        let database = try bench.open(disk)
        #expect(database.database.summaries().first?.state == .degraded)
        #expect(try bench.compare(database).wrong.isEmpty)
        database.settle()
        #expect(database.database.summaries().first?.state == .ready)
        #expect(try bench.compare(database).isTold == false)
    }

    // MARK: Originals

    @Test(arguments: [SectionKind.payloadHeap, .rowIDs, .versions])
    func damagedOriginalsQuarantineTheirSegmentOnly(kind: SectionKind) throws {
        try flipMiddle(kind)
        let database = try bench.open(disk)
        database.settle()
        let collection = try database.collection()
        let verdict = try bench.compare(database)
        #expect(verdict.wrong.isEmpty && verdict.isTold, "\(verdict)")
        let result = try collection.search(bench.queries[0], limit: 5)
        #expect(!result.complete && result.hits.count == 5, "the other segments serve")
        let lost = #expect(throws: DatabaseError.self) { try collection.get([PointID(110)]) }
        #expect(lost?.kind == .corruption)
        #expect(try collection.get([PointID(400)]).points.count == 1)
        #expect(throws: DatabaseError.self) { try collection.scrollAll() }
        let summary = try #require(database.database.summaries().first)
        #expect(summary.state == .degraded && summary.reason?.contains("not served") == true)
        #expect(throws: DatabaseError.self, "a snapshot is whole") { try database.database.snapshot() }
    }

    @Test func theRestOfTheServerDoesNotNotice() throws {
        let database = try bench.open(disk)
        let other = try database.create("other", size: 4)
        try other.upsert([point(1, [1, 0, 0, 0])])
        try flipMiddle(.payloadHeap)
        try database.reopen()
        database.settle()
        let states = database.database.summaries().map(\.state)
        #expect(states == [.degraded, .ready])
        #expect(try database.collection("other").search([1, 0, 0, 0], limit: 1).complete)
    }

    @Test func writesGoOnBesideADamagedSegment() throws {
        try flipMiddle(.rowIDs)
        let database = try bench.open(disk)
        database.settle()
        let collection = try database.collection()
        // Whether 2 lived in the damaged segment cannot be told: the new version is served, the old one is not.
        let receipt = try collection.upsert([newPoint(2), newPoint(5000)])
        #expect(receipt.created == 2)
        for id in [PointID(2), PointID(5000)] {
            #expect(try collection.get([id]).points.first?.payload?.text == "{\"new\":true}")
        }
        let nearest = try collection.search(newPoint(2).vectors.values, limit: 2)
        #expect(Set(nearest.ids) == [PointID(2), PointID(5000)] && !nearest.complete)
        #expect(throws: DatabaseError.self) { try collection.count() }
        // What depends on the answer is refused, and changes nothing.
        for refused in [{ try collection.delete(.ids([PointID(8)])) }, { try collection.delete(.all) }] {
            let error = #expect(throws: DatabaseError.self) { _ = try refused() }
            #expect(error?.kind == .corruption)
        }
        let conditional = #expect(throws: DatabaseError.self) {
            try collection.upsert([self.newPoint(8)], ifAbsent: true)
        }
        #expect(conditional?.kind == .corruption)
        #expect(try collection.delete(.ids([PointID(400)])).deleted == 1)
        // All of it is in the log, and the log is replayed beside the same damage.
        try database.reopen()
        database.settle()
        let again = try database.collection()
        #expect(try again.get([PointID(2), PointID(5000)]).points.count == 2)
        #expect(try again.search(newPoint(2).vectors.values, limit: 2).ids == nearest.ids)
        _ = again.optimize()
        database.settle()
        #expect(try disk.list(directory).contains(String(path.split(separator: "/")[3])), "kept for a repair")
        try database.reopen()
        #expect(try database.collection().get([PointID(2), PointID(5000)]).points.count == 2)
        #expect(database.database.summaries().first?.state == .degraded)
    }

    @Test(arguments: [0, 100, 4095])
    func aSegmentThatCannotBeOpenedIsLeftOutAndKept(offset: Int) throws {
        disk.flip(path, at: offset)
        try expectLeftOut()
    }

    @Test func aMissingSegmentIsLeftOut() throws {
        try disk.unlink(path)
        try expectLeftOut(isKept: false)
    }

    @Test func damagedDeletionsQuarantineTheirSegmentOnly() throws {
        let deletions = try #require(try bench.files(".deletions").first)
        disk.flip(deletions, at: 90)
        try expectLeftOut(isKept: false)
        disk.flip(deletions, at: 90)
        let database = try bench.open(disk)
        database.settle()
        #expect(try bench.compare(database).isTold == false, "the file was kept, and repaired by hand")
    }

    private func expectLeftOut(isKept: Bool = true) throws {
        let database = try bench.open(disk)
        database.settle()
        let verdict = try bench.compare(database)
        #expect(verdict.wrong.isEmpty && verdict.isTold, "\(verdict)")
        let collection = try database.collection()
        #expect(try collection.search(bench.queries[0], limit: 5).complete == false)
        #expect(try collection.get([PointID(400)]).points.count == 1)
        #expect(throws: DatabaseError.self) { try collection.get([PointID(2)]) }
        #expect(throws: DatabaseError.self) { try collection.count() }
        #expect(database.database.summaries().first?.state == .degraded)
        // Through a checkpoint and another start.
        try collection.upsert((600..<800).map { newPoint(UInt64($0), seed: UInt64($0)) })
        _ = collection.optimize()
        database.settle()
        #expect(try disk.kind(of: path) == (isKept ? .file : disk.kind(of: path)))
        try database.reopen()
        #expect(try database.collection().get([PointID(700)]).points.count == 1)
        #expect(try database.collection().search(bench.queries[0], limit: 5).complete == false)
    }

    // MARK: The disk

    /// A scrub that opens a segment and can read nothing of it.
    private func scrubWithoutDisk(_ database: TestDatabase) throws {
        database.settle()
        _ = try database.collection().scrub()
        disk.plan(Fault(.ioError, at: 2, isPermanent: true))
        database.settle()
    }

    /// What the disk does not give is the disk's failure: nothing is known of its content, so it is tried again.
    @Test func aBlockThatCannotBeReadIsNoDamage() throws {
        let database = try bench.open(disk)
        try scrubWithoutDisk(database)
        let files = try bench.files(".segment")
        let summary = try #require(database.database.summaries().first)
        #expect(
            summary.state == .degraded && summary.reason?.contains("cannot be read") == true, "\(summary)")
        #expect(summary.reason?.contains("backup") == false, "\(summary)")
        let verdict = try bench.compare(database)
        #expect(verdict.wrong.allSatisfy { $0.hasPrefix("storage_failed") } && verdict.isTold, "\(verdict)")
        let error = #expect(throws: DatabaseError.self) {
            try database.collection().get((0..<200 as Range<UInt64>).map { PointID($0) })
        }
        #expect(error?.kind == .storageFailed, "\(String(describing: error))")
        disk.plan()
        database.clock.advance(60_000)
        database.settle()
        #expect(database.database.summaries().first?.state == .ready)
        #expect(try bench.compare(database).isTold == false, "the disk answers again")
        #expect(try bench.files(".segment") == files, "nothing was written anew")
    }

    /// The point in the unread block counted as lost, so the write was taken as a creation; when the disk gave the block
    /// after all, the point was there twice.
    @Test func aWriteWhileABlockCannotBeReadMakesNoSecondPoint() throws {
        let database = try bench.open(disk)
        let collection = try database.collection()
        try scrubWithoutDisk(database)
        let error = #expect(throws: DatabaseError.self) { try collection.upsert([newPoint(2)]) }
        #expect(error?.kind == .storageFailed, "\(String(describing: error))")
        disk.plan()
        #expect(try collection.upsert([newPoint(2)]).updated == 1, "nothing was logged before")
        try database.reopen()
        database.settle()
        let ids = try database.collection().scrollAll().map(\.id)
        #expect(ids.count { $0 == PointID(2) } == 1)
    }

    @Test func damageThatWasReadStaysDamage() throws {
        try flipMiddle(.payloadHeap)
        let database = try bench.open(disk)
        database.settle()
        #expect(database.database.summaries().first?.reason?.contains("backup") == true)
        _ = try database.collection().scrub()
        disk.plan(Fault(.ioError, at: 1, isPermanent: true))
        database.settle()
        disk.plan()
        database.clock.advance(60_000)
        database.settle()
        #expect(database.database.summaries().first?.reason?.contains("backup") == true)
    }

    @Test func scrubComesByItselfWhenItIsTime() throws {
        let clock = TestClock()
        var options = bench.options
        options.scrubIntervalMS = 1000
        let database = try TestDatabase(disk: disk, clock: clock, options: options)
        database.settle()
        try flipMiddle(.payloadHeap)
        database.settle()
        #expect(try database.collection().search(bench.queries[0]).complete, "not found yet")
        let pause = try #require(database.database.maintenancePause)
        #expect(pause <= 1_000_000_000)
        clock.advance(1001)
        database.settle()
        #expect(try database.collection().search(bench.queries[0]).complete == false)
    }
}

extension VectorInput {
    fileprivate var values: [Float] {
        if case .single(let values) = self { values } else { [] }
    }
}
