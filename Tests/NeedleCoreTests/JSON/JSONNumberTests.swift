// Numbers: exact integers, doubles and floats rounded once. The oracle is the C library's strtod and
// strtof.

import Glibc
import NeedleCore
import Testing

@Suite("JSON: numbers")
struct JSONNumberTests {
    private func double(_ text: String) -> Double? {
        try? readJSON(text) { (reader) throws(JSONError) in try reader.readDouble() }
    }

    private func float(_ text: String) -> Float? {
        try? readJSON(text) { (reader) throws(JSONError) in try reader.readFloat() }
    }

    private func number(_ text: String) -> JSONNumber? {
        try? readJSON(text) { (reader) throws(JSONError) in try reader.readNumber() }
    }

    /// The floats of an array, by the quick way: 64 bytes follow every number.
    private func floats(_ texts: [String]) -> [Float]? {
        let text = "[" + texts.joined(separator: ",") + ",0]" + String(repeating: " ", count: 70)
        let values: [Float]? = try? readJSON(text) { (reader) throws(JSONError) in
            var values: [Float] = []
            try reader.readFloatArray(into: &values, limit: .max)
            return values
        }
        return values.map { Array($0.dropLast()) }
    }

    @Test("integers are exact to the limits of 64 bits")
    func integers() throws {
        #expect(number("0") == .signed(0))
        #expect(number("-0") == .signed(0))
        #expect(number("9223372036854775807") == .signed(.max))
        #expect(number("9223372036854775808") == .unsigned(1 << 63))
        #expect(number("18446744073709551615") == .unsigned(.max))
        #expect(number("18446744073709551616") == .double(0x1p64))
        #expect(number("99999999999999999999") == .double(1e20))
        #expect(number("-9223372036854775808") == .signed(.min))
        #expect(number("-9223372036854775809") == .double(-0x1p63))
        #expect(number("-18446744073709551615") == .double(-0x1p64))
        #expect(number("1.0") == .double(1))
        #expect(number("1e3") == .double(1000))
        #expect(number("10000000000000000000") == .unsigned(10_000_000_000_000_000_000))
        #expect(number("1000000000000000000000") == .double(1e21))
    }

