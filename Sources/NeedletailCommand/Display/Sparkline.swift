// A history as one line of blocks. Pure: values in, text out.

/// How something went, the oldest left.
package enum Sparkline {
    /// Cells beyond this say no more.
    package static let widest = 48

    private static let levels = Array("▁▂▃▄▅▆▇█")
    /// No blank: tables join those.
    private static let gap: Character = "·"
    /// Values that differ by less than this share of the greatest are drawn flat: rounding would look like an upheaval.
    private static let noise = 0.001

    /// From the least value at the bottom to the greatest at the top.
    ///
    /// - Parameters:
    ///   - values: by time; where there is none, the line has a gap. Without any it is empty.
    ///   - width: cells at most; more values become means of neighbours.
    package static func text(_ values: [Double?], width: Int) -> String {
        let cells = thinned(values, to: width)
        let known = cells.compactMap { $0 }
        guard let least = known.min(), let greatest = known.max() else { return "" }
        let spread = greatest - least
        let isFlat = spread <= noise * max(least.magnitude, greatest.magnitude)
        return String(
            cells.map { value -> Character in
                guard let value else { return gap }
                let height = isFlat ? 0.5 : (value - least) / spread
                return levels[Int((height * Double(levels.count - 1)).rounded(.down))]
            })
    }

    /// Means of neighbours, at most `width` of them; `nil` where no neighbour has a value.
    package static func thinned(_ values: [Double?], to width: Int) -> [Double?] {
        let count = min(values.count, max(width, 0))
        return (0..<count).map { cell in
            let known = values[(cell * values.count / count)..<((cell + 1) * values.count / count)]
                .compactMap { $0 }
            return known.isEmpty ? nil : known.reduce(0, +) / Double(known.count)
        }
    }
}
