// Numbers for people: thousands, durations, bytes.

package enum Numbers {
    /// `1234567` as `1,234,567`.
    package static func grouped(_ value: Int) -> String {
        var digits = Array(String(value.magnitude))
        var index = digits.count - 3
        while index > 0 {
            digits.insert(",", at: index)
            index -= 3
        }
        return (value < 0 ? "-" : "") + String(digits)
    }

    /// `1 point`, `2,000 points`.
    package static func count(_ value: Int, _ unit: String) -> String {
        "\(grouped(value)) \(unit)\(value == 1 ? "" : "s")"
    }

    /// `0:07`, `12:34`, `3:02:01`.
    package static func clock(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 360_000 else { return "-:--" }
        let whole = Int(max(0, seconds).rounded())
        let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60)
        let two = { (value: Int) in value < 10 ? "0\(value)" : "\(value)" }
        return hours > 0 ? "\(hours):\(two(minutes)):\(two(rest))" : "\(minutes):\(two(rest))"
    }

    /// With a fixed number of digits behind the point.
    package static func fixed(_ value: Double, _ places: Int) -> String {
        guard value.isFinite, value.magnitude < 1e12 else { return "\(value)" }
        var scale = 1
        for _ in 0..<places { scale *= 10 }
        let scaled = Int((value.magnitude * Double(scale)).rounded())
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard places > 0 else { return sign + "\(scaled)" }
        let fraction = String(scaled % scale)
        return sign + "\(scaled / scale)." + String(repeating: "0", count: places - fraction.count) + fraction
    }

    /// `412 µs`, `1.23 ms`, `2.50 s`.
    package static func microseconds(_ value: Double) -> String {
        if value < 1000 { return fixed(value, 0) + " µs" }
        return value < 1_000_000 ? fixed(value / 1000, 2) + " ms" : fixed(value / 1_000_000, 2) + " s"
    }

    /// `512 B`, `1.5 KiB`, `2.0 GiB`.
    package static func bytes(_ count: Int) -> String {
        let units = ["KiB", "MiB", "GiB", "TiB"]
        guard count >= 1024 else { return "\(count) B" }
        var value = Double(count) / 1024
        var unit = 0
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        return fixed(value, 1) + " " + units[unit]
    }
}