    @Test("integer reads accept integer literals in their range only")
    func integerReads() {
        func signed(_ text: String) -> Result<Int64, JSONError> {
            Result { () throws(JSONError) in
                try readJSON(text) { (reader) throws(JSONError) in try reader.readInt64() }
            }
        }
        func unsigned(_ text: String) -> Result<UInt64, JSONError> {
            Result { () throws(JSONError) in
                try readJSON(text) { (reader) throws(JSONError) in try reader.readUInt64() }
            }
        }
        let tooLarge = JSONError(.outOfRange(expected: "an integer in -2^63 ... 2^63-1"), at: 0)
        let notUnsigned = JSONError(.outOfRange(expected: "an integer in 0 ... 2^64-1"), at: 0)
        #expect(signed("-9223372036854775808") == .success(.min))
        #expect(signed("9223372036854775807") == .success(.max))
        #expect(signed("9223372036854775808") == .failure(tooLarge))
        #expect(signed("-9223372036854775809") == .failure(tooLarge))
        #expect(signed("1.0") == .failure(JSONError(.notAnInteger, at: 0)))
        #expect(signed("1e2") == .failure(JSONError(.notAnInteger, at: 0)))
        #expect(
            signed("\"1\"") == .failure(JSONError(.wrongType(expected: "an integer", got: .string), at: 0)))
        #expect(unsigned("18446744073709551615") == .success(.max))
        #expect(unsigned("18446744073709551616") == .failure(notUnsigned))
        #expect(unsigned("-1") == .failure(notUnsigned))
        #expect(unsigned("-0") == .success(0))
        #expect(unsigned("184467440737095516150") == .failure(notUnsigned))
    }

    @Test("doubles beyond the range are refused, below it they are zero or denormal")
    func doubleRange() {
        #expect(double("1.7976931348623157e308") == .greatestFiniteMagnitude)
        #expect(double("1.7976931348623158e308") == .greatestFiniteMagnitude)
        for text in [
            "1.7976931348623159e308", "1e309", "-1e400", "1e99999999999999999999",
            "1" + String(repeating: "0", count: 309),
        ] {
            #expect(double(text) == nil, "\(text)")
            #expect(compactFailure(of: utf8(text))?.kind == .overflowsDouble, "\(text)")
        }
        #expect(double("5e-324") == .leastNonzeroMagnitude)
        #expect(double("2e-324") == 0)
        #expect(double("-1e-99999999999999999999")?.bitPattern == (-0.0).bitPattern)
        #expect(double("-0")?.sign == .minus)
        #expect(double("0e99999999999999999999") == 0)
    }

    @Test("doubles are rounded like strtod")
    func doublesAgainstOracle() {
        var random = TestGenerator(seed: 7)
        var texts = [
            "9007199254740993", "9007199254740992.5", "1e22", "1e23", "123456789012345678", "0.1", "8.5e-320",
            "2.2250738585072011e-308",
        ]
        for _ in 0..<8_000 {
            let value = Double(bitPattern: random.next())
            if value.isFinite { texts.append("\(value)") }
            let digits = (0..<1 + random.below(30)).map { _ in "\(random.below(10))" }.joined()
            texts.append("\(random.below(2) == 0 ? "-" : "")1\(digits).\(digits)e\(random.below(640) - 340)")
        }
        for text in texts {
            let expected = strtod(text, nil)
            #expect(
                (double(text) ?? .infinity).bitPattern
                    == (expected.isFinite ? expected : .infinity).bitPattern, "\(text)")
        }
    }

    @Test("midpoints of doubles and their neighbours round to even")
    func doubleMidpoints() {
        var random = TestGenerator(seed: 8)
        for _ in 0..<60 {
            let significand = (1 << 52) | (random.next() >> 12)
            let exponent = random.below(500) - 300
            // Twice the significand plus one, one binary place lower: halfway to the next double.
            let midpoint = exactDecimal(significand * 2 + 1, exponent: exponent - 1)
            for text in nearby(midpoint) {
                #expect(double(text) == strtod(text, nil), "\(text)")
            }
        }
    }

    /// A decimal literal and two that differ from it far behind its digits.
    private func nearby(_ text: String) -> [String] {
        let parts = text.split(separator: "e")
        guard let digits = parts.first else { return [] }
        let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        let more = String(repeating: "0", count: 900)
        // swift-format-ignore: NeverForceUnwrap
        let below =
            String(digits.dropLast()) + String(UnicodeScalar(digits.utf8.last! - 1))
            + String(repeating: "9", count: 901)
        return [text, "\(digits)\(more)1e\(exponent - 901)", "\(below)e\(exponent - 901)"]
            .filter { !$0.contains("/") }
    }

    @Test("floats are rounded once at every power of two, at midpoints and beside them")
    func floatMidpoints() {
        var texts: [String] = []
        for biased in UInt32(0)...254 {
            for fraction: UInt32 in [0, 1, 0x2A_AAAA, 0x40_0000, 0x7F_FFFE, 0x7F_FFFF] {
                let value = Float(bitPattern: biased << 23 | fraction)
                guard value.nextUp.isFinite else { continue }
                // Exact in a double: a float has 24 bits, its midpoint 25.
                let midpoint = (Double(value) + Double(value.nextUp)) / 2
                let significand = UInt64(midpoint.significandBitPattern | 1 << 52)
                let exact = exactDecimal(significand, exponent: Int(midpoint.exponent) - 52)
                texts += nearby(exact)
                texts += [
                    "\(midpoint)", "\(midpoint.nextUp)", "\(midpoint.nextDown)", "\(value)",
                    "\(Double(value))",
                ]
            }
        }
        check(texts)
    }

    @Test("the edges of the range of floats")
    func floatRange() {
        #expect(float("3.4028234663852886e38") == .greatestFiniteMagnitude)
        #expect(float("3.4028235677973365e38") == .greatestFiniteMagnitude)
        #expect(float("3.4028235677973367e38") == nil)
        #expect(float("340282356779733661637539395458142568447") == .greatestFiniteMagnitude)
        #expect(float("340282356779733661637539395458142568448") == nil)
        #expect(float("1e39") == nil && float("-1e999") == nil)
        #expect(float("1.401298464324817e-45") == .leastNonzeroMagnitude)
        #expect(float("7.006492321624085e-46") == 0)
        #expect(float("7.006492321624086e-46") == .leastNonzeroMagnitude)
        #expect(float("-1e-60")?.bitPattern == (-Float(0)).bitPattern)
        #expect(
            floats(["-0", "-0.0", "0e5", "-0e-5"])?.map(\.bitPattern) == [
                0x8000_0000, 0x8000_0000, 0, 0x8000_0000,
            ])
        #expect(floats(["1e39"]) == nil)
    }

    @Test("a decimal that a double would round onto a midpoint is not rounded twice")
    func doubleRounding() {
        // Just above the midpoint of 1 and the next float; the nearest double is the midpoint itself.
        let above = "1.00000005960464477539062500000000000001"
        #expect(Float(strtod(above, nil)) == 1)
        #expect(float(above) == Float(1).nextUp)
        #expect(floats([above]) == [Float(1).nextUp])
        check([
            "1.000000059604644775", "1.000000059604644776", "16777217", "16777217.0000000001", "33554434",
            "33554438",
        ])
    }

    @Test("random floats in many forms are rounded like strtof")
    func floatsAgainstOracle() {
        var random = TestGenerator(seed: 9)
        var texts: [String] = []
        for _ in 0..<25_000 {
            let value = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
            let unit = (Double(random.next() >> 11) / Double(1 << 53) - 0.5) * 0.2
            if value.isFinite { texts += ["\(value)", "\(Double(value))"] }
            texts += ["\(unit)", "\(Float(unit))", decimals(unit, random.below(24))]
        }
        check(texts)
    }

    /// A number in fixed notation.
    private func decimals(_ value: Double, _ places: Int) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
            _ = withVaList([Int32(places), value]) { vsnprintf(buffer.baseAddress, 64, "%.*f", $0) }
            // swift-format-ignore: NeverForceUnwrap
            return String(cString: buffer.baseAddress!)
        }
    }

    /// Compares both ways of reading floats with the oracle.
    private func check(_ texts: [String]) {
        let expected = texts.map { strtof($0, nil) }
        let finite = zip(texts, expected).filter(\.1.isFinite)
        let quick = floats(finite.map(\.0))
        #expect(quick?.count == finite.count)
        var wrong: [String] = []
        for (index, (text, value)) in finite.enumerated() {
            if quick?[index].bitPattern != value.bitPattern { wrong.append("quick \(text)") }
            if index % 4 == 0, float(text)?.bitPattern != value.bitPattern { wrong.append("general \(text)") }
        }
        #expect(wrong.isEmpty, "\(wrong.prefix(5))")
    }

    @Test("vectors: shapes, white space, limits and errors")
    func arrays() {
        func vector(_ text: String, limit: Int = 10) -> Result<[Float], JSONError> {
            Result { () throws(JSONError) in
                try readJSON(text) { (reader) throws(JSONError) in
                    var values: [Float] = [9]
                    try reader.readFloatArray(into: &values, limit: limit)
                    return values
                }
            }
        }
        for padding in ["", String(repeating: " ", count: 80)] {
            #expect(vector("[]\(padding)") == .success([9]))
            #expect(vector(" [ ] \(padding)") == .success([9]))
            #expect(vector("[1]\(padding)") == .success([9, 1]))
            #expect(vector(" [ 1 ,\n-2.5 ,  3e2, 0.5]\(padding)") == .success([9, 1, -2.5, 300, 0.5]))
            #expect(vector("[1,2]\(padding)", limit: 2) == .success([9, 1, 2]))
            #expect(
                vector("[1,2,3]\(padding)", limit: 2)
                    == .failure(JSONError(.tooManyElements(limit: 2), at: 0)))
            #expect(vector("[1,]\(padding)").syntaxOffset == 3)
            #expect(vector("[,1]\(padding)").syntaxOffset == 1)
            #expect(vector("[1 2]\(padding)").syntaxOffset == 3)
            #expect(vector("[01,2]\(padding)").syntaxOffset == 2)
            #expect(vector("[1.,2]\(padding)").syntaxOffset == 3)
            #expect(vector("[1.e3,2]\(padding)").syntaxOffset == 3)
            #expect(vector("[1e,2]\(padding)").syntaxOffset == 3)
            #expect(vector("[1,-,2]\(padding)").syntaxOffset == 4)
            #expect(vector("[1,--2,2]\(padding)").syntaxOffset == 4)
            #expect(vector("[1,+2,2]\(padding)").syntaxOffset == 3)
            #expect(vector("[1,.2,2]\(padding)").syntaxOffset == 3)
            #expect(vector("[1\u{0B},2]\(padding)").syntaxOffset == 2)
            #expect(vector("[1,2}\(padding)").syntaxOffset == 4)
            #expect(vector("[1,2,1e39,4]\(padding)") == .failure(JSONError(.notAFloat(index: 2), at: 5)))
            #expect(
                vector("[1,true]\(padding)")
                    == .failure(JSONError(.wrongType(expected: "a number", got: .bool), at: 3)))
            #expect(
                vector("[1,[2]]\(padding)")
                    == .failure(JSONError(.wrongType(expected: "a number", got: .array), at: 3)))
        }
        #expect(vector("[1,2").syntaxOffset == 4)
        #expect(vector("[").syntaxOffset == 1)
    }

    @Test(
        "vectors of every length around the size of a piece",
        arguments: [511, 512, 513, 1023, 1024, 1025, 3000])
    func pieces(count: Int) {
        let expected = (0..<count).map { Float($0) / 8 }
        #expect(floats(expected.map { "\($0)" }) == expected)
        let text = "[" + expected.map { "\($0)" }.joined(separator: " , ") + "]"
        let spaced = try? readJSON(text) { (reader) throws(JSONError) in
            var values: [Float] = []
            try reader.readFloatArray(into: &values, limit: count)
            return values
        }
        #expect(spaced == expected)
    }
}
