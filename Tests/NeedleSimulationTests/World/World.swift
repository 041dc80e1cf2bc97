// A database on a simulated disk beside its model: operations go to both, and whatever differs is a violation.
// One run is one thread's, and depends on its setup and its operations only.

import NeedleCore
import NeedleEngine
import NeedleStorage
import SimulationKit
import Synchronization

/// The database did what it must not do.
struct Violation: Error {
    var what: String
}

final class World {
    let setup: Setup
    let disk: SimulatedFileSystem
    let checker: WriteOrderChecker
    let clock: SimulatedClock
    private let fileSystem: any FileSystem
    /// Where the collections of the model are kept: who looks at every file operation looks there too.
    let model: Shared<[ModelCollection]>
    var collections: [ModelCollection] {
        get { model.value.withLock { $0 } }
        set { model.value.withLock { $0 = newValue } }
    }
    private(set) var database: Database?
    /// Answers and contents, as text, if somebody wants to compare them.
    var isObserved = false
    var observations: [String] = []
    var scrolls: [Int: OpenScroll] = [:]
    /// What a planned crash leaves.
    private var plannedLoss: (model: LossModel, seed: Int) = (.none, 0)
    private var hasPlan = false
    /// Failures of the disk before the last start: their consequences are over.
    private var oldFaults = 0
    private var directories: [Int: String] = [:]
    /// Power cuts and ends of the process so far.
    private(set) var crashes = 0

    /// - Parameters:
    ///   - disk: what an earlier world left on it …
    ///   - collections: … and what may be there.
    init(
        _ setup: Setup, disk: SimulatedFileSystem = SimulatedFileSystem(),
        clock: SimulatedClock = SimulatedClock(),
        collections: [ModelCollection]? = nil
    ) {
        self.setup = setup
        self.disk = disk
        self.clock = clock
        checker = WriteOrderChecker(.needletail)
        let watched: any FileSystem = setup.checksOrder ? WatchedFileSystem(disk, checker) : disk
        fileSystem = setup.plant.watch.map { WatchedFileSystem(watched, $0()) } ?? watched
        model = Shared(collections ?? setup.configs.map { _ in ModelCollection() })
    }

    var now: Int64 { clock.wallMilliseconds() }

    // MARK: Operations

    /// Runs one operation and what follows from it.
    ///
    /// - Throws: `Violation`.
    func perform(_ operation: Operation) throws {
        clock.advance(1)
        do {
            try carryOut(operation)
        } catch let error as DatabaseError where error.kind == .corruption && hasHadFaults {
            // A block that could not be read counts as damaged until the collection is opened again.
            heal()
            try kill()
        }
        if disk.isDown { try crash(plannedLoss.model, seed: plannedLoss.seed, again: nil) }
        if let breach = checker.breaches.first { throw Violation(what: breach) }
    }

    /// Whether the disk was made to fail since the last start.
    var hasHadFaults: Bool { disk.faultsStruck > oldFaults }

    private func carryOut(_ operation: Operation) throws {
        switch operation {
        case .create(let number): try create(number)
        case .drop(let number): try drop(number)
        case .write(let number, let writes): try write(number, writes)
        case .optimize(let number): _ = collection(number)?.optimize()
        case .maintain(let steps): maintain(steps)
        case .advanceClock(let milliseconds): clock.advance(milliseconds)
        case .search(let number, let content, let limit):
            try checkSearch(number, content: content, limit: limit)
        case .scroll(let number, let limit): try checkScroll(number, limit: limit)
        case .check: try checkEverything()
        case .reopen: try reopen()
        case .kill: try kill()
        case .crash(let model, let seed, let again): try crash(model, seed: seed, again: again)
        case .crashLater(let model, let seed, let after):
            plannedLoss = (model, seed)
            plan(Fault(.crash, at: after))
        case .fault(let kind, let after, let isPermanent):
            plan(Fault(kind, at: after, isPermanent: isPermanent))
        case .heal: heal()
        }
    }

    private func plan(_ fault: Fault) {
        disk.plan(fault)
        hasPlan = true
    }

    private func heal() {
        disk.plan()
        hasPlan = false
    }

    private func maintain(_ steps: Int) {
        for _ in 0..<steps where database?.maintain(context: OperationContext()) != true { return }
    }

    /// The collection as the database knows it.
    func collection(_ number: Int) -> Collection? {
        try? database?.collection(named: Setup.name(of: number))
    }

