import NeedleCore
import Synchronization

/// Which blocks of a segment were compared with their checksums since it was opened, and which of them did not
/// agree (invariant 6).
///
/// Blocks are read through the file and not through the mapping: a sector that the disk cannot read is an error
/// here, where touching its page would end the process. The file is opened when there is something to check.
/// What was once found damaged stays so until the segment is opened again. A block that could not be read is not
/// damaged, but cannot be used either: it counts as damaged, with `storage_failed`, until it is read after all.
///
/// Safe to use from several threads: at worst two check the same block.
final class VerifiedBlocks: Sendable {
    private let fileSystem: any FileSystem
    private let path: String
    private let layout: SegmentLayout
    private let checksums: [UInt32]
    /// Let go of, never closed: another thread may be reading.
    private let handle: Mutex<(any StorageFile)?>
    // SAFETY: allocated in init with one bit per block, freed in deinit, and only used by atomic operations.
    private nonisolated(unsafe) let words: UnsafeMutablePointer<Atomic<UInt64>>
    private let wordCount: Int
    /// Blocks that are not known to be right.
    private let left: Atomic<Int>
    private let damaged = Mutex<[Int: DatabaseError]>([:])
    private let damagedCount = Atomic<Int>(0)
    /// Where the pass over all blocks goes on.
    private let nextInPass = Atomic<Int>(0)

