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
    /// What should be there: who looks at every file operation looks there too.
    let shared: Shared<Model>
    var model: Model { shared.value.withLock { $0 } }
    var collections: [ModelCollection] {
        get { shared.value.withLock { $0.collections } }
        set { shared.value.withLock { $0.collections = newValue } }
    }
    func update(_ change: (inout Model) -> Void) { shared.value.withLock { change(&$0) } }

    private(set) var database: Database?
    /// Answers and contents, as text, if somebody wants to compare them.
    var observed = Observed.nothing
    var observations: [String] = []

    enum Observed {
        case nothing
        /// Points without their versions.
        case contents
        case everything
    }
    var scrolls: [Int: OpenScroll] = [:]
    /// What a planned crash leaves.
    private var plannedLoss: (model: LossModel, seed: Int) = (.none, 0)
    private var hasPlan = false
    /// Failures of the disk before the last start: their consequences are over.
    private var oldFaults = 0
    var directories: [Int: String] = [:]
    /// Power cuts and ends of the process so far.
    private(set) var crashes = 0

    /// - Parameters:
    ///   - disk: what an earlier world left on it …
    ///   - model: … and what may be there.
    init(
        _ setup: Setup, disk: SimulatedFileSystem = SimulatedFileSystem(),
        clock: SimulatedClock = SimulatedClock(),
        model: Model? = nil
    ) {
        self.setup = setup
        self.disk = disk
        self.clock = clock
        checker = WriteOrderChecker(.needletail)
        let watched: any FileSystem = setup.checksOrder ? WatchedFileSystem(disk, checker) : disk
        fileSystem = setup.plant.watch.map { WatchedFileSystem(watched, $0()) } ?? watched
        shared = Shared(model ?? Model(collections: setup.configs.count))
    }

    var now: Int64 { clock.wallMilliseconds() }

    /// The configuration that a collection has.
    func config(_ number: Int) -> CollectionConfig { setup.configs[collections[number].config] }

    // MARK: Operations

    /// Runs one operation and what follows from it.
    ///
    /// - Throws: `Violation`.
    func perform(_ operation: Operation) throws {
        clock.advance(1)
        do {
            try carryOut(operation)
        } catch let error as DatabaseError where error.kind == .storageFailed && hasHadFaults {
            // A read met the failure. The next ones may find the disk healed, or the process ends.
            if !disk.isDown {
                heal()
                if disk.faultsStruck % 2 == 0 { try kill() }
            }
        }
        if disk.isDown { try crash(plannedLoss.model, seed: plannedLoss.seed, again: nil) }
        if let breach = checker.breaches.first { throw Violation(what: breach) }
    }

    /// Whether the disk was made to fail since the last start.
    var hasHadFaults: Bool { disk.faultsStruck > oldFaults || disk.isDown }

    private func carryOut(_ operation: Operation) throws {
        switch operation {
        case .create(let number): try create(number)
        case .drop(let number): try drop(number)
        case .write(let number, let writes): try write(number, writes)
        case .optimize(let number): _ = collection(number)?.optimize()
        case .maintain(let steps): maintain(steps)
        case .advanceClock(let milliseconds): clock.advance(milliseconds)
        case .snapshot(let number): try snapshot(number)
        case .verify(let index): try verify(index)
        case .restore(let index, let number, let step): try restore(index, as: number, to: step)
        case .deleteSnapshot(let index): try deleteSnapshot(index)
        case .setAlias(let alias, let number): try setAlias(alias, number)
        case .deleteAlias(let alias): try deleteAlias(alias)
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
        try checkSnapshotsWhole()
        try reopen()
        try checkNothingElseIsThere()
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
            if disk.isDown {
                cutPower(plannedLoss.model, seed: plannedLoss.seed)
                end = .power
            }
            let problem = tryToOpen()
            if disk.isDown { continue }
            if let problem {
                guard hasPlan else { throw Violation(what: "not opened: \(problem)") }
            } else {
                oldFaults = disk.faultsStruck
                if try isFoundRight(after: end) { return }
                if disk.isDown { continue }
            }
            // It was made to fail; the next start is without failures.
            database?.close()
            database = nil
            heal()
            disk.killProcess()
            if end == .orderly { end = .killed }
        }
        throw Violation(what: "not opened after six starts")
    }

    /// - Returns: false when the disk failed before all of it was read.
    private func isFoundRight(after end: End) throws -> Bool {
        do {
            try checkAfter(end)
            return true
        } catch let error as DatabaseError where error.kind == .storageFailed && hasHadFaults {
            return false
        }
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

    /// A failure that the disk was made to give, or the consequence of an earlier one.
    func expectFailure(_ error: DatabaseError, _ what: String) throws {
        let kinds: [ErrorKind] = [.storageFailed, .diskFull, .notFound]
        guard kinds.contains(error.kind), hasHadFaults else { throw Violation(what: "\(what): \(error)") }
    }
}
