// Filters as JSON text.

import NeedleCore

extension JSONWriter {
    mutating func write(_ filter: Filter) {
        object { $0.writeMembers(of: filter) }
    }

    private mutating func writeMembers(of filter: Filter) {
        writePart("must", filter.must)
        writePart("should", filter.should)
        writePart("must_not", filter.mustNot)
        guard let minimum = filter.minimumShould else { return }
        object("min_should") { json in
            json.key("conditions")
            json.array(minimum.conditions) { $0.write($1) }
            json.integer("min_count", minimum.minimumCount)
        }
    }

    private mutating func writePart(_ name: StaticString, _ conditions: [Condition]) {
        guard !conditions.isEmpty else { return }
        key(name)
        array(conditions) { $0.write($1) }
    }

    private mutating func write(_ condition: Condition) {
        object { json in
            switch condition {
            case .matchAny(let path, let values):
                json.string("key", path.text)
                json.object("match") { json in
                    if values.count == 1 {
                        json.key("value")
                        json.write(values[0])
                    } else {
                        json.key("any")
                        json.array(values) { $0.write($1) }
                    }
                }
            case .matchExcept(let path, let values):
                json.string("key", path.text)
                json.object("match") { json in
                    json.key("except")
                    json.array(values) { $0.write($1) }
                }
            case .range(let path, let range):
                json.string("key", path.text)
                json.object("range") { $0.writeBounds(of: range) }
            case .words(let path, let test):
                json.string("key", path.text)
                json.object("match") { json in
                    json.key(string: test.kind.rawValue)
                    json.write(utf8: test.text.span)
                }
            case .geo(let path, let shape):
                json.string("key", path.text)
                json.write(shape)
            case .valuesCount(let path, let range):
                json.string("key", path.text)
                json.object("values_count") { $0.writeBounds(of: range) }
            case .nested(let path, let filter):
                json.object("nested") { json in
                    json.string("key", path.text)
                    json.key("filter")
                    json.write(filter)
                }
            case .isNull(let path): json.string("is_null", path.text)
            case .isEmpty(let path): json.string("is_empty", path.text)
            case .hasID(let ids):
                json.key("has_id")
                json.array(ids.sorted()) { $0.write($1) }
            case .filter(let filter): json.writeMembers(of: filter)
            }
        }
    }

    private mutating func write(_ shape: GeoShape) {
        switch shape {
        case .radius(let center, let metres):
            object("geo_radius") { json in
                json.key("center")
                json.write(center)
                json.key("radius_m")
                json.write(metres)
            }
        case .box(let topLeft, let bottomRight):
            object("geo_box") { json in
                json.key("top_left")
                json.write(topLeft)
                json.key("bottom_right")
                json.write(bottomRight)
            }
        case .polygon(let exterior, let interiors):
            object("geo_polygon") { json in
                json.key("exterior")
                json.array(exterior.vertices) { $0.write($1) }
                json.key("interiors")
                json.array(interiors) { json, ring in json.array(ring.vertices) { $0.write($1) } }
            }
        }
    }

    private mutating func write(_ point: GeoPoint) {
        object { json in
            json.key("lat")
            json.write(point.latitude)
            json.key("lon")
            json.write(point.longitude)
        }
    }

    mutating func write(_ value: MatchValue) {
        switch value {
        case .string(let bytes): write(utf8: bytes.span)
        case .bool(let bool): write(bool)
        case .number(let number): write(number)
        }
    }

    private mutating func write(_ number: ExactNumber) {
        switch number {
        case .unsigned(let value): write(value)
        case .negative(let value): write(value)
        case .double(let value): write(value)
        }
    }

    private mutating func writeBounds(of range: RangeTest) {
        if let lower = range.lower {
            if lower.isInclusive { key("gte") } else { key("gt") }
            write(lower.value, of: range.kind)
        }
        if let upper = range.upper {
            if upper.isInclusive { key("lte") } else { key("lt") }
            write(upper.value, of: range.kind)
        }
    }

    private mutating func write(_ bound: ExactNumber, of kind: RangeTest.Kind) {
        switch (kind, bound) {
        case (.number, _): write(bound)
        case (.dateTime, .unsigned(let value)): write(DateTimeText.text(microseconds: Int64(clamping: value)))
        case (.dateTime, .negative(let value)): write(DateTimeText.text(microseconds: value))
        case (.dateTime, .double): preconditionFailure("a moment is a whole number of microseconds")
        }
    }
}

/// RFC 3339 in UTC (section 5.6 of the RFC), with as many digits of the second as are needed.
enum DateTimeText {
    /// - Parameter microseconds: since 1970, within the years 0000 … 9999.
    static func text(microseconds: Int64) -> String {
        let perDay: Int64 = 86_400_000_000
        var day = microseconds / perDay
        var rest = microseconds % perDay
        if rest < 0 {
            day -= 1
            rest += perDay
        }
        let (year, month, dayOfMonth) = civil(daysSince1970: Int(day))
        let seconds = Int(rest / 1_000_000)
        let fraction = Int(rest % 1_000_000)
        let date = "\(padded(year, 4))-\(two(month))-\(two(dayOfMonth))"
        let time = "\(two(seconds / 3600)):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
        return "\(date)T\(time)\(fraction == 0 ? "" : "." + padded(fraction, 6))Z"
    }

    /// The civil date (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days).
    private static func civil(daysSince1970 days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    private static func two(_ value: Int) -> String { padded(value, 2) }

    private static func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
