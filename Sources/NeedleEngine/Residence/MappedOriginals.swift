import NeedleCore
import NeedleStorage
import NeedleVectors
import Synchronization

/// The originals of a sealed space on their way from the disk.
///
/// They are read in no order (rescoring), so the system is told not to read around them; what is going to be read
/// is asked for beforehand instead, all at once, so that a search waits for the disk once and not for each row. Asking
/// costs about as much as reading a row that lies in memory, so it is done only while reads are found to
/// wait for the disk. Safe to use from any thread.
final class MappedOriginals: Sendable {
    private let reader: SegmentReader
    private let section: SegmentSection
    /// Reads that will be announced before one goes without, to see whether it waits.
    private let announced: Atomic<Int>

    /// Of reads by rows while nothing waits for the disk, one of four is looked at: asking the system costs as much as reading
    /// some rows.
    private let reads = Atomic<UInt32>(0)
    private static let readsALook: UInt32 = 4

    private let residence = Mutex<Residence?>(nil)

    private struct Residence {
        var isResident: Bool
        var until: UInt64
    }

    /// A search that waits for one row pays for announcing as many searches as this.
    private static let usesPerFault = 8
    private static let mostUses = 256

    init(reader: SegmentReader, section: SegmentSection) {
        self.reader = reader
        self.section = section
        announced = Atomic(Self.mostUses)
        reader.advise(.random, section)
    }

    /// Whether reads were found to wait for the disk lately, or nobody knows yet.
    var isCold: Bool { announced.load(ordering: .relaxed) > 0 }

    private func note(wasCold: Bool, faults: Int) {
        if faults > 0 {
            let uses = min(Self.mostUses, faults * Self.usesPerFault)
            announced.store(max(uses, announced.load(ordering: .relaxed)), ordering: .relaxed)
        } else if wasCold {
            announced.subtract(1, ordering: .relaxed)
        }
    }

    private func announce(_ rows: Range<Int>) {
        reader.advise(
            .willNeed, (rows.lowerBound * section.stride)..<(rows.upperBound * section.stride), of: section)
    }

    /// Reads some rows in `body`.
    func reading<Result>(
        _ rows: some Sequence<UInt32>, _ body: () throws(DatabaseError) -> Result
    ) throws(DatabaseError) -> Result {
        let wasCold = isCold
        if wasCold {
            for row in rows { announce(Int(row)..<(Int(row) + 1)) }
        } else if reads.add(1, ordering: .relaxed).oldValue % Self.readsALook != 0 {
            return try body()
        }
        let before = PageFaults.waitedForDisk()
        let result = try body()
        note(wasCold: wasCold, faults: PageFaults.waitedForDisk() - before)
        return result
    }

    // MARK: Residence

    private static let looksEvery: UInt64 = 10_000_000_000
    /// Of a hundred bytes in memory, so many are all but those that nobody has read yet.
    private static let nearlyAll = 95

    /// Whether nearly all of them lie in memory, so that going through them waits for no disk and pushes out nothing
    /// that searches need. Looked up every ten seconds at most.
    ///
    /// - Parameter now: nanoseconds of the monotonic clock.
    /// - Complexity: O(pages) when looked up: some milliseconds for a gigabyte.
    func areResident(at now: UInt64) -> Bool {
        residence.withLock { residence in
            if let known = residence, now < known.until { return known.isResident }
            let isResident = reader.residentBytes(of: section) >= section.byteCount / 100 * Self.nearlyAll
            residence = Residence(isResident: isResident, until: now &+ Self.looksEvery)
            return isResident
        }
    }

    /// Bytes that are asked for while those before them are read.
    private static let windowBytes = 1 << 20

    /// Reads a run of rows in `body`, window by window, in order.
    func reading(
        _ rows: Range<UInt32>, _ body: (Range<UInt32>) throws(DatabaseError) -> Void
    ) throws(DatabaseError) {
        let wasCold = isCold
        var announces = wasCold
        let started = PageFaults.waitedForDisk()
        let step = max(1, Self.windowBytes / max(1, section.stride))
        if announces { announce(window(from: Int(rows.lowerBound), step, in: rows)) }
        var first = Int(rows.lowerBound)
        while first < Int(rows.upperBound) {
            let current = window(from: first, step, in: rows)
            if announces { announce(window(from: current.upperBound, step, in: rows)) }
            try body(UInt32(current.lowerBound)..<UInt32(current.upperBound))
            announces = announces || PageFaults.waitedForDisk() > started
            first = current.upperBound
        }
        note(wasCold: wasCold, faults: PageFaults.waitedForDisk() - started)
    }

    private func window(from first: Int, _ step: Int, in rows: Range<UInt32>) -> Range<Int> {
        let start = min(first, Int(rows.upperBound))
        return start..<min(start + step, Int(rows.upperBound))
    }

    /// Somebody is going to read all rows in order, a merge; searches meanwhile read more than they need.
    func beginReadingAll() { reader.advise(.sequential, section) }
    func endReadingAll() { reader.advise(.random, section) }
}
