import Glibc
import NeedleCore
import NeedleStorage
import Testing

/// What the system is told of a mapping, and what it tells: with real files.
@Suite struct MappedResidencyTests {
    private static let pages = 64

    /// A synced file of whole pages and its mapping; the file goes when `body` has run.
    private func withMapping(_ body: (MappedRegion) throws -> Void) throws {
        let disk = PosixFileSystem()
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(base)/needletail-test-XXXXXX".utf8CString)
        let root = String(cString: try #require(mkdtemp(&template)))
        defer { try? disk.removeDirectory(root) }
        let path = "\(root)/a"
        let file = try disk.create(path)
        defer { try? disk.unlink(path) }
        try file.write([UInt8](repeating: 7, count: 4096 * Self.pages).span.bytes, at: 0)
        try file.sync()
        let region = try file.map()
        file.close()
        try body(region)
    }

    @Test func touchedPagesAreResidentAndEvictedOnesComeBackWithTheSameBytes() throws {
        try withMapping { region in
            #expect(region.bytes.allSatisfy { $0 == 7 })
            #expect(region.residentBytes(in: 0..<region.count) == region.count)
            #expect(region.residentBytes(in: 4095..<4097) == 2, "no more than was asked about")
            #expect(region.residentBytes(in: 0..<0) == 0)
            // Advice only: a system that keeps the pages (a file system in memory does) does nothing wrong.
            for advice in [MappingAdvice.evict, .random, .willNeed, .sequential, .dontNeed, .normal] {
                region.advise(advice)
                #expect(region.bytes.allSatisfy { $0 == 7 }, "\(advice)")
            }
        }
    }

    @Test func waitingForADiskIsCountedByTheSystem() throws {
        try withMapping { region in
            #expect(region.bytes.contains(7))
            region.advise(.evict)
            guard region.residentBytes(in: 0..<region.count) == 0 else { return }
            let before = PageFaults.waitedForDisk()
            #expect(region.bytes[0] == 7)
            #expect(PageFaults.waitedForDisk() > before)
        }
    }
}
