import NeedleCore
import NeedleStorage
import SimulationKit
import Testing

@Suite struct SegmentTests {
    private let path = "4.segment"

    @Test(arguments: [0, 1, 2, 63, 64, 65, 700])
    func everythingComesBack(rows: Int) throws {
        let disk = SimulatedFileSystem()
        let sample = SegmentSample(rows: rows, seed: UInt64(rows))
        let file = try sample.write(disk, path)
        #expect(file.byteCount == disk.content(of: path)?.count)
        let reader = try SegmentSample.open(disk, path)
        #expect(try sample.matches(reader))
        #expect(reader.header == sample.header)
        #expect(try reader.lookup(PointID("nobody")) == nil)
        #expect(try reader.lookup(PointID(3)) == nil)
        let order = try (0..<rows).map { try reader.id(at: reader.row(inIDOrder: $0)) }
        #expect(order == sample.ids.sorted())
        for id in sample.ids.prefix(20) + [PointID(0), PointID("zzz")] {
            #expect(try reader.firstPlace(notBefore: id) == order.firstIndex { !($0 < id) } ?? rows)
        }
    }

    @Test func ofTwoRowsWithOneIDTheLaterIsFound() throws {
        let disk = SimulatedFileSystem()
        var sample = SegmentSample(rows: 40, seed: 9)
        sample.ids[30] = sample.ids[3]
        sample.ids[35] = sample.ids[4]
        try sample.write(disk, path)
        let reader = try SegmentSample.open(disk, path)
        #expect(try reader.lookup(sample.ids[3]) == 30)
        #expect(try reader.lookup(sample.ids[4]) == 35)
        let order = try (0..<40).map { try reader.row(inIDOrder: $0) }
        #expect(try #require(order.firstIndex(of: 3)) + 1 == order.firstIndex(of: 30))
    }

    @Test func bigSectionsBeginOnAPageAndSpanBlocks() throws {
        let disk = SimulatedFileSystem()
        let sample = SegmentSample(rows: 8000, seed: 1)
        try sample.write(disk, path)
        let reader = try SegmentSample.open(disk, path)
        let vectors = try #require(reader.section(.vectors, space: 0))
        #expect(vectors.offset % 4096 == 0)
        #expect(vectors.byteCount == 96_000)
        #expect(reader.blockBytes == 8_192 && reader.blockCount > 32)
        #expect(reader.sections.allSatisfy { $0.offset % 64 == 0 })
        #expect(!reader.isFullyVerified)
        try reader.verify(0..<reader.byteCount)
        #expect(reader.isFullyVerified)
        #expect(try reader.lookup(sample.ids[7999]) == 7999)
    }

    @Test func aBlockIsCheckedBeforeItsFirstUse() throws {
        let disk = SimulatedFileSystem()
        let sample = SegmentSample(rows: 8000, seed: 2)
        try sample.write(disk, path)
        let ids = try SegmentSample.open(disk, path)
        let vectors = try #require(ids.section(.vectors, space: 0))
        disk.flip(path, at: vectors.offset + vectors.byteCount / 2)
        let reader = try SegmentSample.open(disk, path)
        #expect(try reader.lookup(sample.ids[5]) == 5, "undamaged structures serve on")
        let error = #expect(throws: DatabaseError.self) { try reader.verify(vectors) }
        #expect(error?.kind == .corruption)
        let record = try #require(reader.section(.rowIDs)).offset + 16 * 7000
        disk.flip(path, at: record)
        let again = try SegmentSample.open(disk, path)
        #expect(throws: DatabaseError.self) { try again.id(at: 7000) }
        // A block that was checked is damaged later: scrub finds it.
        try ids.scrub(0..<1)
        disk.flip(path, at: 5000)
        #expect(throws: DatabaseError.self) { try ids.scrub(0..<1) }
    }

