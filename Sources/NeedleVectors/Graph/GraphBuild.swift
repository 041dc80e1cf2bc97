// Inserting many rows with several threads, for merges and benchmarks; the engine's indexer drives `insert`
// itself.

import Glibc
package import NeedleCore
import Synchronization

/// Rows to be inserted, handed out one by one to any number of threads.
package final class RowQueue: Sendable {
    private enum Rows {
        case range(Range<UInt32>)
        case list([UInt32])
    }

    private let rows: Rows
    private let taken = Atomic<Int>(0)

    package init(_ rows: Range<UInt32>) {
        self.rows = .range(rows)
    }

    package init(_ rows: [UInt32]) {
        self.rows = .list(rows)
    }

    /// The next row nobody has taken yet.
    package func next() -> UInt32? {
        let i = taken.add(1, ordering: .relaxed).oldValue
        switch rows {
        case .range(let range): return i < range.count ? range.lowerBound + UInt32(i) : nil
        case .list(let list): return i < list.count ? list[i] : nil
        }
    }
}

extension GraphBuilder {
    /// Inserts all rows of the queue with `threads` threads, the calling one among them.
    ///
    /// - Throws: the first failure of any thread (the context's); rows inserted so far stay.
    package func build(
        from queue: RowQueue, table: VectorTable, threads: Int, context: OperationContext
    ) throws(DatabaseError) {
        try onAll(queue, threads: threads) { (row, scratch) throws(DatabaseError) in
            try self.insert(row, table: table, scratch: scratch, context: context)
        }
    }

    /// Refines all rows of the queue with `threads` threads, the calling one among them.
    package func refine(
        from queue: RowQueue, table: VectorTable, sketches: SketchTable? = nil, threads: Int,
        context: OperationContext
    ) throws(DatabaseError) {
        try onAll(queue, threads: threads) { (row, scratch) throws(DatabaseError) in
            try self.refine(
                row, table: table, sketches: sketches, scratch: scratch, context: context)
        }
    }

    private func onAll(
        _ queue: RowQueue, threads: Int,
        _ body: @escaping @Sendable (UInt32, SearchScratch) throws(DatabaseError) -> Void
    ) throws(DatabaseError) {
        let failure = Mutex<DatabaseError?>(nil)
        let work: @Sendable () -> Void = {
            let scratch = SearchScratch()
            do throws(DatabaseError) {
                while let row = queue.next() { try body(row, scratch) }
            } catch {
                failure.withLock { $0 = $0 ?? error }
            }
        }
        let helpers = (1..<max(1, threads)).compactMap { _ in WorkerThread(work) }
        work()
        for helper in helpers { helper.join() }
        if let error = failure.withLock({ $0 }) { throw error }
    }
}

/// A POSIX thread that runs one closure; `join` must be called once.
private struct WorkerThread {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private let handle: pthread_t

    /// Nil when the system has no thread to give; the work is then left to the others.
    init?(_ run: @escaping @Sendable () -> Void) {
        var handle = pthread_t()
        let body = Unmanaged.passRetained(Body(run))
        // SAFETY: the thread takes over the reference that passRetained made; when it was not started, we do.
        let status = pthread_create(
            &handle, nil,
            { raw in
                if let raw { Unmanaged<Body>.fromOpaque(raw).takeRetainedValue().run() }
                return nil
            }, body.toOpaque())
        if status != 0 {
            body.release()
            return nil
        }
        self.handle = handle
    }

    func join() {
        pthread_join(handle, nil)
    }
}
