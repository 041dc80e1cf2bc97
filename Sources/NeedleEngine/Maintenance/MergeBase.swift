import NeedleVectors

/// Which input's graph a merge goes on from, in one vector space.
struct MergeBase {
    let inputs: [SealedSegment]
    /// Row i of the output came from there.
    let sources: [Merge.Source]
    let space: Int
    /// Links a row has in the output's graph.
    let m: Int

    /// What the base must bring to the output, and keep of its own, to be worth more than a graph built anew:
    /// bridging many dropped rows costs as much as inserting, and leaves worse links.
    private static let leastShare = 0.3
    private static let leastSurvival = 0.5

    /// `nil`: the graph is built anew.
    var adoption: GraphAdoption? {
        var counts = [Int](repeating: 0, count: inputs.count)
        for source in sources { counts[source.input] += 1 }
        let candidates = inputs.indices.filter { counts[$0] > 0 && graph(of: $0) != nil }
        guard let base = candidates.max(by: { counts[$0] < counts[$1] }), let graph = graph(of: base),
            Double(counts[base]) >= Self.leastShare * Double(sources.count),
            Double(counts[base]) >= Self.leastSurvival * Double(inputs[base].rowCount)
        else { return nil }
        var newRows = [UInt32](repeating: RowMap.dropped, count: inputs[base].rowCount)
        for (row, source) in sources.enumerated() where source.input == base {
            newRows[source.row] = UInt32(row)
        }
        return GraphAdoption(source: inputs[base], graph: graph, newRows: newRows, outputRows: sources.count)
    }

    private func graph(of input: Int) -> GraphView? {
        guard let graph = inputs[input].space(space).graph, Int(graph.header.m) == m else { return nil }
        return graph
    }
}
