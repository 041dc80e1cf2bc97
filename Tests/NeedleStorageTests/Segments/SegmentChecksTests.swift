import NeedleCore
import NeedleStorage
import SimulationKit
import Testing

/// What a segment's reader remembers of the blocks it checked (invariant 6).
@Suite struct SegmentChecksTests {
    private let path = "4.segment"
    private let disk = SimulatedFileSystem()
    private let sample = SegmentSample(rows: 8000, seed: 3)
    private let reader: SegmentReader

    init() throws {
        try sample.write(disk, path)
        reader = try SegmentSample.open(disk, path)
    }

    private func middle(_ kind: SectionKind, space: Int? = nil) throws -> Int {
        let range = try #require(reader.section(kind, space: space)).range
        return range.lowerBound + range.count / 2
    }

    @Test func damageIsRememberedWithItsPlaceAndItsSections() throws {
        let vectors = try #require(reader.section(.vectors, space: 0))
        let place = try middle(.vectors, space: 0)
        disk.flip(path, at: place)
        #expect(!reader.hasDamage && reader.damage.isEmpty)
        #expect(throws: DatabaseError.self) { try reader.verify(vectors) }
        let damage = try #require(reader.damage.first)
        #expect(reader.damage.count == 1 && damage.range.contains(place))
        #expect(damage.sections.contains { $0.kind == .vectors } && reader.isDamaged(vectors))
        #expect(damage.error.message.contains("offset \(damage.range.lowerBound)"))
        disk.flip(path, at: place)
        #expect(throws: DatabaseError.self, "until it is opened again") { try reader.verify(vectors) }
        try SegmentSample.open(disk, path).verify(vectors)
    }

    @Test func onePassFindsAllDamageAndEnds() throws {
        let places = [try middle(.rowIDs), try middle(.payloadHeap), try middle(.vectors, space: 0)]
        for place in places { disk.flip(path, at: place) }
        var bytes = 0
        while let count = reader.verifyNext(bytes: 1) { bytes += count }
        #expect(reader.isPassOver && !reader.isFullyVerified)
        #expect(bytes > 64 << 10 && bytes < reader.byteCount)
        #expect(Set(reader.damage.map(\.range)).count == Set(places.map { $0 / reader.blockBytes }).count)
        #expect(places.allSatisfy { place in reader.damage.contains { $0.range.contains(place) } })
    }

    @Test func aWholeFileNeedsNoChecksAndNoHandle() throws {
        while reader.verifyNext(bytes: 20_000) != nil {}
        #expect(reader.isFullyVerified && reader.isPassOver && !reader.hasDamage)
        let before = disk.operationCount
        try reader.verify(0..<reader.byteCount)
        #expect(try reader.lookup(sample.ids[17]) == 17)
        #expect(disk.operationCount == before, "nothing is read again")
        #expect(disk.openHandleCount == 0)
    }

    @Test func scrubTakesBackWhatWasVerified() throws {
        while reader.verifyNext(bytes: 4 << 20) != nil {}
        disk.flip(path, at: try middle(.payloadHeap))
        #expect(throws: DatabaseError.self) { try reader.scrub(0..<reader.blockCount) }
        #expect(!reader.isFullyVerified && reader.damage.count == 1)
        #expect(throws: DatabaseError.self) { try reader.payload(at: sample.ids.count / 2) }
        reader.closeFile()
        #expect(disk.openHandleCount == 0)
    }

    @Test func aBlockThatCannotBeReadOnceIsReadAgain() throws {
        disk.plan(Fault(.ioError, at: 1))
        try reader.verify(0..<4096)
        disk.plan(Fault(.ioError, at: 1, isPermanent: true))
        #expect(throws: DatabaseError.self) { try reader.verify(0..<reader.byteCount) }
        disk.plan()
        #expect(reader.damage.first?.error.message.contains("cannot be read") == true)
    }

    @Test func aFileThatCannotBeOpenedIsNoDamage() throws {
        reader.closeFile()
        disk.plan(Fault(.ioError, at: 1, isPermanent: true))
        let error = #expect(throws: DatabaseError.self) { try reader.scrub(0..<1) }
        #expect(error?.kind == .storageFailed && !reader.hasDamage)
        disk.plan()
        try reader.scrub(0..<reader.blockCount)
    }

    @Test func idsAreFoundWithoutTheirTable() throws {
        disk.flip(path, at: try middle(.idHash))
        #expect(throws: DatabaseError.self) { try reader.verify(try #require(reader.section(.idHash))) }
        #expect(reader.isIDTableDamaged)
        for row in [0, 4321, 7999] { #expect(try reader.lastRow(of: sample.ids[row]) == row) }
        #expect(try reader.lastRow(of: PointID("nobody")) == nil)
    }

    @Test func threadsShareThePass() async throws {
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask { while reader.verifyNext(bytes: 1) != nil {} }
            }
        }
        #expect(reader.isFullyVerified)
    }

    @Test func aBlockThatTheDiskDoesNotGiveIsTriedAgain() throws {
        disk.plan(Fault(.ioError, at: 1, isPermanent: true))
        let section = try #require(reader.section(.vectors, space: 0))
        for _ in 0..<2 {
            let error = #expect(throws: DatabaseError.self) { try reader.verify(section) }
            #expect(error?.kind == .storageFailed && error?.message.contains("cannot be read") == true)
        }
        #expect(reader.hasDamage && reader.isDamaged(section), "it cannot be used")
        #expect(reader.hasUnreadableBlocks && !reader.retryUnreadable())
        disk.plan()
        #expect(reader.retryUnreadable() && !reader.hasUnreadableBlocks)
        #expect(!reader.hasDamage && !reader.isDamaged(section))
        try reader.verify(0..<reader.byteCount)
        #expect(reader.isFullyVerified)
    }

    @Test func whatScrubCouldNotReadIsNotDamage() throws {
        while reader.verifyNext(bytes: 4 << 20) != nil {}
        #expect(reader.isFullyVerified)
        disk.plan(
            Fault(.ioError, at: 1), Fault(.ioError, at: 2), Fault(.ioError, at: 3), Fault(.ioError, at: 4))
        _ = #expect(throws: DatabaseError.self) { try reader.scrub(0..<reader.blockCount) }
        disk.plan()
        try reader.scrub(0..<reader.blockCount)
        #expect(!reader.hasDamage)
        try reader.verify(0..<reader.byteCount)
        #expect(reader.isFullyVerified)
    }

    @Test func aBlockThatIsReadAtLastCanBeDamaged() throws {
        disk.plan(Fault(.ioError, at: 1, isPermanent: true))
        while reader.verifyNext(bytes: 4 << 20) != nil {}
        #expect(reader.damage.count == reader.blockCount)
        disk.plan()
        disk.flip(path, at: try middle(.payloadHeap))
        #expect(reader.retryUnreadable())
        #expect(reader.damage.map(\.error.kind) == [.corruption])
    }
}
