/// An RFC 3339 date-time as microseconds since 1970 (section 5.6 of the RFC), used by range conditions.
///
/// Strict: `2026-11-21T08:15:00Z`, with a fraction of which six digits count (more are cut off), and an
/// offset `±hh:mm`. A leap second (`:60`) counts as the first second of the next minute. Years 0000 … 9999
/// fit in 64 bits.
package struct DateTime: Hashable, Sendable {
    package let microseconds: Int64

    /// The moment as a number that ranges compare.
    package var exactNumber: ExactNumber { ExactNumber(microseconds) }

    package init?(_ text: String) {
        var scanner = Scanner(bytes: Array(text.utf8))
        guard let year = scanner.digits(4), scanner.skip("-"), let month = scanner.digits(2),
            scanner.skip("-"),
            let day = scanner.digits(2), scanner.skip("Tt "), let hour = scanner.digits(2), scanner.skip(":"),
            let minute = scanner.digits(2), scanner.skip(":"), let second = scanner.digits(2),
            (1...12).contains(month), day >= 1, day <= Self.days(in: month, of: year),
            hour < 24, minute < 60, second <= 60,
            let fraction = scanner.fraction(), let offset = scanner.offsetSeconds(), scanner.isAtEnd
        else { return nil }
        let days = Self.daysSince1970(year: year, month: month, day: day)
        let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset
        microseconds = Int64(seconds * 1_000_000 + fraction)
    }

    private static func isLeap(_ year: Int) -> Bool {
        (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
    }

    private static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days from the civil date (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
    private static func daysSince1970(year: Int, month: Int, day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private struct Scanner {
        let bytes: [UInt8]
        var position = 0

        var isAtEnd: Bool { position == bytes.count }

        mutating func digits(_ count: Int) -> Int? {
            guard position + count <= bytes.count else { return nil }
            var value = 0
            for _ in 0..<count {
                let digit = Int(bytes[position]) - 48
                guard (0...9).contains(digit) else { return nil }
                value = value * 10 + digit
                position += 1
            }
            return value
        }

        mutating func skip(_ choices: String) -> Bool {
            guard position < bytes.count, choices.utf8.contains(bytes[position]) else { return false }
            position += 1
            return true
        }

        /// Microseconds of an optional fraction; `nil` when a point has no digit behind it.
        mutating func fraction() -> Int? {
            guard skip(".") else { return 0 }
            var value = 0
            var scale = 1_000_000
            let start = position
            while let digit = digits(1) {
                scale /= 10
                value += digit * scale
            }
            return position > start ? value : nil
        }

        /// Seconds east of UTC.
        mutating func offsetSeconds() -> Int? {
            if skip("Zz") { return 0 }
            guard position < bytes.count,
                bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-")
            else { return nil }
            let sign = bytes[position] == UInt8(ascii: "-") ? -1 : 1
            position += 1
            guard let hours = digits(2), skip(":"), let minutes = digits(2), hours < 24, minutes < 60 else {
                return nil
            }
            return sign * (hours * 3600 + minutes * 60)
        }
    }
}
