// The inner loop of reading vectors: decimal numbers, each followed by a comma, to float32.
//
// A number is taken here if it has at most 19 significant digits and an exponent of at most three, if the
// result is not near the midpoint of two floats, and if 64 bytes of text are left, so that nothing in
// between needs a bounds check. What is not taken is left to the general scanner: this code only ever
// answers "right" or "not mine".
//
// Digits are parsed eight at a time within a 64-bit register; see D. Lemire, "Number parsing at a gigabyte
// per second" (Software: Practice and Experience, 2021). Signs and digit counts are as good as random, so
// they cost no branches.

enum FastFloats {
    /// 10^n, the place that n more digits need.
    private static let shifts: [UInt64] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000]

    /// The longest stretch of text that one number can make this code look at.
    private static let window = 64

    /// Parses `number ,` pairs from `start` on, until the chunk is full or something else comes.
    ///
    /// - Returns: the index behind the last comma that was taken.
    static func parse(
        _ bytes: JSONBytes, from start: Int, into chunk: UnsafeMutableBufferPointer<Float>, count: inout Int
    ) -> Int {
        let powerTable = DecimalConversion.powersOfTen
        let shiftTable = shifts
        let powers = powerTable.span
        let shifts = shiftTable.span
        let last = bytes.count - window
        var index = start
        var filled = count
        while filled < chunk.count, index <= last {
            if bytes[unchecked: index] == 0x20 { index &+= 1 }
            let number = scan(bytes, at: index, shifts)
            guard number.end > 0, bytes[unchecked: number.end] == UInt8(ascii: ",") else { break }
            guard let value = round(number, powers) else { break }
            // SAFETY of the subscript: `filled` is below the count of the chunk.
            chunk[filled] = value
            filled &+= 1
            index = number.end &+ 1
        }
        count = filled
        return index
    }

    /// The value is ± `mantissa` × 10^`exponent`.
    private struct Number {
        var mantissa: UInt64 = 0
        var exponent = 0
        /// 1 for a minus.
        var sign: UInt64 = 0
        /// The index after the number, or 0 if it is not of the usual shape.
        var end = 0
    }

    @inline(__always)
    private static func scan(_ bytes: JSONBytes, at start: Int, _ shifts: Span<UInt64>) -> Number {
        var number = Number()
        var index = start
        // 1 if the byte is a minus, without a branch.
        number.sign = (UInt64(bytes[unchecked: index] ^ UInt8(ascii: "-")) &- 1) >> 63
        index &+= Int(truncatingIfNeeded: number.sign)
        let first = bytes[unchecked: index] &- UInt8(ascii: "0")
        guard first <= 9 else { return Number() }
        number.mantissa = UInt64(first)
        index &+= 1
        var digits = 0
        var next = bytes[unchecked: index]
        if first != 0 {
            digits = 1
            while next &- UInt8(ascii: "0") <= 9 {
                guard digits < 19 else { return Number() }
                number.mantissa = number.mantissa &* 10 &+ UInt64(next &- UInt8(ascii: "0"))
                digits &+= 1
                index &+= 1
                next = bytes[unchecked: index]
            }
        }
        if next == UInt8(ascii: ".") {
            let length = scanFraction(bytes, at: index &+ 1, shifts, into: &number.mantissa)
            guard length > 0 else { return Number() }
            number.exponent = 0 &- length
            digits &+= length
            if digits > 19 {
                // Zeros that begin a fraction below one are not significant.
                guard first == 0 else { return Number() }
                digits &-= leadingZeros(bytes.word(at: index &+ 1))
                guard digits <= 19 else { return Number() }
            }
            index &+= 1 &+ length
            next = bytes[unchecked: index]
        }
        if next | 0x20 == UInt8(ascii: "e") {
            index = scanExponent(bytes, at: index &+ 1, into: &number.exponent)
        }
        number.end = index
        return number
    }

    /// Appends the digits from `start` on to the mantissa; their number, or 0 if there are none or more
    /// than 23.
    @inline(__always)
    private static func scanFraction(
        _ bytes: JSONBytes, at start: Int, _ shifts: Span<UInt64>, into mantissa: inout UInt64
    ) -> Int {
        var index = start
        var values = bytes.word(at: index) ^ 0x3030_3030_3030_3030
        var marks = marksOfNonDigits(values)
        while marks == 0 {
            mantissa = mantissa &* 100_000_000 &+ number(values)
            index &+= 8
            guard index &- start < 24 else { return 0 }
            values = bytes.word(at: index) ^ 0x3030_3030_3030_3030
            marks = marksOfNonDigits(values)
        }
        let length = marks.trailingZeroBitCount >> 3
        // The digits move to the highest bytes; the zeros below them are leading zeros.
        values = (values &<< UInt64(truncatingIfNeeded: 56 &- 8 &* length)) &<< 8
        mantissa = mantissa &* shifts[unchecked: length] &+ number(values)
        return index &- start &+ length
    }

    /// Sets the high bit of the first byte that is above 9, and perhaps of bytes after it.
    @inline(__always)
    static func marksOfNonDigits(_ values: UInt64) -> UInt64 {
        // A carry runs only into bytes behind one that is marked already.
        ((values &+ 0x7676_7676_7676_7676) | values) & 0x8080_8080_8080_8080
    }

    /// The decimal number of eight digits, the first of which is in the lowest byte.
    @inline(__always)
    private static func number(_ values: UInt64) -> UInt64 {
        let pairs = (values &* 10) &+ (values >> 8)
        let low = (pairs & 0x0000_00FF_0000_00FF) &* 0x000F_4240_0000_0064
        let high = ((pairs >> 16) & 0x0000_00FF_0000_00FF) &* 0x0000_2710_0000_0001
        return (low &+ high) >> 32
    }

    private static func leadingZeros(_ word: UInt64) -> Int {
        let values = word ^ 0x3030_3030_3030_3030
        return min(8, values.trailingZeroBitCount >> 3)
    }

    /// Reads one to three digits of an exponent and adds it; the index after them, or 0.
    private static func scanExponent(_ bytes: JSONBytes, at start: Int, into exponent: inout Int) -> Int {
        var index = start
        let isNegative = bytes[unchecked: index] == UInt8(ascii: "-")
        if isNegative || bytes[unchecked: index] == UInt8(ascii: "+") { index += 1 }
        let firstDigit = index
        var value = 0
        while index - firstDigit < 4 {
            let digit = bytes[unchecked: index] &- UInt8(ascii: "0")
            guard digit <= 9 else { break }
            value = value * 10 + Int(digit)
            index += 1
        }
        guard index > firstDigit, index - firstDigit < 4 else { return 0 }
        exponent += isNegative ? -value : value
        return index
    }

    /// The nearest float32, or nil if a double is not enough to tell.
    @inline(__always)
    private static func round(_ number: Number, _ powers: Span<Double>) -> Float? {
        // At most 18 digits stay below 2^63; 19 may not, and then show as negative.
        let mantissa = Int64(bitPattern: number.mantissa)
        let place = number.exponent &+ DecimalConversion.powerBias
        guard mantissa >= 0, UInt(bitPattern: place) < UInt(powers.count) else { return nil }
        let value = Double(mantissa) * powers[unchecked: place]
        let sign = UInt32(truncatingIfNeeded: number.sign) << 31
        if DecimalConversion.castIsExact(value) { return Float(bitPattern: Float(value).bitPattern | sign) }
        return mantissa == 0 ? Float(bitPattern: sign) : nil
    }
}
