// Checksums of a segment's blocks: before the first use after opening, in one pass soon after it, and again by
// scrub (invariant 6). What was found damaged is told by its place, and by the sections that lie there.

package import NeedleCore

/// A damaged block of a segment file.
package struct SegmentDamage: Sendable {
    /// What is wrong, with file and offset.
    package var error: DatabaseError
    /// Where the block lies in the file.
    package var range: Range<Int>
    /// Those that have a part in the block. Empty: only padding, or the directory, which was read already.
    package var sections: [SegmentSection]
}

extension SegmentReader {
    /// Checks the blocks that hold a range of the file and were not checked yet since opening. Once the
    /// whole file is checked this costs one load.
    ///
    /// - Throws: `corruption` naming the block; `storage_failed` when the disk does not give it, which says nothing
    ///   about its content and is tried again the next time.
    package func verify(_ range: Range<Int>) throws(DatabaseError) {
        try blocks.verify(range)
    }

    package func verify(_ section: SegmentSection) throws(DatabaseError) {
        try blocks.verify(section.range)
    }

    /// The same for bytes where they lie in the mapping.
    package func verify(_ start: UnsafeRawPointer, byteCount: Int) throws(DatabaseError) {
        if blocks.isComplete { return }
        let offset = start - region.base
        try blocks.verify(offset..<(offset + byteCount))
    }

    /// Checks elements of a section.
    ///
    /// - Parameter elements: below its count.
    package func verify(_ section: SegmentSection, elements: Range<Int>) throws(DatabaseError) {
        if blocks.isComplete { return }
        precondition(
            elements.lowerBound >= 0 && elements.upperBound <= section.count, "elements of the section")
        let start = section.offset + elements.lowerBound * section.stride
        try blocks.verify(start..<(start + elements.count * section.stride))
    }

    /// Goes on with the pass over all blocks that were not checked since opening; several threads may share it.
    /// Damage does not end it.
    ///
    /// - Parameter bytes: about so many; at least one block.
    /// - Returns: the bytes checked; `nil` when the pass is over.
    package func verifyNext(bytes: Int) -> Int? {
        blocks.verifyNext(max(1, bytes / layout.blockBytes))
    }

    /// Checks blocks, whether they were checked before or not: for scrub. Header and table of checksums go with the
    /// first block. Keeps the file open until `closeFile`.
    ///
    /// - Parameter numbers: below `blockCount`.
    /// - Throws: `corruption` of the first that is damaged, when all were looked at; why the file cannot be
    ///   opened: `not_found` when it has been replaced meanwhile.
    package func scrub(_ numbers: Range<Int>) throws(DatabaseError) {
        precondition(numbers.lowerBound >= 0 && numbers.upperBound <= blockCount, "blocks of this file")
        var first: DatabaseError?
        for number in numbers {
            do throws(DatabaseError) {
                try blocks.check(number)
            } catch {
                // Of a file that cannot be opened no block can be told.
                guard error.kind == .corruption || isDamaged(block: number) else { throw error }
                first = first ?? error
            }
        }
        if numbers.contains(0) {
            do throws(DatabaseError) {
                try blocks.checkEnds()
            } catch {
                guard error.kind == .corruption else { throw error }
                first = first ?? error
            }
        }
        if let first { throw first }
    }

    /// Lets go of the file, so that a segment that nobody checks needs no descriptor; checking opens it again.
    package func closeFile() {
        blocks.closeFile()
    }

    package var blockCount: Int { layout.blockCount }
    /// Bytes of a block; the first and the last one may have less.
    package var blockBytes: Int { layout.blockBytes }
    /// Every block was checked and is right.
    package var isFullyVerified: Bool { blocks.isComplete }
    /// The pass over all blocks is done, whatever it found.
    package var isPassOver: Bool { blocks.isPassOver }

    // MARK: What was found

    package var hasDamage: Bool { blocks.hasDamage }

    /// Some of the damage is blocks that the disk did not give: `retryUnreadable` tries again.
    package var hasUnreadableBlocks: Bool { blocks.hasUnreadable }

    /// - Returns: whether every block could be read now.
    package func retryUnreadable() -> Bool { blocks.retryUnreadable() }

    private func isDamaged(block number: Int) -> Bool {
        let start = number * layout.blockBytes
        return blocks.isDamaged(start..<(start + 1))
    }

    /// Damaged blocks found since opening, and those that could not be read (`storage_failed`), by their place.
    package var damage: [SegmentDamage] {
        blocks.damage.map { number, error in
            let range = blocks.range(of: number)
            return SegmentDamage(
                error: error, range: range,
                sections: sections.filter { !$0.range.isEmpty && $0.range.overlaps(range) })
        }
    }

    /// Whether a part of the section lies in a damaged block.
    package func isDamaged(_ section: SegmentSection) -> Bool {
        blocks.hasDamage && blocks.isDamaged(section.range)
    }
}
