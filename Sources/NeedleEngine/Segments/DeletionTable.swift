import NeedleCore
import Synchronization

/// Which rows of a segment are dead, and since which LSN.
///
/// One word a row: 0 = alive, else the LSN of the write that deleted or replaced it. Kept beside the segment, whose
/// file never changes (invariant 5). Readers at an LSN see exactly the deletions up to it, so cursors keep their
/// moment without a copy. The table is reserved memory: rows never deleted cost nothing.
///
/// One writer marks (under the collection's writer lock); any thread reads without a lock. A reader's LSN was
/// published after the marks up to it were stored, so relaxed loads suffice.
final class DeletionTable: Sendable {
    private let memory: ReservedMemory
    // SAFETY: points into `memory`, which lives as long as this object; all access is atomic.
    private nonisolated(unsafe) let words: UnsafeMutablePointer<Atomic<UInt64>>
    private let markedRows = Atomic<Int>(0)
    let capacity: Int

    init(capacity: Int) throws(DatabaseError) {
        memory = try ReservedMemory(byteCount: capacity * MemoryLayout<UInt64>.stride)
        words = memory.boundAtomically(to: UInt64.self)
        self.capacity = capacity
    }

    /// Rows marked so far, at any LSN.
    var count: Int { markedRows.load(ordering: .relaxed) }

    /// - Precondition: the row was alive; only the writer calls.
    func mark(_ row: Int, at lsn: LSN) {
        precondition(row < capacity && lsn > .zero)
        let before = words[row].exchange(lsn.value, ordering: .relaxed)
        precondition(before == 0, "a row dies once")
        markedRows.add(1, ordering: .relaxed)
    }

    /// The LSN that deleted the row; `nil` while it is alive.
    @inline(__always)
    func deletionLSN(of row: Int) -> LSN? {
        let word = words[row].load(ordering: .relaxed)
        return word == 0 ? nil : LSN(word)
    }

    @inline(__always)
    func isDeleted(_ row: Int, at lsn: LSN) -> Bool {
        let word = words[row].load(ordering: .relaxed)
        return word != 0 && word <= lsn.value
    }

    /// Rows among the first `rows` that are dead at `lsn`. O(rows) when anything was deleted, else O(1).
    func rowsDeleted(upTo lsn: LSN, of rows: Int) -> [UInt32] {
        guard count > 0 else { return [] }
        var result: [UInt32] = []
        for row in 0..<rows where isDeleted(row, at: lsn) {
            result.append(UInt32(row))
        }
        return result
    }

    /// Bytes that marks can have made resident: an upper bound.
    var residentBytes: Int { min(count * 4096, capacity * MemoryLayout<UInt64>.stride) }
}