    @Test func everyFlippedByteIsFoundOrHarmless() throws {
        let disk = SimulatedFileSystem()
        let sample = SegmentSample.golden
        try sample.write(disk, path)
        let original = try #require(disk.content(of: path))
        for offset in 0..<original.count where offset < 420 || offset > 4080 || offset % 97 == 0 {
            for mask: UInt8 in [1, 0xFF] {
                disk.flip(path, at: offset, mask: mask)
                do {
                    let isSame = try sample.matches(try SegmentSample.open(disk, path))
                    Issue.record("byte \(offset) flipped unnoticed, content \(isSame ? "same" : "wrong")")
                } catch {
                    #expect(error.kind == .corruption || error.message.contains("format"), "\(error)")
                }
                disk.flip(path, at: offset, mask: mask)
            }
        }
        #expect(disk.mappingCount == 0)
        #expect(disk.openHandleCount == 0)
    }

    @Test func everyTruncationAndExtensionIsFound() throws {
        let disk = SimulatedFileSystem()
        try SegmentSample.golden.write(disk, path)
        let original = try #require(disk.content(of: path))
        for length in Array(stride(from: 0, to: original.count, by: 61)) + [
            original.count - 1, original.count + 1,
        ] {
            let copy = SimulatedFileSystem()
            copy.put(Array((original + [0]).prefix(length)), at: path)
            let error = #expect(throws: DatabaseError.self) { _ = try SegmentSample.open(copy, path) }
            #expect(error?.kind == .corruption)
        }
    }

    @Test func strangersAreRefused() throws {
        let disk = SimulatedFileSystem()
        try SegmentSample.golden.write(disk, path)
        #expect(throws: DatabaseError.self) {
            _ = try SegmentReader(disk, path: path, incarnation: SegmentSample.incarnation, segmentID: 5)
        }
        let other = Incarnation(bytes: Array(repeating: 0, count: 16))
        #expect(throws: DatabaseError.self) {
            _ = try SegmentReader(disk, path: path, incarnation: other, segmentID: 4)
        }
        disk.flip(path, at: 12, mask: 2)
        let damaged = #expect(throws: DatabaseError.self) { _ = try SegmentSample.open(disk, path) }
        #expect(damaged?.kind == .corruption, "a damaged version is not another version")
        var bytes = try #require(disk.content(of: path))
        withUnsafeBytes(of: CRC32C.checksum(Array(bytes[..<4092]))) {
            bytes.replaceSubrange(4092..<4096, with: $0)
        }
        let newer = SimulatedFileSystem()
        newer.put(bytes, at: path)
        let error = #expect(throws: DatabaseError.self) { _ = try SegmentSample.open(newer, path) }
        #expect(error?.message.contains("segment format features 0x2") == true)
    }

    @Test func aWriterThatFailsLeavesNothingBehind() throws {
        let sample = SegmentSample.golden
        let counting = SimulatedFileSystem()
        try sample.write(counting, path)
        for point in 1...counting.operationCount {
            let disk = SimulatedFileSystem()
            disk.plan(Fault(.diskFull, at: point))
            do {
                try sample.write(disk, path)
            } catch {
                #expect(error.kind == .diskFull)
                // Only the sync of the directory comes after the file got its name.
                let isNamed = try disk.kind(of: path) != nil
                #expect(!isNamed || point == counting.operationCount)
            }
            #expect(disk.openHandleCount == 0, "operation \(point)")
            #expect(try sample.matches(reopened(disk, sample)))
        }
    }

    private func reopened(_ disk: SimulatedFileSystem, _ sample: SegmentSample) throws -> SegmentReader {
        try disk.unlinkIfPresent(path)
        try sample.write(disk, path)
        return try SegmentSample.open(disk, path)
    }

    @Test(arguments: LossModel.allCases) func aNamedSegmentIsWholeAfterACrash(model: LossModel) throws {
        let sample = SegmentSample.golden
        let counting = SimulatedFileSystem()
        try sample.write(counting, path)
        for point in 1...(counting.operationCount + 1) {
            let disk = SimulatedFileSystem()
            disk.plan(Fault(.crash, at: point))
            var isDone = true
            do { try sample.write(disk, path) } catch { isDone = false }
            var generator = SeededGenerator(seed: UInt64(point))
            disk.crash(model, using: &generator)
            if try disk.exists(path) {
                #expect(try sample.matches(try SegmentSample.open(disk, path)))
            } else {
                #expect(!isDone, "a finished segment is durable")
            }
        }
    }
}
