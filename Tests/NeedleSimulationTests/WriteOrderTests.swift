import Glibc
import NeedleCore
import NeedleEngine
import NeedleStorage
import SimulationKit
import Synchronization
import Testing

/// The checking layer notices each breach, and a database on a real disk, written to by several threads, commits none.
@Suite struct WriteOrderTests {
    private let disk = SimulatedFileSystem()
    private let checker = WriteOrderChecker(
        WriteOrderRules(
            isTemporary: { $0.hasSuffix(".tmp") || $0.contains(".tmp/") },
            isDispensable: { _, bytes in bytes == [0] },
            isRoot: { $0.hasSuffix("ROOT") }, isTop: { _ in true },
            needs: { _, content, _ in
                [WriteOrderRules.Need("d/" + String(decoding: content, as: UTF8.self), isSealed: true)]
            }))
    private let files: WatchedFileSystem

    init() throws {
        files = WatchedFileSystem(disk, checker)
        try files.ensureDirectory("d")
    }

    private func breaches(of rule: Int) -> Int { checker.breaches.count { $0.hasPrefix("rule \(rule):") } }

    @discardableResult
    private func put(_ text: String, at path: String, isSynced: Bool = true) throws -> any StorageFile {
        let file = try files.create(path + ".tmp")
        try file.write(Array(text.utf8), at: 0)
        if isSynced { try file.sync() }
        try files.rename(path + ".tmp", to: path)
        return file
    }

    @Test func theRightOrderIsNoBreach() throws {
        try put("x", at: "d/a")
        try files.syncDirectory("d")
        try put("a", at: "d/ROOT")
        try files.syncDirectory("d")
        try put("x", at: "d/b")
        try files.syncDirectory("d")
        try put("b", at: "d/ROOT")
        try files.syncDirectory("d")
        try files.unlink("d/a")
        #expect(checker.breaches == [])
        #expect(checker.unsynced(below: "d") == [])
    }

    @Test func aNameBeforeTheSync() throws {
        try put("x", at: "d/a", isSynced: false)
        #expect(breaches(of: 1) == 1)
        _ = try files.create("d/b")
        #expect(breaches(of: 1) == 2)
    }

    @Test func aDirectoryBeforeWhatIsInIt() throws {
        func make(_ name: String, syncsFile: Bool, syncsNames: Bool) throws {
            try files.createDirectory("d/\(name).tmp")
            let file = try files.create("d/\(name).tmp/f")
            try file.write([1], at: 0)
            if syncsFile { try file.sync() }
            if syncsNames { try files.syncDirectory("d/\(name).tmp") }
            try files.rename("d/\(name).tmp", to: "d/\(name)")
        }
        try make("a", syncsFile: true, syncsNames: true)
        #expect(checker.breaches == [])
        try make("b", syncsFile: false, syncsNames: true)
        #expect(breaches(of: 1) == 1)
        try make("c", syncsFile: true, syncsNames: false)
        #expect(breaches(of: 1) == 2)
    }

    @Test func aRootBeforeWhatItNeeds() throws {
        try put("x", at: "d/a")
        try put("a", at: "d/ROOT")
        #expect(breaches(of: 2) == 1, "the name of d/a is not durable")
    }

    @Test func aFileThatIsStillNeeded() throws {
        for name in ["a", "b"] { try put("x", at: "d/\(name)") }
        try files.syncDirectory("d")
        try put("a", at: "d/ROOT")
        try files.syncDirectory("d")
        try put("b", at: "d/ROOT")
        try files.unlink("d/a")
        #expect(breaches(of: 3) == 1, "the root before may come back")
        try files.unlink("d/b")
        #expect(breaches(of: 3) == 2)
    }

    @Test func aWriteAfterAFailedSync() throws {
        let file = try put("x", at: "d/a")
        try file.write([1, 2], at: 1)
        disk.plan(Fault(.ioError, at: 1))
        #expect(throws: DatabaseError.self) { try file.sync() }
        disk.plan()
        try file.write([3], at: 3)
        #expect(breaches(of: 4) == 1)
        try file.sync()
        #expect(breaches(of: 4) == 2)
    }

    @Test func aWriteToAMappedFile() throws {
        let file = try put("x", at: "d/a")
        let region = try file.map()
        try file.write([3], at: 0)
        #expect(breaches(of: 5) == 1)
        withExtendedLifetime(region) {}
    }

    @Test func whatWouldNotSurvive() throws {
        let file = try put("x", at: "d/a")
        try file.write([0], at: 1)
        #expect(checker.unsynced(below: "d") == [], "nothing was written there that counts")
        try file.write([7], at: 1)
        #expect(checker.unsynced(below: "d") == ["d/a"])
        try file.sync()
        #expect(checker.unsynced(below: "d") == ["d/a"], "its name is not durable")
        try files.syncDirectory("d")
        #expect(checker.unsynced(below: "d") == [])
    }

    // MARK: Live traffic

    /// Runs a body on threads of its own and waits for them.
    private func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
        final class Box: Sendable {
            let run: @Sendable () -> Void
            init(_ run: @escaping @Sendable () -> Void) { self.run = run }
        }
        let threads = (0..<count).map { number in
            var handle = pthread_t()
            // SAFETY: the thread takes over the reference that passRetained made.
            let status = pthread_create(
                &handle, nil,
                { raw in
                    if let raw { Unmanaged<Box>.fromOpaque(raw).takeRetainedValue().run() }
                    return nil
                }, Unmanaged.passRetained(Box { body(number) }).toOpaque())
            precondition(status == 0)
            return handle
        }
        for thread in threads { pthread_join(thread, nil) }
    }

    @Test func aDatabaseOnARealDiskKeepsTheOrder() throws {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(base)/needletail-order-XXXXXX".utf8CString)
        let root = String(cString: try #require(mkdtemp(&template)))
        let posix = PosixFileSystem(root: root)
        let checker = WriteOrderChecker(.needletail)
        let setup = CrashPointTests.setup
        let database = try Database.open(
            directory: "db", fileSystem: WatchedFileSystem(posix, checker), clock: SimulatedClock(),
            options: setup.options)
        database.loadCollections()
        for number in 0..<2 {
            _ = try database.createCollection(named: "c\(number)", config: setup.configs[0])
        }
        let failures = Shared([String]())
        let isOver = Atomic<Bool>(false)
        let contents = try #require(Contents.shared[3])
        onThreads(3) { thread in
            guard thread < 2 else {
                while !isOver.load(ordering: .relaxed) {
                    if !database.maintain(context: OperationContext()) { usleep(500) }
                }
                return
            }
            do {
                let collection = try database.collection(named: "c\(thread)")
                for round in 0..<60 {
                    let points = (0..<4).map {
                        PointWrite(
                            id: Contents.id((round * 3 + $0) % 40),
                            vectors: .single(contents.vectors[round % 60 + $0]),
                            payload: contents.payloads[$0])
                    }
                    let write = try collection.prepare(
                        .upsert(points, ifAbsent: false), model: nil, opKey: nil, context: OperationContext())
                    _ = try collection.commit([write])[0].get()
                    if round % 20 == 19 { _ = collection.optimize() }
                }
            } catch {
                failures.value.withLock { $0.append("\(error)") }
            }
            if thread == 0 { isOver.store(true, ordering: .relaxed) }
        }
        #expect(failures.value.withLock { $0 } == [])
        try database.dropCollection(named: "c1")
        database.close()
        #expect(checker.breaches == [])
        try Self.remove(posix, root)
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
}
