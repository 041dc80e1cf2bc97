// Working memory of one search or insertion, reused from one to the next so that a search allocates only its
// result.

import Glibc
import Synchronization

/// The visited set, the beam and the buffers of one search. Used by one thread at a time.
///
/// The visited set is a byte per row holding the epoch of the search that last met the row: a new search is a
/// new epoch, and only every 255th has to clear the bytes.
package final class SearchScratch: @unchecked Sendable {
    // SAFETY: a scratch is owned by whoever took it from the pool until it is given back; it is never used by
    // two threads at once. All buffers are allocated and freed here, and grow only in `prepare`, between
    // searches.
    private(set) var visited = ScratchBuffer<UInt8>()
    private(set) var epoch: UInt8 = 0
    /// Beam entries and their marks: see `Beam`.
    private(set) var keys = ScratchBuffer<UInt64>()
    private(set) var expanded = ScratchBuffer<UInt8>()
    /// Rows waiting to be scored, and their distances.
    private(set) var rows = ScratchBuffer<UInt32>()
    private(set) var distances = ScratchBuffer<Float>()
    /// Integer products of a block of rows, on their way to become distances.
    private(set) var products = ScratchBuffer<Int32>()
    /// The query in the form of the codes, and room to rotate a vector in.
    let query = CodedQuery()
    let sketchQuery = SketchQuery()
    private(set) var rotated = ScratchBuffer<Float>()
    /// For filtered searches: neighbours that are not admitted themselves.
    private(set) var bridges = ScratchBuffer<UInt32>()
    /// For insertions: sorted candidates of a list, those kept, and those put aside.
    private(set) var candidates = ScratchBuffer<UInt64>()
    private(set) var kept = ScratchBuffer<UInt32>()
    private(set) var spare = ScratchBuffer<UInt32>()
    /// For insertions: per level the number of neighbours chosen, then these.
    private(set) var chosen = ScratchBuffer<UInt32>()

    package init() {}

    /// Makes room for a search over `rowCount` rows with a beam of `width` and lists of `listLength`.
    func prepare(rowCount: Int, width: Int, listLength: Int) {
        if visited.reserve(rowCount) { epoch = 0 }
        keys.reserve(width + 1)
        expanded.reserve(width + 1)
        prepareRows(listLength)
        prepareProducts(listLength)
    }

    /// Makes room for a search among the rows of a mask: blocks of a scan; seeds; the neighbours of one row, and those
    /// of one more.
    func prepareFiltered(listLength: Int) {
        let most = max(256, 2 * listLength)
        prepareRows(most)
        prepareProducts(most)
        bridges.reserve(listLength)
    }

    /// Makes room for the integer products of so many rows at once.
    func prepareProducts(_ count: Int) {
        products.reserve(count)
    }

    /// Makes room for the scores of so many rows at once.
    func prepareRows(_ count: Int) {
        rows.reserve(count)
        distances.reserve(count)
    }

    /// Makes room for a vector on its way to become codes.
    func prepareCodes(dimension: Int) {
        rotated.reserve(dimension)
    }

    /// Makes room for an insertion too.
    func prepareSelection(width: Int, listLength: Int) {
        candidates.reserve(width + listLength + 1)
        kept.reserve(listLength + 1)
        spare.reserve(width + listLength + 1)
        chosen.reserve(Int(GraphHeader.maximumLevels) * listLength)
    }

    /// Forgets which rows were visited.
    func beginEpoch() {
        epoch &+= 1
        if epoch == 0 {
            visited.clear()
            epoch = 1
        }
    }
}

/// Zeroed memory that grows and forgets its contents when it does.
@unsafe struct ScratchBuffer<Element: BitwiseCopyable>: ~Copyable {
    // SAFETY: owned by this value alone; calloc gives the alignment of any element used here.
    private(set) var base: UnsafeMutablePointer<Element>
    private(set) var capacity: Int

    init() {
        capacity = 16
        base = Self.allocate(16)
    }

    deinit {
        free(base)
    }

    /// Whether the buffer had to grow.
    @discardableResult
    mutating func reserve(_ count: Int) -> Bool {
        if count <= capacity { return false }
        free(base)
        capacity = max(count, capacity + capacity / 2)
        base = Self.allocate(capacity)
        return true
    }

    func clear() {
        memset(base, 0, capacity * MemoryLayout<Element>.stride)
    }

    private static func allocate(_ count: Int) -> UnsafeMutablePointer<Element> {
        guard let memory = calloc(count, MemoryLayout<Element>.stride) else {
            preconditionFailure("out of memory: \(count) elements of search scratch")
        }
        return memory.bindMemory(to: Element.self, capacity: count)
    }
}

/// Scratches that wait to be used. The lock is held only to take and to give back.
package final class SearchScratchPool: Sendable {
    private let idle = Mutex<[SearchScratch]>([])
    private let keep: Int

    /// - Parameter keep: the most idle scratches held; more are freed.
    package init(keep: Int = 64) {
        self.keep = keep
    }

    package func take() -> SearchScratch {
        idle.withLock { $0.popLast() } ?? SearchScratch()
    }

    package func giveBack(_ scratch: SearchScratch) {
        idle.withLock { idle in
            if idle.count < keep { idle.append(scratch) }
        }
    }
}
