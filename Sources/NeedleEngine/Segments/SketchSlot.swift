import NeedleCore
import NeedleVectors
import Synchronization

/// The place for a sealed graph's sketches, which come after the segment is served: they are derived from its
/// codes, in memory only, and searches do without them until they are there.
///
/// Filled at most once, by maintenance; read by any thread without a lock.
final class SketchSlot: Sendable {
    private let table = AtomicLazyReference<SketchTable>()
    private let isTried = Atomic<Bool>(false)

    var sketches: SketchTable? { table.load() }

    /// Whether nobody has found out yet if sketches help here.
    var isOpen: Bool { !isTried.load(ordering: .relaxed) }

    /// Makes the sketches if they help. One thread. Broken off by the context it may be tried again; without
    /// memory the segment goes on without sketches.
    ///
    /// - Returns: whether it is known now if there are any.
    /// - Complexity: about 5 µs a row.
    func fill(for graph: GraphView, options: EngineOptions, context: OperationContext) -> Bool {
        do throws(DatabaseError) {
            let made = try SketchTraining.sketches(
                of: graph, seed: options.seed, leastRows: options.sketchedRows, context: context)
            if let made { _ = table.storeIfNil(made) }
        } catch {
            guard error.kind == .memoryBudget else { return false }
        }
        isTried.store(true, ordering: .relaxed)
        return true
    }

    /// Bytes in memory.
    var byteCount: Int { sketches?.bytes.count ?? 0 }
}
