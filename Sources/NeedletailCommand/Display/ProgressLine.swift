// One line that says how far a long operation has come. Pure: numbers in, text out; `ProgressPrinter` puts it
// on screen.

/// The state of a long operation.
package struct ProgressLine: Sendable {
    package var label: String
    /// What is counted: `points`, `rows`.
    package var unit: String
    package var done = 0
    /// 0 … 1, `nil` when the end is not known.
    package var fraction: Double?
    /// Seconds since the start.
    package var elapsed = 0.0

    package init(label: String, unit: String) {
        self.label = label
        self.unit = unit
    }

    package var rate: Double { elapsed > 0 ? Double(done) / elapsed : 0 }

    /// Seconds until the end at the rate so far.
    package var remaining: Double? {
        guard let fraction, fraction > 0.001 else { return nil }
        return elapsed / fraction * (1 - fraction)
    }

    /// The line for a terminal of `width` columns: label, bar, share, count, rate, time left. The bar gives
    /// way first.
    package func bar(width: Int) -> String {
        var facts = "\(Numbers.grouped(done)) \(unit)  \(Numbers.grouped(Int(rate)))/s"
        if let fraction {
            facts =
                "\(Int(min(fraction, 1) * 100))%  " + facts + "  ETA "
                + (remaining.map(Numbers.clock) ?? "-:--")
        } else {
            facts += "  " + Numbers.clock(elapsed)
        }
        // One column stays free: writing the last one makes some terminals wrap.
        let room = width - 1 - DisplayWidth.of(label) - DisplayWidth.of(facts) - 6
        guard let fraction, room >= 8 else { return DisplayWidth.cut("\(label)  \(facts)", to: width - 1) }
        let cells = min(room, 40)
        let full = Int((min(max(fraction, 0), 1) * Double(cells)).rounded(.down))
        let bar = String(repeating: "█", count: full) + String(repeating: "░", count: cells - full)
        return "\(label)  [\(bar)]  \(facts)"
    }

    /// The line for a log.
    package var plain: String {
        var text = "\(label): \(Numbers.grouped(done)) \(unit), \(Numbers.grouped(Int(rate)))/s"
        if let fraction { text += ", \(Int(min(fraction, 1) * 100))%" }
        if let remaining { text += ", ETA \(Numbers.clock(remaining))" }
        return text
    }
}
