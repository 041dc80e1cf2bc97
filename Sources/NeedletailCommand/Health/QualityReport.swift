// How good a collection's vector spaces are, and were, for people. Pure: what the server says in, lines out.

package import NeedleClient

/// A table for each space, with the history of each measure.
package struct QualityReport: Sendable {
    package var collection: String
    /// Of the collection.
    package var points: Int
    package var spaces: [SpaceQuality]

    /// Smaller spaces are not measured.
    private static let fewestVectors = 1000
    /// A shorter plot says nothing.
    private static let shortestHistory = 8

    package init(collection: String, points: Int, spaces: [SpaceQuality]) {
        self.collection = collection
        self.points = points
        self.spaces = spaces
    }

    /// Whether there is any measurement.
    package var isMeasured: Bool { spaces.contains { !$0.history.isEmpty } }

    /// Why nothing was measured yet.
    package var waiting: String {
        let rule = "spaces are measured in idle time, about once an hour"
        return points < Self.fewestVectors
            ? "\(rule), from \(Numbers.grouped(Self.fewestVectors)) vectors on; it has \(Numbers.count(points, "point"))"
            : "\(rule); it has not been idle for long enough, or too few points have a vector"
    }

    /// - Parameter width: columns of the terminal, `nil` for as wide as is useful.
    package func lines(width: Int?, style: Style = .plain) -> [String] {
        let head = fact("collection", DisplayWidth.safe(collection), style)
        guard isMeasured else { return [head, "nothing was measured yet: \(waiting)"] }
        return [head] + spaces.flatMap { [""] + lines(of: $0, width, style) }
    }

    /// What is said when the newest measurements have become the baselines.
    package var accepted: [String] {
        spaces.compactMap { space in
            space.baseline.map { baseline in
                let of =
                    DisplayWidth.safe(collection) + (space.space.isEmpty ? "" : ", \(Self.name(of: space))")
                return "baseline of \(of): the measurement of \(Moment.text(milliseconds: baseline.atMS))"
            }
        }
    }

    private func lines(of space: SpaceQuality, _ width: Int?, _ style: Style) -> [String] {
        let title = style.bold(Self.name(of: space))
        guard let first = space.history.first, let last = space.history.last else {
            let fewest = Numbers.grouped(Self.fewestVectors)
            return [
                title,
                "nothing was measured yet: it has fewer than \(fewest) vectors, or it is its turn soon",
            ]
        }
        var lines = [title, fact("measured", Self.span(first, last, count: space.history.count), style)]
        if let baseline = space.baseline {
            lines.append(fact("baseline", Moment.text(milliseconds: baseline.atMS), style))
        }
        lines.append(fact("sample", Numbers.count(last.sampled, "vector"), style))
        lines += table(space, width, style)
        for alert in space.alerts { lines.append(style.red("! " + DisplayWidth.safe(alert.message))) }
        if space.alerts.isEmpty { lines.append("no alerts") }
        return lines
    }

    private func table(_ space: SpaceQuality, _ width: Int?, _ style: Style) -> [String] {
        // Figures are never cut; names are, and the plot takes what is left.
        var columns = [
            Table.Column("MEASURE"), Table.Column("BASELINE", right: true, minimum: 16),
            Table.Column("NOW", right: true, minimum: 16), Table.Column("CHANGE", right: true, minimum: 16),
        ]
        let alerts = Set(space.alerts.map(\.kind))
        let isAlerted = QualityMeasure.all.map { $0.alert.map(alerts.contains) ?? false }
        var rows = zip(QualityMeasure.all, isAlerted).map { measure, isAlerted in
            [
                measure.title + (isAlerted ? " !" : ""), measure.text(space.baseline),
                measure.text(space.history.last),
                measure.change(from: space.baseline, to: space.history.last),
            ]
        }
        let room = width.map { $0 - 2 - Self.width(of: columns, rows) } ?? Sparkline.widest
        if room >= Self.shortestHistory {
            columns.append(Table.Column("HISTORY"))
            for (index, measure) in QualityMeasure.all.enumerated() {
                let plot = Sparkline.text(
                    space.history.map(measure.value), width: min(room, Sparkline.widest))
                rows[index].append(plot.isEmpty ? QualityMeasure.unknown : plot)
            }
        }
        var table = Table(columns)
        for row in rows { table.add(row) }
        let lines = table.lines(width: width, style: style)
        return lines.prefix(1) + zip(lines.dropFirst(), isAlerted).map { $1 ? style.red($0) : $0 }
    }

    /// What the columns need.
    private static func width(of columns: [Table.Column], _ rows: [[String]]) -> Int {
        var table = Table(columns)
        for row in rows { table.add(row) }
        return table.layout(nil).reduce(0, +) + 2 * (columns.count - 1)
    }

    private static func name(of space: SpaceQuality) -> String {
        space.space.isEmpty ? "vectors" : "vectors " + DisplayWidth.safe(space.space)
    }

    private static func span(_ first: QualityMeasurement, _ last: QualityMeasurement, count: Int) -> String {
        guard count > 1 else { return "once, " + Moment.text(milliseconds: last.atMS) }
        let (begin, end) = (Moment.text(milliseconds: first.atMS), Moment.text(milliseconds: last.atMS))
        return "first \(begin), last \(end), \(Numbers.grouped(count)) kept"
    }

    private func fact(_ name: String, _ text: String, _ style: Style) -> String {
        style.dim(DisplayWidth.pad(name, to: 10)) + "  " + text
    }
}
