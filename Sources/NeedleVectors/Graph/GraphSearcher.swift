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
        try search(
            graph, table: table, query: query, ef: ef, way: .everything(avoiding: avoiding),
            guardedBy: rowGuard, scratch: scratch, context: context, kernels: kernels)
    }

    /// The same among the rows of a mask only: nothing else comes back.
    ///
    /// - Parameter scans: looks at the codes of every such row in place of walking the graph: cheaper while they are
    ///   few, and as near to the truth as codes can tell.
    /// - Precondition: the mask has no more rows than the graph, and holds none that the graph does not contain.
    /// - Complexity: a walk about as many distances as without a mask, and up to m times as many lists; a scan
    ///   O(rows of the mask) sketches.
    package static func search(
        _ graph: GraphView, table: VectorTable, query: PreparedQuery, ef: Int, among mask: RowMask,
        scans: Bool,
        guardedBy rowGuard: (any RowGuard)? = nil, scratch: SearchScratch, context: OperationContext,
        kernels: DistanceKernels = .best
    ) throws(DatabaseError) -> [Neighbour] {
        precondition(mask.rowCount <= Int(graph.header.rowCount), "a mask of another graph")
        return try mask.withAdmitted { (admitted) throws(DatabaseError) in
            try search(
                graph, table: table, query: query, ef: ef, way: scans ? .scan(admitted) : .among(admitted),
                guardedBy: rowGuard, scratch: scratch, context: context, kernels: kernels)
        }
    }

    /// Which share of the rows around the query a mask admits: far less than of all rows, and a walk would have to
    /// cross much that is not admitted.
    ///
    /// - Precondition: as for a search.
    /// - Complexity: a descent, and the lists of one row and its neighbours.
    package static func shareNearby(
        _ graph: GraphView, table: VectorTable, query: PreparedQuery, among mask: RowMask,
        guardedBy rowGuard: (any RowGuard)? = nil, scratch: SearchScratch, context: OperationContext,
        kernels: DistanceKernels = .best
    ) throws(DatabaseError) -> Double {
        let near = try search(
            graph, table: table, query: query, ef: 1, way: .everything(avoiding: []), guardedBy: rowGuard,
            scratch: scratch, context: context, kernels: kernels)
        guard let nearest = near.first?.row else { return 0 }
        var met = 0
        var admitted = 0
        for bridge in graph.neighbours(of: nearest, level: 0) {
            rowGuard?.admit(bridge)
            for row in graph.neighbours(of: bridge, level: 0) {
                met += 1
                admitted += mask.contains(row) ? 1 : 0
            }
        }
        if let refusal = rowGuard?.refusal { throw refusal }
        return met == 0 ? 0 : Double(admitted) / Double(met)
    }

    /// Which rows a search looks for, and how.
    private enum Way {
        case everything(avoiding: [UInt32])
        case among(AdmittedRows)
        case scan(AdmittedRows)
    }

    private static func search(
        _ graph: GraphView, table: VectorTable, query: PreparedQuery, ef: Int, way: Way,
        guardedBy rowGuard: (any RowGuard)?, scratch: SearchScratch, context: OperationContext,
        kernels: DistanceKernels
    ) throws(DatabaseError) -> [Neighbour] {
        precondition(ef >= 1)
        precondition(query.dimension == table.dimension && query.metric == table.metric)
        try context.check()
        if graph.isEmpty { return [] }
        let width = min(ef, Int(graph.header.rowCount))
        scratch.prepare(
            rowCount: Int(graph.header.rowCount), width: width, listLength: graph.layout.room(level: 0))
        if case .everything = way {} else { scratch.prepareFiltered(listLength: graph.layout.room(level: 0)) }
        let beam: Beam
        switch graph.quantizer?.kind {
        case nil:
            beam = try query.withKernelVector { (vector) throws(DatabaseError) in
                let scorer = FloatScorer(query: vector, scale: 1, table: table, kernels: kernels)
                return try search(
                    graph, scorer: scorer, width: width, way: way, guardedBy: rowGuard,
                    scratch: scratch, context: context)
            }
        case .int8:
            graph.quantizer?.prepare(query, into: scratch.query)
            let scorer = CodeScorer(
                query: scratch.query, nodes: graph.nodes, layout: graph.layout, scratch: scratch,
                kernels: kernels)
            // A scan meets a row once only: what it passes over is lost.
            let margins: Float = if case .scan = way { 2 } else { 1 }
            let filter = graph.sketches.map {
                SketchFilter($0, margins: margins, scratch: scratch, kernels: kernels)
            }
            beam = try search(
                graph, scorer: scorer, filter: filter, width: width, way: way, guardedBy: rowGuard,
                scratch: scratch, context: context)
        case .binary:
            graph.quantizer?.prepare(query, into: scratch.query)
            let scorer = BitScorer(
                query: scratch.query, nodes: graph.nodes, layout: graph.layout, scratch: scratch,
                kernels: kernels)
            beam = try search(
                graph, scorer: scorer, width: width, way: way, guardedBy: rowGuard,
                scratch: scratch, context: context)
        }
        return (0..<beam.count).map { i in
            Neighbour(distance: Double(Beam.distance(beam.keys[i])), row: Beam.row(beam.keys[i], salt: 0))
        }
    }

    private static func search<Scorer: RowScorer>(
        _ graph: GraphView, scorer: Scorer, filter: SketchFilter? = nil, width: Int, way: Way,
        guardedBy rowGuard: (any RowGuard)?, scratch: SearchScratch, context: OperationContext
    ) throws(DatabaseError) -> Beam {
        guard let rowGuard else {
            return try search(
                graph, scorer: scorer, filter: filter, width: width, way: way, scratch: scratch,
                context: context)
        }
        let beam = try search(
            graph, scorer: GuardedScorer(base: scorer, rowGuard: rowGuard), filter: filter, width: width,
            way: way, scratch: scratch, context: context)
        if let refusal = rowGuard.refusal { throw refusal }
        return beam
    }

    @inline(never)
    private static func search<Scorer: RowScorer>(
        _ graph: GraphView, scorer: Scorer, filter: SketchFilter? = nil, width: Int, way: Way,
        scratch: SearchScratch, context: OperationContext
    ) throws(DatabaseError) -> Beam {
        precondition(filter?.covers(graph.header.rowCount) ?? true, "sketches of another graph")
        let traversal = GraphTraversal(graph: graph, scorer: scorer, scratch: scratch, filter: filter)
        if case .scan(let admitted) = way {
            return try traversal.scan(admitted, width: width, context: context)
        }
        let start = traversal.descend(
            from: graph.header.entryRow, levels: Int(graph.header.entryLevels), to: 0)
        switch way {
        case .everything(let avoiding):
            return try traversal.search(
                level: 0, from: start, width: width, salt: 0, avoiding: avoiding, context: context)
        case .among(let admitted), .scan(let admitted):
            return try traversal.search(among: admitted, from: start, width: width, context: context)
        }
    }
}
