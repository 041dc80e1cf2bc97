package import NeedleCore

/// A set of row numbers as a compressed bitmap: what a filter becomes.
///
/// Rows that share their upper 16 bits lie in one container, which is a sorted list, a bitmap or a list of runs,
/// whichever is smallest (S. Chambi, D. Lemire et al., "Better bitmap performance with Roaring bitmaps", 2016).
/// A set *is* its serialised form (docs/format/fields.md, "Row sets"): one made here and one in a mapped file are
/// read by the same code, and equal sets have equal bytes.
///
/// Immutable and safe to share. What lies in a file may be wrong in spite of its checksum: opening checks all
/// bounds, and nothing that a container holds leads out of it. Such a set may hold rows that do not exist:
/// intersect it with the rows that do.
package struct PointSet: @unchecked Sendable {
    // SAFETY: points to `wordCount` words that `owner` keeps and that nobody changes any more.
    let words: UnsafePointer<UInt64>
    let wordCount: Int
    private let owner: AnyObject

    /// - Precondition: the words are a whole set, and live and stay as they are while `owner` lives.
    init(words: UnsafePointer<UInt64>, wordCount: Int, owner: AnyObject) {
        self.words = words
        self.wordCount = wordCount
        self.owner = owner
    }

    package static let empty = PointSetBuilder().finish()

    /// All rows of a range. O(rows / 65,536).
    package init(_ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= Self.rowLimit, "rows fit into 32 bits")
        var builder = PointSetBuilder()
        var start = range.lowerBound
        while start < range.upperBound {
            let end = Swift.min(range.upperBound, (start | 0xFFFF) + 1)
            builder.append(key: start >> 16, run: (start & 0xFFFF)...((end - 1) & 0xFFFF))
            start = end
        }
        self = builder.finish()
    }

    /// The rows of a list, in any order and perhaps more than once. O(n log n), O(n) when they rise.
    package init(_ rows: some Sequence<UInt32>) {
        var sorted = Array(rows)
        if zip(sorted, sorted.dropFirst()).contains(where: { $0 > $1 }) { sorted.sort() }
        var builder = PointSetBuilder()
        builder.append(rising: sorted)
        self = builder.finish()
    }

    /// One more than the greatest row.
    package static let rowLimit = 1 << 32

    // MARK: Layout

    static let headerWords = 2

    /// Containers, each with rows of other upper bits, rising.
    var containerCount: Int { Int(words[0] & 0xFFFF_FFFF) }

    private var table: UnsafePointer<UInt64> { words + Int(words[0] >> 32) }

    /// Rows in the set. O(1).
    package var count: Int { Int(truncatingIfNeeded: words[1]) }
    package var isEmpty: Bool { words[1] == 0 }

    /// The upper 16 bits of the rows of a container.
    func key(at index: Int) -> Int { Int(table[2 * index] & 0xFFFF) }

    func container(at index: Int) -> Container {
        let first = table[2 * index]
        let second = table[2 * index + 1]
        return Container(
            kind: ContainerKind(rawValue: UInt8(truncatingIfNeeded: first >> 16)) ?? .list,
            elements: Int(first >> 32), count: Int(second >> 32),
            payload: UnsafeRawPointer(words + Int(second & 0xFFFF_FFFF)))
    }

    /// The container of a key. O(log containers).
    func find(key wanted: Int) -> Container? {
        var low = 0
        var high = containerCount
        while low < high {
            let middle = (low + high) / 2
            if key(at: middle) < wanted { low = middle + 1 } else { high = middle }
        }
        return low < containerCount && key(at: low) == wanted ? container(at: low) : nil
    }

    // MARK: Bytes

    /// The serialised form.
    package var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: words, count: wordCount * 8)
    }

    /// Whether both are the same set in memory; equal ones may lie apart. O(1).
    func isSame(as other: PointSet) -> Bool { words == other.words }

    /// Keeps the memory of the set while `body` works on what it borrowed from it.
    func keepingAlive<Result>(_ body: () -> Result) -> Result {
        withExtendedLifetime(owner, body)
    }

    /// A set that begins at `offset` of some bytes and is used there. O(containers).
    ///
    /// - Parameters:
    ///   - owner: keeps the bytes, which stay as they are.
    ///   - file: for the error.
    /// - Throws: `corruption` when it is no set, or leads out of the bytes.
    package init(
        opening bytes: UnsafeRawBufferPointer, at offset: Int, owner: AnyObject, file: String
    ) throws(DatabaseError) {
        func damaged(_ what: String) -> DatabaseError { .corruption(file: file, offset: offset, what: what) }
        guard let start = bytes.baseAddress, offset >= 0, offset % 8 == 0, offset + 16 <= bytes.count,
            UInt(bitPattern: start) % 8 == 0
        else { throw damaged("a row set outside its section") }
        let available = (bytes.count - offset) / 8
        // SAFETY: aligned and within the bytes, as was just checked; the owner keeps them.
        let words = (start + offset).assumingMemoryBound(to: UInt64.self)
        let containers = Int(words[0] & 0xFFFF_FFFF)
        let tableStart = Int(words[0] >> 32)
        guard containers <= 1 << 16, tableStart >= Self.headerWords, tableStart + 2 * containers <= available
        else { throw damaged("the table of a row set lies outside") }
        self.init(words: words, wordCount: tableStart + 2 * containers, owner: owner)
        var total = 0
        var previous = -1
        for index in 0..<containers {
            let kind = (table[2 * index] >> 16) & 0xFFFF
            let first = Int(table[2 * index + 1] & 0xFFFF_FFFF)
            let container = container(at: index)
            guard kind == UInt64(container.kind.rawValue), container.elements <= 1 << 16,
                container.kind != .bitmap || container.elements == 1024,
                first >= Self.headerWords, first + container.wordCount <= tableStart,
                key(at: index) > previous, (1...(1 << 16)).contains(container.count)
            else { throw damaged("container \(index) of a row set is malformed") }
            previous = key(at: index)
            total += container.count
        }
        guard total == count else { throw damaged("a row set counts \(count) rows where it has \(total)") }
    }
}

extension PointSet: Equatable {
    package static func == (left: PointSet, right: PointSet) -> Bool {
        left.keepingAlive { right.keepingAlive { left.bytes.elementsEqual(right.bytes) } }
    }
}
