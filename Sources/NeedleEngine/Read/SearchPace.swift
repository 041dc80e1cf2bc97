package import NeedleCore
import Synchronization

/// How long the searches of one space took lately, by how hard they tried. Safe to use from any thread.
///
/// Tells a server which searches cost less than a change of threads. Measured, not computed: searches of data
/// that lies on disk, or of rows that no graph reaches yet, show in it like everything else.
package final class SearchPace: Sendable {
    /// Searches up to this are quick, in nanoseconds.
    package static let quick: UInt32 = 500_000

    /// A moving average per class of effort, in nanoseconds; 0 when nothing was measured.
    private let averages = InlineArray<16, Atomic<UInt32>> { _ in Atomic(0) }

    package init() {}

    package func isQuick(_ effort: SearchEffort) -> Bool {
        guard let place = Self.place(of: effort) else { return false }
        return (1...Self.quick).contains(averages[place].load(ordering: .relaxed))
    }

    /// One outlier (a thread that was interrupted) changes little, several in a row do. Of two notes at the same
    /// time one may be lost.
    package func note(_ nanoseconds: UInt64, _ effort: SearchEffort) {
        guard let place = Self.place(of: effort) else { return }
        let old = UInt64(averages[place].load(ordering: .relaxed))
        let sample = max(1, nanoseconds)
        let new = old == 0 ? sample : old - old / 8 + min(sample, 4 * old) / 8
        averages[place].store(UInt32(clamping: new), ordering: .relaxed)
    }

    /// Searches of one class take about the same time; nil for those that are never quick.
    private static func place(of effort: SearchEffort) -> Int? {
        switch effort {
        case .exact: nil
        case .standard: 0
        case .recall(let recall): 1 + [0.9, 0.95, 0.98, 0.99].count { recall >= $0 }
        case .ef(let ef): 6 + min(9, max(0, Int.bitWidth - ef.leadingZeroBitCount - 5))
        }
    }
}

extension Collection {
    /// Whether a search like this has been answered lately in less time than handing it to another thread takes
    /// some few times. Costs nothing, with a filter a microsecond.
    ///
    /// With a filter only if indexes answer it, and even so a guess: another filter of this kind may leave more rows, or
    /// rows that have to be looked at. Whoever cannot wait gives the search a context that ends soon.
    package func isQuick(_ query: SearchQuery) -> Bool {
        guard query.isByVectorsAlone, query.offset + query.limit <= 100, !query.selection.withVector else {
            return false
        }
        if case .text = query.target { return false }
        guard let space = query.space.map({ config.spaceIndex(named: $0) }) ?? 0 else { return false }
        guard let filter = query.filter else { return paces[space].isQuick(query.effort) }
        return filteredPaces[space].isQuick(query.effort) && fieldIndexes.answer(filter)
    }
}
