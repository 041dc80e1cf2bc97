import NeedleCore
import Synchronization

/// The payloads of a segment's rows that are newer than the rows: what `point.set_payload` and its kin write.
///
/// A row keeps its vectors, its place in graphs and its number; a change of its payload is an entry here, with its LSN,
/// which then is the point's version (decision 18). Readers at an LSN see exactly the changes up to it, like deletions.
/// Lies beside the segment from its growing to its end, and in a file once it is sealed (`PayloadFile`); merges write
/// the newest payloads into their output. A segment without changes has no memory here and pays one load a read.
///
/// One writer appends (under the collection's writer lock); any thread reads without a lock.
final class PayloadOverlay: Sendable {
    private let rows: Int
    private let memory = AtomicLazyReference<OverlayMemory>()
    /// Whether there is memory: a read asks for each row, and a flag costs less than a reference.
    private let isUsed = Atomic<Bool>(false)

    /// One change of one row, borrowed from the overlay.
    struct Change {
        let row: Int
        let lsn: LSN
        let payload: UnsafeBufferPointer<UInt8>
    }

    /// - Parameter rows: that the segment has room for.
    init(rows: Int) {
        self.rows = rows
    }

    // MARK: Writing

    /// Makes sure that so much can be appended.
    ///
    /// - Throws: `memory_budget`.
    func requireRoom(changes: Int, bytes: Int) throws(DatabaseError) {
        let memory =
            if let known = self.memory.load() {
                known
            } else {
                self.memory.storeIfNil(try OverlayMemory(rows: rows))
            }
        isUsed.store(true, ordering: .releasing)
        guard memory.hasRoom(changes: changes, bytes: bytes) else {
            throw DatabaseError(
                .memoryBudget, "a segment holds too many changed payloads until background work has merged it"
            )
        }
    }

    /// - Precondition: room was required; the LSN is not below that of the last change. Only the writer calls.
    func append(_ payload: UnsafeBufferPointer<UInt8>, row: Int, lsn: LSN) {
        guard let memory = memory.load() else { preconditionFailure("the writer asks before it appends") }
        memory.append(payload, row: row, lsn: lsn)
    }

    // MARK: Reading

    /// Changes so far, at any LSN.
    var count: Int { memory.load()?.count ?? 0 }

    /// Bytes in memory, about.
    var byteCount: Int { memory.load()?.byteCount ?? 0 }

    /// The newest change of a row at an LSN; `nil` while the row is as it was written.
    @inline(__always)
    func change(of row: Int, at lsn: LSN) -> Change? {
        guard isUsed.load(ordering: .acquiring), let memory = memory.load(),
            let change = memory.change(of: row, at: lsn)
        else { return nil }
        return Change(row: row, lsn: LSN(change.lsn), payload: memory.payload(of: change))
    }

    /// How many changes came behind an LSN. O(log changes).
    func count(after lsn: LSN) -> Int {
        guard let memory = memory.load() else { return 0 }
        return memory.count - memory.changes(upTo: lsn)
    }

    /// How many changes came up to an LSN. O(log changes).
    func count(upTo lsn: LSN) -> Int { memory.load()?.changes(upTo: lsn) ?? 0 }

    /// The LSN of the last change up to an LSN, `zero` when there is none.
    func lastLSN(upTo lsn: LSN) -> LSN {
        guard let memory = memory.load() else { return .zero }
        let count = memory.changes(upTo: lsn)
        return count == 0 ? .zero : LSN(memory.change(at: count - 1).lsn)
    }

    /// Rows with a change behind an LSN, in any order, perhaps more than once. O(their number).
    func rowsChanged(after lsn: LSN) -> [UInt32] {
        guard let memory = memory.load() else { return [] }
        return (memory.changes(upTo: lsn)..<memory.count).map { memory.change(at: $0).row }
    }

    /// All changes behind an LSN, in their order.
    func changes(after lsn: LSN) -> [Change] {
        guard let memory = memory.load() else { return [] }
        return (memory.changes(upTo: lsn)..<memory.count).map { index in
            let change = memory.change(at: index)
            return Change(
                row: Int(change.row), lsn: LSN(change.lsn), payload: memory.payload(of: change))
        }
    }

    /// What every changed row holds at an LSN, by LSN. O(changes).
    func newest(at lsn: LSN) -> [Change] {
        guard let memory = memory.load() else { return [] }
        var newest: [Change] = []
        for index in 0..<memory.changes(upTo: lsn) {
            let change = memory.change(at: index)
            // Not where a later one up to the LSN takes its place.
            guard let last = memory.change(of: Int(change.row), at: lsn), last.offset == change.offset,
                last.lsn == change.lsn
            else { continue }
            newest.append(
                Change(row: Int(change.row), lsn: LSN(change.lsn), payload: memory.payload(of: change)))
        }
        return newest
    }
}

extension Segment {
    /// A row's payload at an LSN, borrowed from the segment.
    ///
    /// - Throws: `corruption` when it lies in a damaged block.
    @inline(__always)
    func payload(of row: Int, at lsn: LSN) throws(DatabaseError) -> UnsafeBufferPointer<UInt8> {
        if let change = overlay.change(of: row, at: lsn) { return change.payload }
        return try columns.writtenPayload(of: row)
    }

    /// The write that last changed a row, up to an LSN.
    func version(of row: Int, at lsn: LSN) -> LSN {
        overlay.change(of: row, at: lsn)?.lsn ?? columns.version(of: row)
    }
}
