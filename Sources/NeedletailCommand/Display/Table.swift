// Tables for people. Pure: cells and a width in, lines out.

/// A table whose last columns give way when the terminal is narrow.
package struct Table: Sendable {
    /// A column's heading and how it is laid out.
    package struct Column: Sendable {
        package var title: String
        /// Numbers stand right.
        package var isRight: Bool
        /// Fewer columns than this are not worth showing.
        package var minimum: Int

        package init(_ title: String, right: Bool = false, minimum: Int = 8) {
            self.title = title
            isRight = right
            self.minimum = minimum
        }
    }

    package var columns: [Column]
    package var rows: [[String]] = []

    package init(_ columns: [Column]) {
        self.columns = columns
    }

    package mutating func add(_ row: [String]) {
        precondition(row.count == columns.count, "every row has a cell in every column")
        rows.append(row.map(DisplayWidth.safe))
    }

    /// The lines, heading first.
    ///
    /// - Parameters:
    ///   - width: columns of the terminal, `nil` for as wide as the cells are.
    ///   - style: how headings are marked.
    package func lines(width: Int?, style: Style = .plain) -> [String] {
        let widths = layout(width)
        let heading = line(columns.map(\.title), widths)
        return [style.bold(heading)] + rows.map { line($0, widths) }
    }

    /// The width of each column: what it needs, or, where that is too much, the widest columns cut down
    /// together.
    package func layout(_ available: Int?) -> [Int] {
        var widths = columns.indices.map { index in
            rows.reduce(DisplayWidth.of(columns[index].title)) { max($0, DisplayWidth.of($1[index])) }
        }
        guard let available else { return widths }
        var excess = widths.reduce(0, +) + 2 * (widths.count - 1) - available
        while excess > 0 {
            let shrinkable = widths.indices.filter { widths[$0] > columns[$0].minimum }
            guard let widest = shrinkable.max(by: { widths[$0] < widths[$1] }) else { break }
            // Down to the next widest column, or as far as is needed: cheap, and ends with columns of similar
            // width.
            let next = shrinkable.filter { $0 != widest }.map { widths[$0] }.max() ?? 0
            let floor = max(columns[widest].minimum, min(next, widths[widest] - 1), widths[widest] - excess)
            excess -= widths[widest] - floor
            widths[widest] = floor
        }
        return widths
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        var line = ""
        for index in cells.indices {
            let cell = DisplayWidth.cut(cells[index], to: widths[index])
            let isLast = index == cells.count - 1
            if index > 0 { line += "  " }
            line +=
                isLast && !columns[index].isRight
                ? cell : DisplayWidth.pad(cell, to: widths[index], right: columns[index].isRight)
        }
        return line
    }
}

/// Whether output is marked up for a terminal.
package enum Style: Sendable {
    case plain
    case ansi

    package func bold(_ text: String) -> String { marked(text, "1") }
    package func dim(_ text: String) -> String { marked(text, "2") }
    package func red(_ text: String) -> String { marked(text, "31") }

    private func marked(_ text: String, _ code: String) -> String {
        self == .ansi ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}