    /// - Parameter file: kept until `closeFile`.
    /// - Throws: `corruption` when the table of checksums is damaged itself.
    init(
        _ fileSystem: any FileSystem, file: any StorageFile, layout: SegmentLayout, path: String
    ) throws(DatabaseError) {
        let table = try file.readExactly(layout.fileBytes - layout.tableOffset, at: layout.tableOffset)
        guard CRC32C.checksum(table) == layout.tableChecksum else {
            throw .corruption(
                file: path, offset: layout.tableOffset, what: "the checksum table's checksum is wrong")
        }
        checksums = table.withUnsafeBytes { bytes in
            (0..<layout.blockCount).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self) }
        }
        self.fileSystem = fileSystem
        self.layout = layout
        self.path = path
        handle = Mutex(file)
        wordCount = (layout.blockCount + 63) / 64
        words = .allocate(capacity: max(1, wordCount))
        for index in 0..<wordCount { (words + index).initialize(to: Atomic(0)) }
        left = Atomic(layout.blockCount)
    }

    deinit {
        words.deinitialize(count: wordCount)
        words.deallocate()
    }

    var count: Int { layout.blockCount }

    /// Every block is known to be right.
    var isComplete: Bool { left.load(ordering: .relaxed) == 0 }

    // MARK: Damage

    var hasDamage: Bool { damagedCount.load(ordering: .acquiring) > 0 }

    /// By the number of the block.
    var damage: [(block: Int, error: DatabaseError)] {
        guard hasDamage else { return [] }
        return damaged.withLock { $0.map { (block: $0.key, error: $0.value) } }.sorted { $0.block < $1.block }
    }

    /// Whether a damaged block holds a part of the range.
    func isDamaged(_ range: Range<Int>) -> Bool {
        guard hasDamage else { return false }
        return damaged.withLock { damaged in
            damaged.keys.contains { self.range(of: $0).overlaps(range) }
        }
    }

    /// - Returns: the damage that was noted first, else why the block cannot be read.
    private func note(_ error: DatabaseError, of number: Int) -> DatabaseError {
        let noted = damaged.withLock { damaged in
            if damaged[number] == nil { damagedCount.add(1, ordering: .releasing) }
            if damaged[number]?.kind != .corruption { damaged[number] = error }
            return damaged[number] ?? error
        }
        guard (0..<layout.blockCount).contains(number) else { return noted }
        let bit = UInt64(1) << UInt64(number % 64)
        let (before, _) = words[number / 64].bitwiseAnd(~bit, ordering: .acquiringAndReleasing)
        if before & bit != 0 { left.add(1, ordering: .relaxed) }
        return noted
    }

    /// What stands for the header page and for the table of checksums among the numbers of blocks. Both were read at
    /// opening and are in memory: damage on the disk harms the next opening only, so it asks for the segment to be
    /// rewritten like damage to what is derived.
    private static let header = -1
    private var table: Int { layout.blockCount }

    /// Where a block, or what stands among them, lies in the file.
    func range(of number: Int) -> Range<Int> {
        switch number {
        case Self.header: 0..<SegmentFormat.headerBytes
        case table: layout.tableOffset..<layout.fileBytes
        default: layout.block(number)
        }
    }

    private func noted(_ number: Int) -> DatabaseError? {
        hasDamage ? damaged.withLock { $0[number] } : nil
    }

    /// A block that could not be read was read, and is right.
    private func forgetUnreadable(_ number: Int) {
        guard hasDamage else { return }
        damaged.withLock { damaged in
            guard let error = damaged[number], error.kind != .corruption else { return }
            damaged[number] = nil
            damagedCount.subtract(1, ordering: .releasing)
        }
    }

    /// Blocks that could not be read the last time it was tried.
    private var unreadable: [Int] {
        hasDamage ? damaged.withLock { $0.filter { $0.value.kind != .corruption }.map(\.key) } : []
    }

    var hasUnreadable: Bool { !unreadable.isEmpty }

    /// Tries to read again what could not be read.
    ///
    /// - Returns: whether all of it can be told now: right or damaged.
    func retryUnreadable() -> Bool {
        for number in unreadable.sorted() {
            do throws(DatabaseError) { try verify(block: number) } catch { continue }
        }
        return !hasUnreadable
    }

    // MARK: Checking

    /// Checks the blocks of a range that were not checked yet.
    ///
    /// - Throws: `corruption` when one of them is damaged.
    func verify(_ range: Range<Int>) throws(DatabaseError) {
        if isComplete || range.isEmpty { return }
        precondition(range.lowerBound >= 0 && range.upperBound <= layout.fileBytes, "a range of the file")
        let end = min(range.upperBound, layout.tableOffset)
        let first = range.lowerBound / layout.blockBytes
        let last = (end - 1) / layout.blockBytes
        guard first <= last else { return }
        for number in first...last where !isVerified(number) { try verify(block: number) }
    }

    @inline(__always)
    private func isVerified(_ number: Int) -> Bool {
        words[number / 64].load(ordering: .acquiring) & (1 << UInt64(number % 64)) != 0
    }

    private func verify(block number: Int) throws(DatabaseError) {
        try check(number)
        let bit = UInt64(1) << UInt64(number % 64)
        let (before, _) = words[number / 64].bitwiseOr(bit, ordering: .acquiringAndReleasing)
        guard before & bit == 0 else { return }
        let leftNow = left.subtract(1, ordering: .acquiringAndReleasing).newValue
        // Another thread may have found damage after this one had read.
        if let error = noted(number) { throw note(error, of: number) }
        if leftNow == 0 { closeFile() }
    }

    /// Compares a block with its checksum, whether it was checked before or not.
    ///
    /// - Throws: `corruption`, which is remembered for good; `storage_failed` when the disk does not give the block,
    ///   which is tried again the next time; why the file cannot be opened.
    func check(_ number: Int) throws(DatabaseError) {
        if let error = noted(number), error.kind == .corruption { throw error }
        let range = layout.block(number)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: range.count, alignment: 64)
        defer { buffer.deallocate() }
        // A file that cannot be opened says nothing about its blocks.
        let file = try currentHandle()
        do throws(DatabaseError) {
            try read(file, into: buffer, at: range.lowerBound)
        } catch {
            throw note(
                error.kind == .corruption
                    ? error
                    : DatabaseError(
                        .storageFailed, "\(path): block \(number) cannot be read: \(error.message)",
                        at: "\(path):\(range.lowerBound)"), of: number)
        }
        guard CRC32C.checksum(UnsafeRawBufferPointer(buffer)) == checksums[number] else {
            throw note(
                .corruption(
                    file: path, offset: range.lowerBound, what: "block \(number) has the wrong checksum"),
                of: number)
        }
        forgetUnreadable(number)
    }

    /// Compares header page and table of checksums with their own checksums again: for scrub.
    ///
    /// - Throws: `corruption`, which is remembered; why the file cannot be opened.
    func checkEnds() throws(DatabaseError) {
        for number in [Self.header, table] {
            if let error = noted(number) { throw error }
            let file = try currentHandle()
            let range = range(of: number)
            do throws(DatabaseError) {
                let bytes = try file.readExactly(range.count, at: range.lowerBound)
                if number == Self.header {
                    try FormatCheck.trailingChecksum(bytes, file: path)
                } else if CRC32C.checksum(bytes) != layout.tableChecksum {
                    throw .corruption(
                        file: path, offset: range.lowerBound, what: "the checksum table's checksum is wrong")
                }
            } catch {
                throw error.kind == .corruption ? note(error, of: number) : error
            }
        }
    }

    /// Reads a block, once more if the disk did not answer the first time.
    private func read(
        _ file: any StorageFile, into buffer: UnsafeMutableRawBufferPointer, at offset: Int
    ) throws(DatabaseError) {
        let count: Int
        do throws(DatabaseError) {
            count = try file.read(into: buffer, at: offset)
        } catch {
            count = try file.read(into: buffer, at: offset)
        }
        guard count == buffer.count else {
            throw .corruption(file: path, offset: offset, what: "the file ends after \(offset + count) bytes")
        }
    }

    private func currentHandle() throws(DatabaseError) -> any StorageFile {
        try handle.withLock { (file) throws(DatabaseError) in
            if let file { return file }
            let opened = try fileSystem.openForReading(path)
            file = opened
            return opened
        }
    }

    /// Lets go of the file; checking another block opens it again.
    func closeFile() {
        handle.withLock { $0 = nil }
    }

    /// Goes on with a pass over all blocks that were not checked yet; several threads may share it.
    ///
    /// - Returns: the bytes checked; `nil` when the pass is over.
    func verifyNext(_ count: Int) -> Int? {
        let start = nextInPass.add(count, ordering: .relaxed).oldValue
        guard start < layout.blockCount else {
            nextInPass.store(layout.blockCount, ordering: .relaxed)
            closeFile()
            return nil
        }
        var bytes = 0
        for number in start..<min(start + count, layout.blockCount) where !isVerified(number) {
            bytes += layout.block(number).count
            // Damage is remembered, and the pass is there to find all of it.
            do throws(DatabaseError) { try verify(block: number) } catch { continue }
        }
        return bytes
    }

    /// The pass over all blocks has come to its end, or has nothing to do.
    var isPassOver: Bool { isComplete || nextInPass.load(ordering: .relaxed) >= layout.blockCount }
}
