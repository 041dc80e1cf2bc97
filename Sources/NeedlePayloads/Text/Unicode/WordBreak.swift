/// What text segmentation needs to know of a scalar: its Word_Break class (UAX #29, table 3), whether it is a
/// pictograph, and whether a segment that holds it is a word.
///
/// From `WordBreakTable`, expanded once to one byte for each scalar of the basic plane. O(1) there, O(log steps)
/// beyond. Safe to share.
struct WordBreak: Equatable {
    /// In the order in which scripts/unicode-tables numbers them.
    enum Class: UInt8 {
        case other, cr, lf, newline, extend, zwj, format, regionalIndicator, katakana
        case hebrewLetter, letter, singleQuote, doubleQuote, midNumLet, midLetter, midNum
        case numeric, extendNumLet, space
    }

    private let value: UInt8

    var kind: Class { Class(rawValue: value & 0x1F) ?? .other }
    var isPictographic: Bool { value & 0x40 != 0 }
    /// A letter, a digit, an ideograph: something that is read.
    var isWord: Bool { value & 0x80 != 0 }

    init(of scalar: UInt32) {
        value = scalar < 0x10000 ? Self.basicPlane[Int(scalar)] : Self.search(scalar)
    }

    private static let basicPlane: [UInt8] = {
        var result: [UInt8] = []
        result.reserveCapacity(0x10000)
        var value: UInt8 = 0
        for step in WordBreakTable.steps {
            let start = min(Int(step >> 8), 0x10000)
            result.append(contentsOf: repeatElement(value, count: start - result.count))
            value = UInt8(truncatingIfNeeded: step)
        }
        return result
    }()

    /// The value of the last step at or before the scalar.
    private static func search(_ scalar: UInt32) -> UInt8 {
        let steps = WordBreakTable.steps
        var low = 0
        var high = steps.count
        while low < high {
            let middle = (low + high) / 2
            if steps[middle] >> 8 <= scalar { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? 0 : UInt8(truncatingIfNeeded: steps[low - 1])
    }
}
