import NeedleCore
import NeedleVectors
import Synchronization

/// The place for a sealed graph's sketches, which come after the segment is served: they are derived from its
/// codes, in memory only, and searches do without them until they are there.
///
/// Filled at most once, by maintenance; read by any thread without a lock.
final class SketchSlot: Sendable {
    private let table = AtomicLazyReference<SketchTable>()
    /// Holds the sketches' part of the budget.
    private let share = AtomicLazyReference<ResidenceShare>()
    private let trial = ResidenceTrial()

    var sketches: SketchTable? { table.load() }

    /// Whether nobody has found out yet if sketches help here, and there may be room for them.
    func isOpen(_ ledger: ResidenceLedger) -> Bool { trial.isOpen(ledger) }

    /// Makes the sketches if they help and the budget has room. One thread. Broken off by the context it may be
    /// tried again; without memory the segment goes on without sketches.
    ///
    /// - Returns: false when the context broke it off.
    /// - Complexity: about 5 µs a row.
    func fill(
        for graph: GraphView, options: EngineOptions, ledger: ResidenceLedger, context: OperationContext
    ) -> Bool {
        let generation = ledger.generation
        guard let share = ledger.reserve(Int(graph.header.rowCount) * SketchTable.stride) else {
            trial.refused(at: generation)
            return true
        }
        do throws(DatabaseError) {
            let made = try SketchTraining.sketches(
                of: graph, seed: options.seed, leastRows: options.sketchedRows, context: context)
            if let made {
                _ = self.share.storeIfNil(share)
                _ = table.storeIfNil(made)
            }
        } catch {
            guard error.kind == .memoryBudget else { return false }
        }
        trial.decide()
        return true
    }

    /// Bytes in memory.
    var byteCount: Int { sketches?.bytes.count ?? 0 }
}
