import NeedleCore
import Synchronization

/// From ids to rows of a growing segment: an open-addressing hash table that readers use while the writer fills it.
///
/// A slot holds row + 1 of the *newest* row with some id; older rows of the same id hang behind it in `previous`, so
/// that a reader at an older LSN finds the row that was alive then. Slots never empty again. The writer publishes a
/// row by a release store after its columns are complete; readers load with acquire. Expected O(1).
final class IDTable: Sendable {
    private let slotMemory: ReservedMemory
    private let previousMemory: ReservedMemory
    // SAFETY: both point into memory owned by this object; all access is atomic.
    private nonisolated(unsafe) let slots: UnsafeMutablePointer<Atomic<UInt32>>
    private nonisolated(unsafe) let previous: UnsafeMutablePointer<Atomic<UInt32>>
    private let mask: Int

    /// - Parameter capacity: rows; the load stays at or below one half.
    init(capacity: Int) throws(DatabaseError) {
        var slotCount = 16
        while slotCount < 2 * capacity { slotCount *= 2 }
        slotMemory = try ReservedMemory(byteCount: slotCount * 4)
        previousMemory = try ReservedMemory(byteCount: capacity * 4)
        slots = slotMemory.boundAtomically(to: UInt32.self)
        previous = previousMemory.boundAtomically(to: UInt32.self)
        mask = slotCount - 1
    }

    /// The newest row with this id, or `nil`. `matches` compares a row's id with the wanted one.
    func newestRow(
        hash: UInt64, matches: (Int) throws(DatabaseError) -> Bool
    ) throws(DatabaseError) -> Int? {
        var slot = Int(truncatingIfNeeded: hash) & mask
        while true {
            let entry = slots[slot].load(ordering: .acquiring)
            if entry == 0 { return nil }
            if try matches(Int(entry) - 1) { return Int(entry) - 1 }
            slot = (slot + 1) & mask
        }
    }

    /// The row that held the same id before this one.
    func row(before row: Int) -> Int? {
        let entry = previous[row].load(ordering: .relaxed)
        return entry == 0 ? nil : Int(entry) - 1
    }

    /// Makes `row` the newest of its id. Only the writer calls; the row's columns are complete.
    func insert(
        row: Int, hash: UInt64, matches: (Int) throws(DatabaseError) -> Bool
    ) throws(DatabaseError) {
        var slot = Int(truncatingIfNeeded: hash) & mask
        while true {
            let entry = slots[slot].load(ordering: .relaxed)
            let isSame = if entry == 0 { false } else { try matches(Int(entry) - 1) }
            if entry == 0 || isSame {
                previous[row].store(entry, ordering: .relaxed)
                slots[slot].store(UInt32(row + 1), ordering: .releasing)
                return
            }
            slot = (slot + 1) & mask
        }
    }
}
