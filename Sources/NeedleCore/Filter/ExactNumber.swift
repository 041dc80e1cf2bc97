/// A JSON number without loss: an integer from −2^63 to 2^64−1, or a finite double.
///
/// Compared by value: `1` equals `1.0`, and 2^53+1 is greater than the double 2^53. A double with an integral value
/// in range is kept as an integer, so that equality and hashing follow the value.
package enum ExactNumber: Hashable, Sendable {
    case unsigned(UInt64)
    /// Below zero only; others are `unsigned`.
    case negative(Int64)
    /// Has a fraction, or lies outside the integers' range.
    case double(Double)

    package init(_ value: Int64) {
        self = value < 0 ? .negative(value) : .unsigned(UInt64(value))
    }

    package init(_ value: UInt64) {
        self = .unsigned(value)
    }

    /// - Precondition: finite.
    package init(_ value: Double) {
        precondition(value.isFinite)
        if let integer = UInt64(exactly: value) {
            self = .unsigned(integer)
        } else if let integer = Int64(exactly: value) {
            self = .negative(integer)
        } else {
            self = .double(value)
        }
    }
}

extension ExactNumber: Comparable {
    package static func < (left: ExactNumber, right: ExactNumber) -> Bool {
        switch (left, right) {
        case (.unsigned(let a), .unsigned(let b)): a < b
        case (.negative(let a), .negative(let b)): a < b
        case (.negative, .unsigned): true
        case (.unsigned, .negative): false
        case (.double(let a), .double(let b)): a < b
        case (.unsigned(let a), .double(let b)): isLess(a, than: b)
        case (.negative(let a), .double(let b)): isLess(a, than: b)
        case (.double(let a), .unsigned(let b)): !isLess(b, than: a)
        case (.double(let a), .negative(let b)): !isLess(b, than: a)
        }
    }

    /// A double here never equals an integer in range, so "not less" is "greater".
    private static func isLess<Integer: FixedWidthInteger>(_ integer: Integer, than value: Double) -> Bool {
        let floor = value.rounded(.down)
        if floor >= Double(sign: .plus, exponent: Integer.isSigned ? 63 : 64, significand: 1) { return true }
        guard let whole = Integer(exactly: floor) else { return value > 0 }
        return integer <= whole
    }
}
