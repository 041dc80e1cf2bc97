import NeedleCore
import Synchronization

/// Where the newer payloads of a segment's rows lie: reserved memory that becomes real page by page (decision 3).
///
/// Three ranges: for each row the newest change of it; the changes in the order of their LSNs, each with the one before
/// it of the same row; the payloads' bytes, one behind the other. One writer appends (under the collection's writer
/// lock); any thread reads without a lock.
///
/// SAFETY: every byte is written once, before the change is published: its row's word by a release store, the number of
/// changes by another. Readers follow a word that they loaded with acquire to changes and bytes that are complete and
/// stay as they are. The pointers live as long as this object.
final class OverlayMemory: Sendable {
    /// One change of one row.
    struct Change: BitwiseCopyable {
        var lsn: UInt64
        var offset: UInt64
        var length: UInt32
        var row: UInt32
        /// 1 + the change of the same row before this one; 0 = the row as it was written.
        var previous: UInt32
        var reserved: UInt32 = 0
    }

    private let headMemory: ReservedMemory
    private let changeMemory: ReservedMemory
    private let heapMemory: ReservedMemory
    private nonisolated(unsafe) let heads: UnsafeMutablePointer<Atomic<UInt32>>
    private nonisolated(unsafe) let changes: UnsafeMutablePointer<Change>
    private nonisolated(unsafe) let heap: UnsafeMutablePointer<UInt8>
    private let published = Atomic<Int>(0)
    private let heapUsed = Atomic<Int>(0)

    /// Address space for changes and for payloads: far more than a segment gets before it is rewritten.
    private static let changeCapacity = 32 << 20
    private static let heapCapacity = 4 << 30

    init(rows: Int) throws(DatabaseError) {
        headMemory = try ReservedMemory(byteCount: rows * 4)
        changeMemory = try ReservedMemory(byteCount: Self.changeCapacity * MemoryLayout<Change>.stride)
        heapMemory = try ReservedMemory(byteCount: Self.heapCapacity)
        heads = headMemory.boundAtomically(to: UInt32.self)
        changes = changeMemory.bound(to: Change.self)
        heap = heapMemory.bound(to: UInt8.self)
    }

    /// Changes so far; those below it are complete.
    var count: Int { published.load(ordering: .acquiring) }

    var byteCount: Int { heapUsed.load(ordering: .relaxed) + count * MemoryLayout<Change>.stride }

    func hasRoom(changes: Int, bytes: Int) -> Bool {
        count + changes <= Self.changeCapacity
            && heapUsed.load(ordering: .relaxed) + bytes <= Self.heapCapacity
    }

    /// - Precondition: there is room; the LSN is not below the last one. Only the writer calls.
    func append(_ payload: UnsafeBufferPointer<UInt8>, row: Int, lsn: LSN) {
        precondition(hasRoom(changes: 1, bytes: payload.count), "the writer asks before it appends")
        let index = published.load(ordering: .relaxed)
        precondition(index == 0 || changes[index - 1].lsn <= lsn.value, "changes come by LSN")
        let start = heapUsed.load(ordering: .relaxed)
        if let base = payload.baseAddress { (heap + start).update(from: base, count: payload.count) }
        heapUsed.store(start + payload.count, ordering: .relaxed)
        changes[index] = Change(
            lsn: lsn.value, offset: UInt64(start), length: UInt32(payload.count), row: UInt32(row),
            previous: heads[row].load(ordering: .relaxed))
        published.store(index + 1, ordering: .releasing)
        heads[row].store(UInt32(index + 1), ordering: .releasing)
    }

    /// The newest change of a row at an LSN. O(changes of the row that are newer).
    @inline(__always)
    func change(of row: Int, at lsn: LSN) -> Change? {
        var next = heads[row].load(ordering: .acquiring)
        while next != 0 {
            let change = changes[Int(next) - 1]
            if change.lsn <= lsn.value { return change }
            next = change.previous
        }
        return nil
    }

    /// - Parameter index: below `count`.
    func change(at index: Int) -> Change { changes[index] }

    func payload(of change: Change) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: heap + Int(change.offset), count: Int(change.length))
    }

    /// How many changes are at or below an LSN: the changes before that index. O(log changes).
    func changes(upTo lsn: LSN) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if changes[middle].lsn <= lsn.value { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
