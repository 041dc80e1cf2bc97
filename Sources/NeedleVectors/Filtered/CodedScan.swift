// The scan of the rows that a filter admits, on the graph's codes: cheaper than any walk while they are few.

import NeedleCore

extension GraphTraversal {
    /// `SearchScratch.prepareFiltered` makes room for them.
    private static var blockRows: Int { 256 }

    /// The nearest admitted rows by their codes, in the beam, sorted. Every admitted row is looked at, most of them at
    /// their sketch only.
    func scan(_ admitted: AdmittedRows, width: Int, context: OperationContext) throws(DatabaseError) -> Beam {
        let rows = scratch.rows.base
        let distances = scratch.distances.base
        var beam = Beam(scratch, width: width, salt: 0)
        var blocks = admitted.blocks
        while true {
            // Until the beam is full nothing can be left out by its sketch: no more rows than fill it.
            let most = beam.isFull ? Self.blockRows : min(Self.blockRows, width - beam.count)
            var count = blocks.next(most, into: rows)
            if count == 0 { return beam }
            try context.check()
            if let filter, beam.isFull {
                for i in 0..<count { filter.prefetch(rows[i]) }
                count = filter.keep(rows, count: count, within: Beam.distance(beam.bound))
            }
            scorer.score(rows, count: count, into: distances)
            for i in 0..<count {
                let key = Beam.key(distances[i], rows[i], salt: 0)
                if key < beam.bound { beam.insert(key) }
            }
        }
    }
}
