import NeedleCore
import NeedleStorage
import NeedleVectors
import Synchronization

/// The place for a copy of a sealed graph's nodes (codes and level-0 links) in anonymous memory on large pages,
/// where a search misses the address cache far less often than in the 4 KiB pages of a mapping, and which the
/// system does not drop while searches need it (docs/decisions/0011-residence.md).
///
/// Filled at most once, by maintenance, after the segment is served; read by any thread without a lock. Only
/// bytes that were compared with their checksums are copied.
final class ResidentNodes: Sendable {
    private let copy = AtomicLazyReference<Copy>()
    private let trial = ResidenceTrial()

    /// SAFETY: written by `fill` before it is published, never after.
    private final class Copy: Sendable {
        let memory: ReservedMemory
        let share: ResidenceShare

        init(memory: ReservedMemory, share: ResidenceShare) {
            self.memory = memory
            self.share = share
        }
    }

    /// Where the copy lies, once it is there; valid as long as this object.
    var base: UnsafeRawPointer? { copy.load().map { UnsafeRawPointer($0.memory.base) } }

    /// Bytes in memory.
    var byteCount: Int { copy.load()?.share.bytes ?? 0 }

    func isOpen(_ ledger: ResidenceLedger) -> Bool { trial.isOpen(ledger) }

    /// Bytes copied between two questions to the context; read ahead of the copying.
    private static let piece = 4 << 20

    /// Copies the nodes if the budget has room, then lets the system forget the file's pages of them: they would
    /// count twice.
    ///
    /// - Returns: false when the context broke it off; then it may be tried again.
    /// - Throws: `corruption` when the section does not match its checksums.
    /// - Complexity: O(bytes): a second for a few gigabytes that lie in the cache.
    func fill(
        from graph: GraphView, reader: SegmentReader, section: SegmentSection, ledger: ResidenceLedger,
        context: OperationContext
    ) throws(DatabaseError) -> Bool {
        let generation = ledger.generation
        let bytes = graph.header.nodesBytes
        guard let share = ledger.reserve(bytes) else {
            trial.refused(at: generation)
            return true
        }
        let memory: ReservedMemory
        do throws(DatabaseError) {
            memory = try ReservedMemory(byteCount: bytes)
        } catch {
            trial.decide()
            return true
        }
        memory.adviseLargePages()
        let source = reader.bytes(of: section)
        var done = 0
        while done < bytes {
            if (try? context.check()) == nil { return false }
            let end = min(bytes, done + Self.piece)
            reader.advise(.willNeed, end..<min(bytes, end + Self.piece), of: section)
            try reader.verify((section.offset + done)..<(section.offset + end))
            // SAFETY: both ranges hold `bytes` bytes; nobody else has the memory yet.
            (memory.base + done).copyMemory(
                from: source.baseAddress.unsafelyUnwrapped + done, byteCount: end - done)
            done = end
        }
        _ = copy.storeIfNil(Copy(memory: memory, share: share))
        trial.decide()
        reader.advise(.evict, section)
        return true
    }
}