    // MARK: Ends and beginnings

    /// What an end of the database may take away.
    enum End {
        case orderly
        case killed
        case power
    }

    func start() throws { try open(after: .orderly) }

    /// Ends without faults: everything compared, in memory, settled, and opened again.
    func finish() throws {
        heal()
        try reopen()
        maintain(20)
        try checkEverything()
        try reopen()
        if let breach = checker.breaches.first { throw Violation(what: breach) }
    }

    private func reopen() throws {
        database?.close()
        database = nil
        if disk.isDown { return try crash(plannedLoss.model, seed: plannedLoss.seed, again: nil) }
        // A log that could not be closed is found as after a kill.
        try open(after: hasPlan ? .killed : .orderly)
    }

    private func kill() throws {
        database = nil
        disk.killProcess()
        hasPlan = false
        crashes += 1
        try open(after: .killed)
    }

    private func crash(_ model: LossModel, seed: Int, again: Int?) throws {
        cutPower(model, seed: seed)
        if let again {
            plannedLoss = (model, seed + 1)
            plan(Fault(.crash, at: again))
        }
        try open(after: .power)
    }

    private func cutPower(_ model: LossModel, seed: Int) {
        database = nil
        var generator = SeededGenerator(seed: UInt64(seed))
        disk.crash(model, using: &generator)
        checker.restart()
        hasPlan = false
        crashes += 1
    }

    /// Opens until it works: planned failures may come meanwhile, and are over then.
    private func open(after end: End) throws {
        var end = end
        scrolls = [:]
        directories = [:]
        for _ in 0..<6 {
            clock.advance(1)
            let problem = tryToOpen()
            if disk.isDown {
                cutPower(plannedLoss.model, seed: plannedLoss.seed)
                end = .power
                continue
            }
            guard let problem else {
                oldFaults = disk.faultsStruck
                return try checkAfter(end)
            }
            guard hasPlan else { throw Violation(what: "not opened: \(problem)") }
            // It was made to fail; the next start is without failures.
            database?.close()
            database = nil
            heal()
            disk.killProcess()
            if end == .orderly { end = .killed }
        }
        throw Violation(what: "not opened after six starts")
    }

    private func tryToOpen() -> String? {
        do {
            let database = try Database.open(
                directory: "db", fileSystem: fileSystem, clock: clock, options: setup.options)
            database.loadCollections()
            self.database = database
            return database.summaries().first { $0.state != .ready }
                .map { "\($0.name) is \($0.state.rawValue): \($0.reason ?? "")" }
        } catch {
            return "\(error)"
        }
    }

    // MARK: Collections

    /// Where a collection's files lie.
    func directory(of number: Int) -> String? {
        if let known = directories[number] { return known }
        let path = "db/\(Catalogue.fileName)"
        let entry = disk.content(of: path).flatMap { try? Catalogue(decoding: $0, file: path) }?
            .collections.first { $0.name == Setup.name(of: number) }
        directories[number] = entry.map { "db/collections/\($0.incarnation.hex)" }
        return directories[number]
    }

    private func create(_ number: Int) throws {
        guard collections[number].presence == .absent else { return }
        collections[number] = ModelCollection(presence: .uncertain, timeline: Timeline())
        do {
            guard
                let lsn = try database?.createCollection(
                    named: Setup.name(of: number), config: setup.configs[number])
            else { return }
            guard lsn == .zero else { throw Violation(what: "a new collection begins at LSN \(lsn)") }
            collections[number].presence = .present
        } catch let error as DatabaseError {
            try expectFailure(error, "create \(number)")
        }
    }

    private func drop(_ number: Int) throws {
        guard collections[number].presence == .present else { return }
        collections[number].presence = .uncertain
        scrolls[number] = nil
        directories[number] = nil
        do throws(DatabaseError) {
            try database?.dropCollection(named: Setup.name(of: number))
            collections[number].presence = .absent
        } catch {
            try expectFailure(error, "drop \(number)")
        }
    }

    /// A failure that the disk was made to give, or the consequence of an earlier one.
    func expectFailure(_ error: DatabaseError, _ what: String) throws {
        let kinds: [ErrorKind] = [.storageFailed, .diskFull, .notFound, .corruption]
        guard kinds.contains(error.kind), hasHadFaults else { throw Violation(what: "\(what): \(error)") }
    }
}
