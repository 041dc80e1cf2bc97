import NeedleCore
import NeedleEngine
import Synchronization

/// Gathers prepared writes per collection and commits all that wait at once: one sync for many (group commit).
///
/// At most one drain runs per collection; while it waits for the disk the next group gathers. Writes are committed in
/// the order in which they were enqueued. Safe to use from any thread.
final class CommitQueue: Sendable {
    private let pool: WorkerPool
    private let waiting = Mutex<[ObjectIdentifier: Group]>([:])

    private struct Item: Sendable {
        var write: PreparedWrite
        var done: @Sendable (Result<WriteReceipt, DatabaseError>) -> Void
    }

    private struct Group {
        var items: [Item] = []
    }

    init(pool: WorkerPool) {
        self.pool = pool
    }

    /// - Parameter done: called once, on a thread of the pool.
    func enqueue(
        _ write: PreparedWrite, to collection: Collection,
        done: @escaping @Sendable (Result<WriteReceipt, DatabaseError>) -> Void
    ) {
        let isFirst = waiting.withLock { waiting in
            let key = ObjectIdentifier(collection)
            let isFirst = waiting[key] == nil
            waiting[key, default: Group()].items.append(Item(write: write, done: done))
            return isFirst
        }
        if isFirst { pool.submit { self.drain(collection) } }
    }

    /// Commits one group, then goes to the end of the pool's queue, so that a busy collection does not keep a thread
    /// from the others.
    private func drain(_ collection: Collection) {
        let items = takeAll(collection)
        guard !items.isEmpty else { return }
        let results = collection.commit(items.map(\.write))
        precondition(results.count == items.count, "commit answers each write")
        for (item, result) in zip(items, results) { item.done(result) }
        pool.submit { self.drain(collection) }
    }

    /// What waits; when nothing does, the drain is over and the next write begins another.
    private func takeAll(_ collection: Collection) -> [Item] {
        waiting.withLock { waiting in
            let key = ObjectIdentifier(collection)
            guard let items = waiting[key]?.items, !items.isEmpty else {
                waiting[key] = nil
                return []
            }
            waiting[key] = Group()
            return items
        }
    }
}
