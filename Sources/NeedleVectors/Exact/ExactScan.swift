// The exact scan with the float kernels: every row's distance, block by block, as fast as memory delivers.

package import NeedleCore

/// Scores rows of a table against a query in blocks; which rows count, and what is kept, is the caller's
/// business.
package enum ExactScan {
    /// Rows per block; the context is asked before each.
    package static let blockRows = 256

    /// Distances of a contiguous range of rows.
    ///
    /// - Parameter body: gets a block's first row and its distances, one for each row from there on.
    /// - Throws: what the context or `body` throws.
    package static func scan(
        _ rows: Range<UInt32>, of table: VectorTable, query: PreparedQuery, context: OperationContext,
        kernels: DistanceKernels = .best,
        body: (_ first: UInt32, _ distances: Span<Float>) throws(DatabaseError) -> Void
    ) throws(DatabaseError) {
        precondition(query.dimension == table.dimension && query.metric == table.metric)
        var distances = [Float](repeating: 0, count: min(blockRows, rows.count))
        try query.withKernelVector { (vector) throws(DatabaseError) in
            let scorer = FloatScorer(query: vector, scale: 1, table: table, kernels: kernels)
            var first = rows.lowerBound
            while first < rows.upperBound {
                try context.check()
                let count = min(blockRows, Int(rows.upperBound - first))
                distances.withUnsafeMutableBufferPointer { out in
                    // SAFETY: count is in 1...blockRows, and the buffer has that many elements.
                    scorer.score(from: first, count: count, into: out.baseAddress.unsafelyUnwrapped)
                }
                try body(first, distances.span.extracting(first: count))
                first += UInt32(count)
            }
        }
    }

    /// Distances of the rows of a list, in its order. Rising row numbers are the fastest.
    ///
    /// - Parameter body: gets a block of the list and its distances.
    package static func scan(
        list: Span<UInt32>, of table: VectorTable, query: PreparedQuery, context: OperationContext,
        kernels: DistanceKernels = .best,
        body: (_ rows: Span<UInt32>, _ distances: Span<Float>) throws(DatabaseError) -> Void
    ) throws(DatabaseError) {
        precondition(query.dimension == table.dimension && query.metric == table.metric)
        var distances = [Float](repeating: 0, count: min(blockRows, list.count))
        try query.withKernelVector { (vector) throws(DatabaseError) in
            let scorer = FloatScorer(query: vector, scale: 1, table: table, kernels: kernels)
            var start = 0
            while start < list.count {
                try context.check()
                let count = min(blockRows, list.count - start)
                let block = list.extracting(start..<start + count)
                block.withUnsafeBufferPointer { rows in
                    distances.withUnsafeMutableBufferPointer { out in
                        // SAFETY: both buffers have `count` elements, at least one.
                        scorer.score(
                            rows.baseAddress.unsafelyUnwrapped, count: count,
                            into: out.baseAddress.unsafelyUnwrapped)
                    }
                }
                try body(block, distances.span.extracting(first: count))
                start += count
            }
        }
    }
}
