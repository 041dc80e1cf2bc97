// Searching a graph for the rows nearest to a query.

package import NeedleCore

/// Approximate nearest neighbours through an HNSW graph. Stateless; any number of threads may search one
/// graph, also while others insert into it.
package enum GraphSearcher {
    /// The nearest rows found with a beam of `ef`, nearest first, at most `ef` of them.
    ///
    /// Deleted rows come back like any other: the caller drops them and, when too few are left, asks again
    /// with a larger `ef`. Equal distances are ordered by row number. The distances are those of the codes,
    /// or of the float kernels where there are none; final scores come from `Rescoring` and `ExactDistance`.
    ///
    /// - Parameter rowGuard: for a graph that was not checked as a whole.
    /// - Precondition: `table` holds the vectors the graph was built from; the query is not wide; `ef` >= 1.
    /// - Throws: what the context throws, which is asked every 64 expansions; why the guard refused a row.
    /// - Complexity: about ef · 2m distances, growing with the logarithm of the row count.
    package static func search(
        _ graph: GraphView, table: VectorTable, query: PreparedQuery, ef: Int, avoiding: [UInt32] = [],
        guardedBy rowGuard: (any RowGuard)? = nil, scratch: SearchScratch, context: OperationContext,
        kernels: DistanceKernels = .best
    ) throws(DatabaseError) -> [Neighbour] {
        precondition(ef >= 1)
        precondition(query.dimension == table.dimension && query.metric == table.metric)
        try context.check()
        if graph.isEmpty { return [] }
        let width = min(ef, Int(graph.header.rowCount))
        scratch.prepare(
            rowCount: Int(graph.header.rowCount), width: width, listLength: graph.layout.room(level: 0))
        let beam: Beam
        switch graph.quantizer?.kind {
        case nil:
            beam = try query.withKernelVector { (vector) throws(DatabaseError) in
                let scorer = FloatScorer(query: vector, scale: 1, table: table, kernels: kernels)
                return try search(
                    graph, scorer: scorer, width: width, avoiding: avoiding, guardedBy: rowGuard,
                    scratch: scratch, context: context)
            }
        case .int8:
            graph.quantizer?.prepare(query, into: scratch.query)
            let scorer = CodeScorer(
                query: scratch.query, nodes: graph.nodes, layout: graph.layout, scratch: scratch,
                kernels: kernels)
            let filter = graph.sketches.map { SketchFilter($0, scratch: scratch, kernels: kernels) }
            beam = try search(
                graph, scorer: scorer, filter: filter, width: width, avoiding: avoiding, guardedBy: rowGuard,
                scratch: scratch, context: context)
        case .binary:
            graph.quantizer?.prepare(query, into: scratch.query)
            let scorer = BitScorer(
                query: scratch.query, nodes: graph.nodes, layout: graph.layout, scratch: scratch,
                kernels: kernels)
            beam = try search(
                graph, scorer: scorer, width: width, avoiding: avoiding, guardedBy: rowGuard,
                scratch: scratch, context: context)
        }
        return (0..<beam.count).map { i in
            Neighbour(distance: Double(Beam.distance(beam.keys[i])), row: Beam.row(beam.keys[i], salt: 0))
        }
    }

    private static func search<Scorer: RowScorer>(
        _ graph: GraphView, scorer: Scorer, filter: SketchFilter? = nil, width: Int, avoiding: [UInt32],
        guardedBy rowGuard: (any RowGuard)?, scratch: SearchScratch, context: OperationContext
    ) throws(DatabaseError) -> Beam {
        guard let rowGuard else {
            return try search(
                graph, scorer: scorer, filter: filter, width: width, avoiding: avoiding, scratch: scratch,
                context: context)
        }
        let beam = try search(
            graph, scorer: GuardedScorer(base: scorer, rowGuard: rowGuard), filter: filter, width: width,
            avoiding: avoiding, scratch: scratch, context: context)
        if let refusal = rowGuard.refusal { throw refusal }
        return beam
    }

    @inline(never)
    private static func search<Scorer: RowScorer>(
        _ graph: GraphView, scorer: Scorer, filter: SketchFilter? = nil, width: Int, avoiding: [UInt32],
        scratch: SearchScratch, context: OperationContext
    ) throws(DatabaseError) -> Beam {
        precondition(filter?.covers(graph.header.rowCount) ?? true, "sketches of another graph")
        let traversal = GraphTraversal(graph: graph, scorer: scorer, scratch: scratch, filter: filter)
        let start = traversal.descend(
            from: graph.header.entryRow, levels: Int(graph.header.entryLevels), to: 0)
        return try traversal.search(
            level: 0, from: start, width: width, salt: 0, avoiding: avoiding,
            context: context)
    }
}
