import NeedleCore

/// What a space is measured with: queries that clients asked lately, or stored points.
struct RecallSample {
    /// Queries as they were asked.
    var queries: [[Float]] = []
    /// Stored points from which queries are made.
    var rows: [UInt32] = []

    /// Fewer different queries than this are no sample.
    static let fewest = 64

    /// Random stored points of a segment that are alive and have a vector, each at most once.
    static func points(
        _ count: Int, of segment: any Segment, space: SearchableSpace, rows: Int, view: ReadView, seed: UInt64
    ) -> RecallSample {
        var generator = SeededGenerator(seed: seed)
        var chosen = Set<UInt32>()
        // Some rows are dead or have no vector here; where hardly any has one, a small sample must do.
        for _ in 0..<count * 8 where chosen.count < count && rows > 0 {
            let row = Int.random(in: 0..<rows, using: &generator)
            guard space.columns.hasVector(row), view.isVisible(row, in: segment) else { continue }
            chosen.insert(UInt32(row))
        }
        return RecallSample(rows: chosen.sorted())
    }
}
