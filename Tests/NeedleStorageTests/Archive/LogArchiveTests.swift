import NeedleCore
import NeedleStorage
import SimulationKit
import Testing

/// Archived log files go when all of their writes are old enough, the oldest first.
@Suite struct LogArchiveTests {
    private let disk = SimulatedFileSystem()
    private let archive: LogArchive
    private let incarnation = SegmentSample.incarnation
    private static let hour: Int64 = 3_600_000

    init() { archive = LogArchive(disk, path: "archive") }

    /// Files with a write at each of these times, in hours; a trim has kept all of them.
    private func keep(_ files: [[Int64]]) throws {
        try disk.ensureDirectory("log")
        let log = try LocalLog.create(disk, directory: "log", incarnation: incarnation, saltSeed: 1)
        log.archive(to: archive)
        var lsn = LSN(1)
        for times in files {
            for time in times {
                let body = Array("\(time)".utf8)
                _ = try log.append(lsn: lsn, timeMS: time * Self.hour, bodies: [body])
                lsn = lsn.next
            }
            _ = try log.sealFiles(behind: .zero)
        }
        try log.trim(upTo: LSN(lsn.value - 1))
    }

    /// LSNs that the files left begin with.
    private func left(before hours: Int64) throws -> [UInt64] {
        try archive.prune(before: hours * Self.hour)
        return try archive.files(of: incarnation).map(\.firstLSN.value)
    }

    @Test func theFirstFileStaysAsLongAsItsWrites() throws {
        try keep([[10, 12]])
        #expect(try left(before: 10) == [1])
        #expect(try left(before: 12) == [1], "its last write is not older")
        #expect(try left(before: 13) == [])
    }

    @Test func theOldestGoFirst() throws {
        try keep([[1, 2], [3], [4, 9]])
        #expect(try left(before: 2) == [1, 3, 4])
        #expect(try left(before: 3) == [3, 4])
        #expect(try left(before: 9) == [4], "began before, but has a write of that time")
        #expect(try left(before: 10) == [])
        #expect(try disk.list("archive").isEmpty)
    }
}
