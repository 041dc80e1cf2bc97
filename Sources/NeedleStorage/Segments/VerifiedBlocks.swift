import NeedleCore
import Synchronization

/// Which blocks of a mapped segment were compared with their checksums since it was opened (invariant 6).
///
/// Safe to use from several threads: at worst two check the same block.
final class VerifiedBlocks: Sendable {
    private let region: MappedRegion
    private let layout: SegmentLayout
    private let path: String
    // SAFETY: allocated in init with one bit per block, freed in deinit, and only used by atomic operations.
    private nonisolated(unsafe) let words: UnsafeMutablePointer<Atomic<UInt64>>
    private let wordCount: Int
    private let left: Atomic<Int>

    /// - Throws: `corruption` when the table of checksums is damaged itself.
    init(region: MappedRegion, layout: SegmentLayout, path: String) throws(DatabaseError) {
        let table = UnsafeRawBufferPointer(rebasing: region.bytes[layout.tableOffset...])
        guard CRC32C.checksum(table) == layout.tableChecksum else {
            throw .corruption(
                file: path, offset: layout.tableOffset, what: "the checksum table's checksum is wrong")
        }
        self.region = region
        self.layout = layout
        self.path = path
        wordCount = (layout.blockCount + 63) / 64
        words = .allocate(capacity: max(1, wordCount))
        for index in 0..<wordCount { (words + index).initialize(to: Atomic(0)) }
        left = Atomic(layout.blockCount)
    }

    deinit {
        words.deinitialize(count: wordCount)
        words.deallocate()
    }

    var isComplete: Bool { left.load(ordering: .relaxed) == 0 }

    func verify(_ range: Range<Int>) throws(DatabaseError) {
        if isComplete || range.isEmpty { return }
        precondition(range.lowerBound >= 0 && range.upperBound <= region.count, "a range of the file")
        let end = min(range.upperBound, layout.tableOffset)
        let first = range.lowerBound / SegmentFormat.blockBytes
        let last = (end - 1) / SegmentFormat.blockBytes
        guard first <= last else { return }
        for number in first...last {
            let bit = UInt64(1) << UInt64(number % 64)
            if words[number / 64].load(ordering: .acquiring) & bit != 0 { continue }
            try check(number)
            let (before, _) = words[number / 64].bitwiseOr(bit, ordering: .acquiringAndReleasing)
            if before & bit == 0 { left.subtract(1, ordering: .relaxed) }
        }
    }

    /// Compares one block with its checksum.
    func check(_ number: Int) throws(DatabaseError) {
        let range = layout.block(number)
        // SAFETY: the table has four bytes for each block; its size was checked at opening.
        let stored = region.bytes.loadUnaligned(
            fromByteOffset: layout.tableOffset + 4 * number, as: UInt32.self)
        guard CRC32C.checksum(UnsafeRawBufferPointer(rebasing: region.bytes[range])) == stored else {
            throw .corruption(
                file: path, offset: range.lowerBound, what: "block \(number) has the wrong checksum")
        }
    }
}
