import NeedleCore
import NeedleVectors

/// The graph that a merge's output goes on from: that of the input which brings the most rows. Its live rows keep
/// their links and only the rest is inserted, so that a merge costs by what is new and what died.
///
/// Immutable but for the counters of what is done; safe to share between threads.
final class GraphAdoption: Sendable {
    /// Keeps the mapping alive.
    private let source: SealedSegment
    let graph: GraphView
    /// Rows of the source to rows of the output.
    let rows: RowMap
    /// By row of the output: whether it comes with its links.
    private let isAdopted: [Bool]
    let adoptedCount: Int
    /// First every adopted row's codes, then every adopted row's lists: choosing links needs the codes of others.
    let encodings = RowRuns()
    let adoptions = RowRuns()

    /// Below this share of adopted rows the graph is mostly new: then every row is refined, not only the new ones.
    private static let settledShare = 2.0 / 3.0

    init(source: SealedSegment, graph: GraphView, newRows: [UInt32], outputRows: Int) {
        self.source = source
        self.graph = graph
        rows = RowMap(newRows: newRows)
        var isAdopted = [Bool](repeating: false, count: outputRows)
        var count = 0
        for (old, new) in newRows.enumerated() where new != RowMap.dropped && graph.contains(UInt32(old)) {
            isAdopted[Int(new)] = true
            count += 1
        }
        self.isAdopted = isAdopted
        adoptedCount = count
    }

    func contains(_ row: Int) -> Bool { isAdopted[row] }

    /// Whether the row's list was chosen in a graph that is much the same.
    func isSettled(_ row: Int) -> Bool {
        isAdopted[row] && Double(adoptedCount) >= Self.settledShare * Double(isAdopted.count)
    }

    /// Rows of the source.
    private var oldRows: Int { Int(graph.header.rowCount) }

    var isDone: Bool { encodings.done >= isAdopted.count && adoptions.done >= oldRows }

    var hasUnclaimed: Bool {
        if encodings.done < isAdopted.count { return encodings.hasUnclaimed(of: isAdopted.count) }
        return adoptions.hasUnclaimed(of: oldRows)
    }

    /// Does one run of rows; false when there is nothing to claim now.
    func doRun(builder: GraphBuilder, table: VectorTable, scratch: SearchScratch) -> Bool {
        let hasEncoded = encodings.doRun(of: isAdopted.count) { row in
            if isAdopted[row] { builder.encode(UInt32(row), table: table, scratch: scratch) }
        }
        if hasEncoded { return true }
        guard encodings.done >= isAdopted.count else { return false }
        return adoptions.doRun(of: oldRows) { old in
            builder.adopt(UInt32(old), of: graph, rows: rows, table: table, scratch: scratch)
        }
    }
}
