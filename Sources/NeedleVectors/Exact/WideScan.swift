// The scan for vectors that single precision cannot be trusted with: see `VectorNorms.ordinary` and
// `ExactDistance`.

package import NeedleCore

/// An exact scan in double precision, about half as fast as `ExactScan`, for any finite vectors.
///
/// Used when the query is wide (against all rows) and for the wide rows of a table (with any query).
/// Distances may lie outside the range of Float.
package enum WideScan {
    /// Distances of the rows of a list, in its order.
    ///
    /// - Parameter body: gets each row with its distance, as `ExactDistance` defines it.
    /// - Throws: what the context (asked every 256 rows) or `body` throws.
    package static func scan(
        list: Span<UInt32>, of table: VectorTable, query: PreparedQuery, context: OperationContext,
        body: (Neighbour) throws(DatabaseError) -> Void
    ) throws(DatabaseError) {
        precondition(query.dimension == table.dimension && query.metric == table.metric)
        for i in list.indices {
            if i % ExactScan.blockRows == 0 { try context.check() }
            try body(neighbour(list[i], in: table, of: query))
        }
    }

    /// Distances of a contiguous range of rows.
    package static func scan(
        _ rows: Range<UInt32>, of table: VectorTable, query: PreparedQuery, context: OperationContext,
        body: (Neighbour) throws(DatabaseError) -> Void
    ) throws(DatabaseError) {
        precondition(query.dimension == table.dimension && query.metric == table.metric)
        for row in rows {
            if (row - rows.lowerBound) % UInt32(ExactScan.blockRows) == 0 { try context.check() }
            try body(neighbour(row, in: table, of: query))
        }
    }

    private static func neighbour(
        _ row: UInt32, in table: VectorTable, of query: PreparedQuery
    ) -> Neighbour {
        Neighbour(distance: ExactDistance.distance(of: row, in: table, to: query), row: row)
    }
}
