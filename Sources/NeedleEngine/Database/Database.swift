package import NeedleCore
import NeedleStorage
import Synchronization

/// All collections of one data directory: which there are, and in what state.
///
/// Opening takes the directory's lock and reads the catalogue; collections load afterwards, each for itself
/// (`Database+Loading`), and one that is damaged is quarantined without harm to the others. Creating and dropping are serialised.
/// All methods may be called from any thread.
package final class Database: Sendable {
    let environment: EngineEnvironment
    let directory: DataDirectory
    /// Archives of snapshots on their way out and in.
    package let transfers: SnapshotTransfers
    private let lock: any FileLock
    /// Held by whoever creates or drops, across the disk work. Lock order: ddl, then entries.
    let ddl: Mutex<Catalogue>
    /// Names of collections by alias: what `ddl` holds, for those who only look. Taken under `ddl` by who changes it.
    let aliasTable = Mutex<[String: String]>([:])
    let entries = Mutex<[String: Entry]>([:])
    let loadOrder: Mutex<LoadOrder>
    /// Collections that could not be opened for a reason that may pass.
    let failedLoads = Mutex<[String: Backoff]>([:])
    private let wakeMaintenance = Mutex<(@Sendable () -> Void)?>(nil)
    private let nextMaintained = Atomic<Int>(0)
    let snapshotJobs = SnapshotJobs()
    /// Collections on their way to another model, by name.
    let reembeddings = Mutex<[String: Reembedding]>([:])
    /// Snapshots found damaged since opening, and why: for `server.health`.
    let damagedSnapshots = Mutex<[String: String]>([:])

    struct Entry {
        var incarnation: Incarnation
        var state: State
        var waiting: [@Sendable () -> Void] = []
    }

    enum State {
        case loading
        case ready(Collection)
        case quarantined(DatabaseError)
    }

    /// Takes the lock and reads the catalogue. Collections are `loading` until `loadNext` has opened them.
    ///
    /// - Throws: `storage_failed` when another process has the directory or it cannot be used, `corruption`
    ///   when the catalogue is damaged.
    package static func open(
        directory path: String, fileSystem: any FileSystem, clock: any Clock, options: EngineOptions
    ) throws(DatabaseError) -> Database {
        let directory = DataDirectory(path: path, fileSystem: fileSystem)
        let lock = try directory.prepareAndLock()
        let nonce = clock.monotonicNanoseconds() ^ UInt64(bitPattern: clock.wallMilliseconds())
        let disk = DiskSpace(directory: path, fileSystem: fileSystem, clock: clock, options: options)
        try disk.prepare()
        let environment = EngineEnvironment(
            fileSystem: fileSystem, clock: clock, options: options, disk: disk,
            bootNonce: SeededGenerator.mix(nonce), residence: ResidenceLedger(budget: options.residentBytes),
            backlog: Backlog(limit: options.backlogBytes))
        let catalogue = try directory.readCatalogue()
        try directory.removeUnnamedCollections(catalogue)
        try SnapshotDirectory(fileSystem, path: directory.snapshots).removeLeftovers()
        return Database(environment: environment, directory: directory, lock: lock, catalogue: catalogue)
    }

    private init(
        environment: EngineEnvironment, directory: DataDirectory, lock: any FileLock, catalogue: Catalogue
    ) {
        self.environment = environment
        self.directory = directory
        self.lock = lock
        transfers = SnapshotTransfers(
            snapshots: SnapshotDirectory(environment.fileSystem, path: directory.snapshots),
            clock: environment.clock, disk: environment.disk, nonce: environment.bootNonce)
        ddl = Mutex(catalogue)
        loadOrder = Mutex(LoadOrder(catalogue.collections.map(\.name)))
        publishAliases(catalogue)
        for entry in catalogue.collections {
            entries.withLock { $0[entry.name] = Entry(incarnation: entry.incarnation, state: .loading) }
        }
    }

    package var embedders: Embedders { environment.options.embedders }

    package var limits: Limits { environment.options.limits }

    // MARK: Collections

    /// - Parameter given: a name or an alias.
    /// - Throws: `not_found`; `loading`, to be tried again; `corruption` when it is quarantined.
    package func collection(named given: String) throws(DatabaseError) -> Collection {
        let name = resolved(given)
        // Shadows are nobody's to name.
        switch Catalogue.Reembedding.isShadow(name) ? nil : entries.withLock({ $0[name]?.state }) {
        case nil: throw Self.notFound(name)
        case .loading?:
            loadOrder.withLock { $0.ask(for: name) }
            throw DatabaseError(
                .loading, "collection \"\(name)\" is still loading", at: "collection", retryAfterMS: 100)
        case .ready(let collection)?: return collection
        case .quarantined(let error)?:
            throw DatabaseError(
                error.kind, "collection \"\(name)\" is quarantined: \(hidingDirectory(in: error.message))",
                at: "collection")
        }
    }

    /// Makes a collection; durable when it returns.
    ///
    /// - Returns: the LSN before its first write.
    /// - Throws: `already_exists`, `limit_exceeded`, `invalid_params` when a model is named that is not
    ///   loaded.
    package func createCollection(named name: String, config: CollectionConfig) throws(DatabaseError) -> LSN {
        let config = try ConfigResolution(embedders: embedders, limits: limits).resolve(config)
        try environment.disk.requireRoomForNewData()
        let collection = try ddl.withLock { (catalogue) throws(DatabaseError) in
            try checkFree(name, in: catalogue, at: "name")
            let incarnation = try directory.newIncarnation(seed: environment.bootNonce, catalogue)
            let store = CollectionStore(
                directory: directory.collection(incarnation), incarnation: incarnation,
                environment: environment)
            let collection = try store.create(name: name, config: config)
            var changed = catalogue
            changed.collections.append(Catalogue.Entry(name: name, incarnation: incarnation))
            changed.generation += 1
            try directory.write(changed)
            catalogue = changed
            entries.withLock { $0[name] = Entry(incarnation: incarnation, state: .ready(collection)) }
            return collection
        }
        adopt(collection)
        return collection.visibleLSN
    }

    private func checkFree(_ name: String, in catalogue: Catalogue, at place: String) throws(DatabaseError) {
        guard catalogue.collections.allSatisfy({ $0.name != name }),
            catalogue.aliases.allSatisfy({ $0.alias != name })
        else {
            throw DatabaseError(.alreadyExists, "there is a collection or alias \"\(name)\"", at: place)
        }
        guard catalogue.collections.count < limits.collections else {
            throw DatabaseError(.limitExceeded, "there are \(limits.collections) collections", at: place)
        }
    }

    /// Makes the directory of a collection that no catalogue names yet: what a crash leaves of it is removed.
    ///
    /// - Throws: `already_exists` when the name is taken.
    func beginRestoring(as name: String) throws(DatabaseError) -> CollectionStore {
        try ddl.withLock { (catalogue) throws(DatabaseError) in
            try checkFree(name, in: catalogue, at: "as")
            let incarnation = try directory.newIncarnation(seed: environment.bootNonce, catalogue)
            let path = directory.collection(incarnation)
            try environment.fileSystem.createDirectory(path)
            return CollectionStore(directory: path, incarnation: incarnation, environment: environment)
        }
    }

    /// Gives a restored collection its name; durable when it returns.
    ///
    /// - Parameter mayBeNamed: when it throws: whether a catalogue may name the collection after a crash, so that
    ///   its files have to stay until the next opening knows.
    /// - Throws: `already_exists` when the name was taken meanwhile.
    func finishRestoring(_ collection: Collection, mayBeNamed: inout Bool) throws(DatabaseError) {
        let (name, incarnation) = (collection.name, collection.store.incarnation)
        try ddl.withLock { (catalogue) throws(DatabaseError) in
            try checkFree(name, in: catalogue, at: "as")
            var changed = catalogue
            changed.collections.append(Catalogue.Entry(name: name, incarnation: incarnation))
            changed.generation += 1
            mayBeNamed = true
            try directory.write(changed)
            catalogue = changed
            entries.withLock { $0[name] = Entry(incarnation: incarnation, state: .ready(collection)) }
        }
        adopt(collection)
    }

    /// The collection of this incarnation; `nil` when it was dropped.
    ///
    /// - Throws: `loading`, or why it is quarantined.
    func collection(of incarnation: Incarnation) throws(DatabaseError) -> Collection? {
        let name = entries.withLock { $0.first { $0.value.incarnation == incarnation }?.key }
        guard let name else { return nil }
        return try collection(named: name)
    }

    /// Removes a collection, its aliases and its files. Requests that are at it may still be answered.
    ///
    /// - Parameter given: a name or an alias.
    /// - Throws: the collection is there as before; or, when the catalogue was replaced but not synced, it is gone for
    ///   this process and the next start decides, so that nothing is acknowledged that would go with it.
    package func dropCollection(named given: String) throws(DatabaseError) {
        let name = resolved(given)
        abandonReembedding(name)
        var failure: DatabaseError?
        let (incarnation, entry) = try ddl.withLock {
            (catalogue) throws(DatabaseError) -> (Incarnation, Entry?) in
            guard !Catalogue.Reembedding.isShadow(name),
                let known = catalogue.collections.first(where: { $0.name == name })
            else {
                throw Self.notFound(name)
            }
            var changed = catalogue
            changed.collections.removeAll { $0.name == name }
            changed.aliases.removeAll { $0.collection == name }
            changed.generation += 1
            do throws(DatabaseError) {
                try environment.disk.usingReserve { () throws(DatabaseError) in try directory.write(changed) }
            } catch {
                if directory.stillHas(catalogue) { throw error }
                failure = error
            }
            catalogue = changed
            publishAliases(changed)
            return (known.incarnation, entries.withLock { $0.removeValue(forKey: name) })
        }
        for body in entry?.waiting ?? [] { body() }
        if case .ready(let collection)? = entry?.state { collection.retire() }
        // The catalogue before may come back, and it needs the files.
        if let failure { throw failure }
        if case .ready(let collection)? = entry?.state { collection.store.keepLog() }
        // What cannot be removed now is removed at the next start, because no catalogue names it.
        do throws(DatabaseError) { try directory.removeCollection(incarnation) } catch { return }
    }

    /// Clients are told which file is damaged, but not where the server keeps its data.
    func hidingDirectory(in message: String) -> String {
        message.replacing("\(directory.path)/", with: "")
    }

    private func hidingDirectory(in summary: CollectionSummary) -> CollectionSummary {
        var summary = summary
        summary.reason = summary.reason.map(hidingDirectory)
        return summary
    }

    static func notFound(_ name: String) -> DatabaseError {
        DatabaseError(.notFound, "collection \"\(name)\" does not exist", at: "collection")
    }

    /// Every collection with its state, by name.
    package func summaries() -> [CollectionSummary] {
        let all = entries.withLock { entries in
            entries.filter { !Catalogue.Reembedding.isShadow($0.key) }.map {
                (name: $0.key, state: $0.value.state)
            }
        }
        return all.sorted { $0.name < $1.name }.map { item in
            switch item.state {
            case .loading:
                CollectionSummary(name: item.name, points: 0, state: .loading, reason: "being opened")
            case .ready(let collection): hidingDirectory(in: collection.summarize())
            case .quarantined(let error):
                CollectionSummary(
                    name: item.name, points: 0, state: .quarantined,
                    reason: hidingDirectory(in: error.message))
            }
        }
    }

    var readyCollections: [Collection] {
        entries.withLock { entries in
            entries.values.compactMap {
                if case .ready(let collection) = $0.state { collection } else { nil }
            }
        }.sorted { $0.name < $1.name }
    }

    package func job(_ id: String) -> JobSnapshot? {
        if let job = snapshotJobs.job(id) { return job.snapshot() }
        for collection in readyCollections {
            if let job = collection.maintenance.job(id) { return job.snapshot() }
        }
        return nil
    }

    /// What memory is used for, in bytes.
    package func memoryByPurpose() -> [(purpose: String, bytes: Int)] {
        let sets = readyCollections.map { $0.view().set }
        let growing = sets.reduce(0) { $0 + $1.growing.reduce(0) { $0 + $1.residentBytes } }
        let deletions = sets.reduce(0) { $0 + $1.newestFirst.reduce(0) { $0 + $1.deletions.residentBytes } }
        let mapped = sets.reduce(0) { $0 + $1.sealed.reduce(0) { $0 + $1.fileBytes } }
        return [
            ("growing_segments", growing), ("resident_segments", environment.residence.bytes),
            ("deletions", deletions), ("mapped_segments", mapped),
        ]
    }

    // MARK: Background work and the end

    package func onMaintenanceNeeded(_ wake: @escaping @Sendable () -> Void) {
        wakeMaintenance.withLock { $0 = wake }
    }

    func wake() {
        wakeMaintenance.withLock { $0 }?()
    }

    /// One step of background work for one of the collections, taking turns.
    ///
    /// - Returns: whether there was something to do.
    package func maintain(context: OperationContext) -> Bool {
        if loadAgainIfDue() { return true }
        if reembeddingStep(context) { return true }
        let collections = readyCollections
        let start = nextMaintained.add(1, ordering: .relaxed).oldValue
        for offset in collections.indices {
            let collection = collections[(start + offset) % collections.count]
            do throws(DatabaseError) {
                if try collection.maintain(context: context) { return true }
            } catch {
                // Cancelled, or out of memory for an index: the rows stay scanned, and the work is there next
                // time.
                continue
            }
        }
        return false
    }

    /// Nanoseconds until there is something to do that only has to be waited for: measuring takes a share of idle
    /// time, and what failed is tried again after a while. Whoever runs the steps comes back then. `nil` when
    /// nobody needs to.
    package var maintenancePause: UInt64? {
        let look: UInt64? = environment.disk.isLow ? 500_000_000 : nil
        return ([look, loadPause, reembeddingPause] + readyCollections.map { $0.maintenancePause })
            .compactMap(\.self).min()
    }

    /// Syncs and closes every log and releases the directory. No request may be running.
    package func close() {
        for collection in readyCollections { collection.retire() }
        lock.release()
    }
}
