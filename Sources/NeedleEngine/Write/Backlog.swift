import NeedleCore
import Synchronization

/// Memory of segments that take no more writes and wait to be indexed and sealed, of all collections: when rows come in
/// faster than they are indexed, writers are told to wait before it runs out. Safe to use from any thread.
///
/// What waits always becomes less without new writes, so nobody is refused for good. Deletions are never refused.
final class Backlog: Sendable {
    private let limit: Int
    private let waiting = Atomic<Int>(0)
    /// What a client is told to wait: about as long as it takes to index a few thousand rows.
    private static let retryMS = 1_000

    init(limit: Int) {
        self.limit = limit
    }

    /// Bytes that wait now.
    var bytes: Int { waiting.load(ordering: .relaxed) }

    /// Why new rows are refused, if so.
    var reason: String? {
        let bytes = bytes
        return bytes > limit
            ? "rows come in faster than they are indexed: \(bytes) bytes wait for it, at most \(limit) may"
            : nil
    }

    /// - Throws: `overloaded`, to be tried again.
    func requireRoom() throws(DatabaseError) {
        if let reason { throw DatabaseError(.overloaded, reason, retryAfterMS: Self.retryMS) }
    }

    fileprivate func change(by bytes: Int) { waiting.add(bytes, ordering: .relaxed) }
}

/// What one collection has of it.
final class BacklogShare: Sendable {
    let backlog: Backlog
    private let noted = Atomic<Int>(0)

    init(of backlog: Backlog) {
        self.backlog = backlog
    }

    deinit {
        note(0)
    }

    func note(_ bytes: Int) {
        backlog.change(by: bytes - noted.exchange(bytes, ordering: .relaxed))
    }

    /// - Throws: `overloaded` while this collection adds to a backlog that is too large.
    func requireRoom(in set: SegmentSet) throws(DatabaseError) {
        guard set.growing.count > 1 else { return }
        // Graphs grow while they wait.
        note(set.waitingBytes)
        try backlog.requireRoom()
    }
}

extension SegmentSet {
    /// Memory of the segments that wait to be sealed.
    var waitingBytes: Int { growing.dropLast().reduce(0) { $0 + $1.residentBytes } }
}
