import NeedleCore
import NeedleStorage
import SimulationKit
import Testing

/// Invariant 4: a torn tail is cut, damage in the middle is an error, and neither is taken for the other.
@Suite struct LogDamageTests {
    private func makeDisk(closed: Bool = false, rollBytes: Int = 1 << 20) throws -> SimulatedFileSystem {
        let disk = SimulatedFileSystem()
        try disk.ensureDirectory("log")
        let log = try LocalLog.create(
            disk, directory: "log", incarnation: LogScript.incarnation, saltSeed: 1,
            options: LogOptions(rollBytes: rollBytes))
        for lsn in 1...4 {
            _ = try log.append(lsn: LSN(UInt64(lsn)), timeMS: 0, bodies: LogScript.bodies(LSN(UInt64(lsn))))
            if lsn % 2 == 0 { _ = try log.sync() }
        }
        if closed { try log.close() }
        return disk
    }

    private func open(_ disk: SimulatedFileSystem) throws(DatabaseError) -> LocalLog {
        try LogScript.open(disk, trimmed: .zero)
    }

    private func expected(_ count: Int = 4) -> [LogScript.Write] {
        (1...count).map { LogScript.Write(lsn: LSN(UInt64($0)), bodies: LogScript.bodies(LSN(UInt64($0)))) }
    }

    @Test(arguments: [(false, 1 << 20), (true, 1 << 20), (false, 300)], [UInt8(1), 0x80, 0xFF])
    func everyFlippedByteIsFoundOrHarmless(shape: (closed: Bool, rollBytes: Int), mask: UInt8) throws {
        let disk = try makeDisk(closed: shape.closed, rollBytes: shape.rollBytes)
        var found = 0
        for name in try disk.list("log") {
            let path = "log/\(name)"
            for offset in 0..<(disk.content(of: path)?.count ?? 0) {
                let copy = disk.clone()
                copy.flip(path, at: offset, mask: mask)
                do {
                    let writes = try LogScript.writes(in: try open(copy), from: LSN(1))
                    #expect(writes == expected(), "byte \(offset) of \(name) changed the content unnoticed")
                } catch {
                    found += 1
                    #expect(error.kind == .corruption || error.message.contains("format"), "\(error)")
                }
            }
        }
        #expect(found > 400)
    }

    @Test func everyTruncationIsFoundOrATornTail() throws {
        let disk = try makeDisk()
        let path = "log/00000000000000000001.log"
        let content = try #require(disk.content(of: path))
        for length in 0..<content.count {
            let copy = SimulatedFileSystem()
            try copy.ensureDirectory("log")
            copy.put(Array(content.prefix(length)), at: path)
            do {
                let writes = try LogScript.writes(in: try open(copy), from: LSN(1))
                #expect(writes == Array(expected().prefix(writes.count)))
            } catch {
                #expect(error.kind == .corruption)
                #expect(length < 128, "only a header cannot be cut by a crash")
            }
        }
    }

    @Test func unsyncedTailsAreCutWithoutComplaint() throws {
        let disk = try makeDisk()
        let log = try open(disk)
        _ = try log.append(lsn: LSN(5), timeMS: 0, bodies: [Array(repeating: 5, count: 2000)])
        _ = try log.append(lsn: LSN(6), timeMS: 0, bodies: [[6]])
        try log.flush()
        let path = "log/00000000000000000001.log"
        let size = try #require(disk.content(of: path)).count
        for offset in stride(from: size - 1, to: size - 2100, by: -37) {
            let copy = disk.clone()
            copy.flip(path, at: offset)
            let again = try open(copy)
            let writes = try LogScript.writes(in: again, from: LSN(1))
            #expect(writes.prefix(4) == expected().prefix(4))
            #expect(writes.count < 6)
            #expect(again.tornBytes > 0)
        }
    }

    @Test func aWriteWithoutItsCommitFrameIsNoWrite() throws {
        let disk = try makeDisk()
        let log = try open(disk)
        _ = try log.append(lsn: LSN(5), timeMS: 0, bodies: [[1], [2], [3]])
        try log.flush()
        let path = "log/00000000000000000001.log"
        let content = try #require(disk.content(of: path))
        let cut = SimulatedFileSystem()
        try cut.ensureDirectory("log")
        cut.put(Array(content.dropLast(48)), at: path)
        let again = try open(cut)
        #expect(try LogScript.writes(in: again, from: LSN(1)) == expected())
        #expect(again.tornBytes == 96)
    }

    @Test func bytesOfAnotherFileNeverValidate() throws {
        let disk = try makeDisk()
        let path = "log/00000000000000000001.log"
        let original = try #require(disk.content(of: path))
        _ = try open(disk)
        let copied = try #require(disk.content(of: path))
        #expect(original.count == copied.count, "offsets are kept")
        // The new header before the old frames: recycled blocks.
        let mixed = SimulatedFileSystem()
        try mixed.ensureDirectory("log")
        mixed.put(Array(copied[..<128]) + Array(original[128...]), at: path)
        #expect(try LogScript.writes(in: try open(mixed), from: LSN(1)).isEmpty)
        // Frames that moved by one frame's length.
        mixed.put(
            Array(copied[..<128]) + Array(repeating: 0, count: 48) + Array(copied[128...]), at: "log/moved")
        try mixed.rename("log/moved", to: path)
        #expect(try LogScript.writes(in: try open(mixed), from: LSN(1)).isEmpty)
    }

    @Test func strangersAreRefused() throws {
        let disk = try makeDisk()
        let other = Incarnation(bytes: Array(repeating: 9, count: 16))
        let error = #expect(throws: DatabaseError.self) {
            _ = try LocalLog.open(disk, directory: "log", incarnation: other, floor: LogFloor(), saltSeed: 1)
        }
        #expect(error?.kind == .corruption)
        let path = "log/00000000000000000001.log"
        disk.flip(path, at: 8, mask: 3)
        let newer = #expect(throws: DatabaseError.self) { _ = try open(disk) }
        #expect(newer?.message.contains("format 2, this server reads 1") == true)
        disk.flip(path, at: 8, mask: 3)
        disk.flip(path, at: 12, mask: 8)
        let feature = #expect(throws: DatabaseError.self) { _ = try open(disk) }
        #expect(feature?.message.contains("format features 0x8") == true)
    }
}
