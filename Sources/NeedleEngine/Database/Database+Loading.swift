import NeedleCore
import NeedleStorage
import Synchronization

// Opening the collections of a database, after it is listening: any number of threads take one after the other,
// first those that somebody waits for. One that is slow or damaged holds up nobody else. One that could not be
// opened for a reason that may pass (no space, a device that does not answer, no memory) is tried again by the
// background work.

extension Database {
    /// Opens all collections, one after the other. Call once, from a background thread; others may help with
    /// `loadNext`.
    package func loadCollections() {
        while loadNext() {}
    }

    /// Opens the next collection that waits for it. Blocks as long as that takes. Several threads may call at once.
    ///
    /// - Returns: false when no collection waits any more; others may be at the last ones still.
    package func loadNext() -> Bool {
        guard let name = loadOrder.withLock({ $0.next() }) else { return false }
        load(name)
        return true
    }

    private func load(_ name: String, after backoff: Backoff = Backoff()) {
        // Dropped meanwhile, or dropped and created anew.
        guard let incarnation = entries.withLock({ $0[name].flatMap { $0.isOpen ? nil : $0.incarnation } })
        else { return }
        let store = CollectionStore(
            directory: directory.collection(incarnation), incarnation: incarnation, environment: environment)
        do throws(DatabaseError) {
            // A log takes a new file at the start.
            let collection = try environment.disk.usingReserve { () throws(DatabaseError) in
                try store.recover(name: name)
            }
            settle(name, incarnation, .ready(collection))
        } catch {
            settle(name, incarnation, .quarantined(error))
            guard error.mayPass else { return }
            var backoff = backoff
            backoff.noteFailure(now: environment.clock.monotonicNanoseconds())
            failedLoads.withLock { $0[name] = backoff }
            wake()
        }
    }

    private func settle(_ name: String, _ incarnation: Incarnation, _ state: State) {
        let waiting = entries.withLock { entries -> [@Sendable () -> Void]? in
            guard entries[name]?.incarnation == incarnation else { return nil }
            let waiting = entries[name]?.waiting ?? []
            entries[name] = Entry(incarnation: incarnation, state: state)
            return waiting
        }
        guard let waiting else { return }
        if case .ready(let collection) = state {
            adopt(collection)
            followIfReady(name)
        }
        for body in waiting { body() }
    }

    func adopt(_ collection: Collection) {
        collection.maintenance.onWork { [weak self] in self?.wake() }
        wake()
    }

    /// Calls back once when the collection is no longer loading, at once if it is not. It is opened before others
    /// that nobody asked for.
    ///
    /// - Parameter given: a name or an alias.
    package func whenLoaded(_ given: String, _ body: @escaping @Sendable () -> Void) {
        let name = resolved(given)
        let isLoading = entries.withLock { entries in
            guard case .loading? = entries[name]?.state else { return false }
            entries[name]?.waiting.append(body)
            return true
        }
        if isLoading { loadOrder.withLock { $0.ask(for: name) } } else { body() }
    }

    // MARK: Trying again

    /// Tries to open a collection that could not be opened, when its pause is over.
    ///
    /// - Returns: whether it is open now.
    func loadAgainIfDue() -> Bool {
        let due = failedLoads.withLock { failed -> (name: String, backoff: Backoff)? in
            guard !failed.isEmpty else { return nil }
            let now = environment.clock.monotonicNanoseconds()
            guard let due = failed.first(where: { $0.value.pause(now: now) == 0 }) else { return nil }
            failed[due.key] = nil
            return (due.key, due.value)
        }
        guard let due else { return false }
        load(due.name, after: due.backoff)
        return failedLoads.withLock { $0[due.name] == nil }
    }

    /// Nanoseconds until `loadAgainIfDue` has something to do.
    var loadPause: UInt64? {
        let now = environment.clock.monotonicNanoseconds()
        return failedLoads.withLock { $0.values.map { max($0.pause(now: now), 1_000_000) }.min() }
    }
}

extension Database.Entry {
    fileprivate var isOpen: Bool {
        if case .ready = state { true } else { false }
    }
}

extension DatabaseError {
    /// Whether trying the same again later has a chance without anybody mending anything in the files.
    fileprivate var mayPass: Bool { [.diskFull, .storageFailed, .memoryBudget].contains(kind) }
}
