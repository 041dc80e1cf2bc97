import Glibc
import NeedleCore
import NeedleStorage
import Testing

@Suite final class PosixFileSystemTests {
    let root: String
    let disk: PosixFileSystem

    init() throws {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(base)/needletail-test-XXXXXX".utf8CString)
        let made = try #require(mkdtemp(&template))
        root = String(cString: made)
        disk = PosixFileSystem(root: root)
    }

    deinit {
        do { try Self.remove(disk, root) } catch {}
    }

    private static func remove(_ disk: PosixFileSystem, _ path: String) throws(DatabaseError) {
        for name in try disk.list(path) {
            let child = "\(path)/\(name)"
            if try disk.kind(of: child) == .directory {
                try remove(disk, child)
            } else {
                try disk.unlink(child)
            }
        }
        try disk.removeDirectory(path)
    }

    private func failure(_ body: () throws -> Void) -> DatabaseError? {
        do { try body() } catch { return error as? DatabaseError }
        return nil
    }

    @Test func filesAreWrittenReadAndMapped() throws {
        let file = try disk.create("a")
        try file.write([1, 2, 3], at: 2)
        try file.write([], at: 100)
        #expect(try file.size() == 5)
        #expect(try file.readExactly(5, at: 0) == [0, 0, 1, 2, 3])
        #expect(failure { _ = try file.readExactly(3, at: 3) }?.kind == .corruption)
        try file.sync()
        let region = try file.map()
        file.close()
        #expect(Array(region.bytes) == [0, 0, 1, 2, 3], "the mapping outlives the handle")
        region.advise(.random)
        region.advise(.willNeed, range: 1..<2)
        try disk.unlink("a")
        #expect(region.bytes[4] == 3, "and the name")
        #expect(failure { try file.sync() }?.message.contains("Bad file descriptor") == true)
        let empty = try disk.create("empty").map()
        #expect(empty.count == 0 && empty.bytes.isEmpty)
    }

    @Test func sizesCanBeSet() throws {
        let file = try disk.create("a")
        try file.preallocate(10_000)
        #expect(try file.size() == 10_000)
        try file.truncate(to: 3)
        #expect(try file.size() == 3)
    }

    @Test func namesAndDirectories() throws {
        try disk.ensureDirectory("d")
        try disk.ensureDirectory("d")
        #expect(try disk.kind(of: "d") == .directory)
        try disk.create("d/b").write([1], at: 0)
        try disk.create("d/a").close()
        try disk.link("d/b", to: "d/é")
        #expect(try disk.list("d") == ["a", "b", "é"])
        try disk.rename("d/b", to: "d/a")
        #expect(try disk.readAll("d/a", limit: 1) == [1])
        #expect(failure { _ = try disk.readAll("d/a", limit: 0) }?.kind == .limitExceeded)
        try disk.syncDirectory("d")
        try disk.unlinkIfPresent("d/nothing")
        #expect(failure { try disk.removeDirectory("d") }?.kind == .storageFailed)
        #expect(try disk.freeBytes(at: ".") > 1 << 20)
        _ = symlink("/nowhere", "\(root)/d/link")
        #expect(try disk.kind(of: "d/link") == .other)
    }

    @Test func errorsNamePathOperationAndReason() throws {
        let missing = failure { _ = try disk.openForReading("gone") }
        #expect(missing?.kind == .notFound)
        #expect(missing?.message == "open \(root)/gone: No such file or directory (errno 2)")
        try disk.create("here").close()
        #expect(failure { _ = try disk.create("here") }?.kind == .alreadyExists)
        #expect(failure { try disk.createDirectory("here") }?.kind == .alreadyExists)
        #expect(failure { _ = try disk.list("here") }?.kind == .storageFailed)
        let readOnly = try disk.openForReading("here")
        #expect(failure { try readOnly.write([1], at: 0) }?.kind == .storageFailed)
        // A device that is always full is the cheapest full disk there is.
        let full = try disk.openForWriting("/dev/full")
        #expect(failure { try full.write([1], at: 0) }?.kind == .diskFull)
        #expect(PosixFileSystem.parent(of: "/a") == "/")
        #expect(PosixFileSystem.parent(of: "a") == ".")
        #expect(PosixFileSystem.parent(of: "/a/b/c") == "/a/b")
    }

    @Test func aLockIsHeldOnce() throws {
        let lock = try disk.lock("LOCK")
        #expect(failure { _ = try disk.lock("LOCK") }?.kind == .conflict)
        lock.release()
        let again = try disk.lock("LOCK")
        _ = again
    }

    /// Found in a run of all tests: a child between fork and exec holds copies of all descriptors.
    @Test func aReleasedLockIsFreeThoughACopyOfItsDescriptorLives() throws {
        let lock = try disk.lock("COPIED")
        var copies: [Int32] = []
        for number in 0..<1024 as Range<Int32> {
            var buffer = [CChar](repeating: 0, count: 512)
            let length = readlink("/proc/self/fd/\(number)", &buffer, buffer.count - 1)
            guard length > 0 else { continue }
            let target = String(decoding: buffer.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if target.hasSuffix("/COPIED") {
                copies.append(dup(number))
                break
            }
        }
        defer { for copy in copies { close(copy) } }
        #expect(copies.count == 1)
        lock.release()
        _ = try disk.lock("COPIED")
    }

    @Test func theLogAndSegmentsWorkOnARealDisk() throws {
        try disk.ensureDirectory("log")
        let log = try LocalLog.create(disk, directory: "log", incarnation: LogScript.incarnation, saltSeed: 1)
        for lsn in 1...50 {
            _ = try log.append(lsn: LSN(UInt64(lsn)), timeMS: 0, bodies: LogScript.bodies(LSN(UInt64(lsn))))
        }
        #expect(try log.sync() == LSN(50))
        let again = try LogScript.open(disk, trimmed: .zero)
        #expect(try LogScript.writes(in: again, from: LSN(1)).count == 50)
        try again.close()
        #expect(try LogScript.open(disk, trimmed: .zero).tail.nextLSN == LSN(51))
        let sample = SegmentSample(rows: 3000, seed: 3)
        try sample.write(disk, "s")
        #expect(try sample.matches(try SegmentSample.open(disk, "s")))
        try ManifestTests.sample.write(disk, directory: ".")
        #expect(try Manifest.read(disk, directory: ".") == ManifestTests.sample)
    }

    @Test func aKilledProcessLosesNothingThatItFlushed() async throws {
        try disk.ensureDirectory("log")
        let path = root
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let disk = PosixFileSystem(root: path)
            let log = try LocalLog.create(
                disk, directory: "log", incarnation: LogScript.incarnation, saltSeed: 1,
                options: LogScript.options)
            for lsn in 1...30 {
                _ = try log.append(
                    lsn: LSN(UInt64(lsn)), timeMS: 0, bodies: LogScript.bodies(LSN(UInt64(lsn))))
                if lsn % 7 == 0 { _ = try log.sync() }
            }
            try log.flush()
            kill(getpid(), SIGKILL)
        }
        let log = try LogScript.open(disk, trimmed: .zero)
        let expected = (1...30).map { LogScript.Write(lsn: LSN($0), bodies: LogScript.bodies(LSN($0))) }
        #expect(try LogScript.writes(in: log, from: LSN(1)) == expected)
    }
}
