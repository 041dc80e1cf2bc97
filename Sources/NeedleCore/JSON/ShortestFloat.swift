// The shortest decimal that reads back as a given float32, and among those the nearest: R. Giulietti, "The
// Schubfach way to render doubles" (2021), in its 32-bit form. The text is that of the standard library's
// `description`, which a test compares, without its strings.

enum ShortestFloat {
    /// The longest text: sign, nine digits, point, exponent of four characters.
    static let longest = 16

    /// ceil(10^k × 2^n) for k in -31 ... 45, with n such that the value has 64 bits; exact for k in 0 ...
    /// 27.
    private static let powers: [UInt64] = [
        0x81CE_B32C_4B43_FCF5, 0xA242_5FF7_5E14_FC32, 0xCAD2_F7F5_359A_3B3F, 0xFD87_B5F2_8300_CA0E,
        0x9E74_D1B7_91E0_7E49, 0xC612_0625_7658_9DDB, 0xF796_87AE_D3EE_C552, 0x9ABE_14CD_4475_3B53,
        0xC16D_9A00_9592_8A28, 0xF1C9_0080_BAF7_2CB2, 0x971D_A050_74DA_7BEF, 0xBCE5_0864_9211_1AEB,
        0xEC1E_4A7D_B695_61A6, 0x9392_EE8E_921D_5D08, 0xB877_AA32_36A4_B44A, 0xE695_94BE_C44D_E15C,
        0x901D_7CF7_3AB0_ACDA, 0xB424_DC35_095C_D810, 0xE12E_1342_4BB4_0E14, 0x8CBC_CC09_6F50_88CC,
        0xAFEB_FF0B_CB24_AAFF, 0xDBE6_FECE_BDED_D5BF, 0x8970_5F41_36B4_A598, 0xABCC_7711_8461_CEFD,
        0xD6BF_94D5_E57A_42BD, 0x8637_BD05_AF6C_69B6, 0xA7C5_AC47_1B47_8424, 0xD1B7_1758_E219_652C,
        0x8312_6E97_8D4F_DF3C, 0xA3D7_0A3D_70A3_D70B, 0xCCCC_CCCC_CCCC_CCCD, 0x8000_0000_0000_0000,
        0xA000_0000_0000_0000, 0xC800_0000_0000_0000, 0xFA00_0000_0000_0000, 0x9C40_0000_0000_0000,
        0xC350_0000_0000_0000, 0xF424_0000_0000_0000, 0x9896_8000_0000_0000, 0xBEBC_2000_0000_0000,
        0xEE6B_2800_0000_0000, 0x9502_F900_0000_0000, 0xBA43_B740_0000_0000, 0xE8D4_A510_0000_0000,
        0x9184_E72A_0000_0000, 0xB5E6_20F4_8000_0000, 0xE35F_A931_A000_0000, 0x8E1B_C9BF_0400_0000,
        0xB1A2_BC2E_C500_0000, 0xDE0B_6B3A_7640_0000, 0x8AC7_2304_89E8_0000, 0xAD78_EBC5_AC62_0000,
        0xD8D7_26B7_177A_8000, 0x8786_7832_6EAC_9000, 0xA968_163F_0A57_B400, 0xD3C2_1BCE_CCED_A100,
        0x8459_5161_4014_84A0, 0xA56F_A5B9_9019_A5C8, 0xCECB_8F27_F420_0F3A, 0x813F_3978_F894_0985,
        0xA18F_07D7_36B9_0BE6, 0xC9F2_C9CD_0467_4EDF, 0xFC6F_7C40_4581_2297, 0x9DC5_ADA8_2B70_B59E,
        0xC537_1912_364C_E306, 0xF684_DF56_C3E0_1BC7, 0x9A13_0B96_3A6C_115D, 0xC097_CE7B_C907_15B4,
        0xF0BD_C21A_BB48_DB21, 0x9676_9950_B50D_88F5, 0xBC14_3FA4_E250_EB32, 0xEB19_4F8E_1AE5_25FE,
        0x92EF_D1B8_D0CF_37BF, 0xB7AB_C627_0503_05AE, 0xE596_B7B0_C643_C71A, 0x8F7E_32CE_7BEA_5C70,
        0xB35D_BF82_1AE4_F38C,
    ]
    private static let smallestPower = -31

    /// Writes a finite value's text at `place`, which must have room for `longest` bytes; the index after
    /// it.
    static func write(_ value: Float, to text: UnsafeMutableBufferPointer<UInt8>, at place: Int) -> Int {
        var place = place
        let bits = value.bitPattern
        if bits >> 31 == 1 {
            text[place] = UInt8(ascii: "-")
            place += 1
        }
        if bits << 1 == 0 {
            text[place] = UInt8(ascii: "0")
            return writeTail(to: text, at: place + 1)
        }
        let decimal = shortest(bits & 0x7FFF_FFFF)
        return format(decimal.digits, decimal.exponent, value.magnitude, to: text, at: place)
    }

    // MARK: Digits

    /// The value is `digits` × 10^`exponent`; the digits may end in zeros.
    private static func shortest(_ bits: UInt32) -> (digits: UInt32, exponent: Int) {
        let fraction = bits & 0x7F_FFFF
        let biased = bits >> 23
        let significand = biased == 0 ? fraction : fraction | 0x80_0000
        let binary = biased == 0 ? -149 : Int(biased) - 150
        if binary <= 0, binary > -24, significand & ((1 << UInt32(-binary)) - 1) == 0 {
            return (significand >> UInt32(-binary), 0)
        }
        // The interval that rounds to this value, times four; its ends belong to it if the significand is
        // even.
        let isLopsided = fraction == 0 && biased > 1
        let open: UInt32 = significand & 1
        let exponent = (binary * 1_262_611 - (isLopsided ? 524_031 : 0)) >> 22
        let shift = UInt32(binary + (-exponent * 1_741_647) >> 19 + 1)
        let power = powers[-exponent - smallestPower]
        let lower = roundToOdd(power, (4 * significand - 2 + (isLopsided ? 1 : 0)) << shift) + open
        let middle = roundToOdd(power, (4 * significand) << shift)
        let upper = roundToOdd(power, (4 * significand + 2) << shift) - open
        let digits = middle / 4
        if digits >= 10 {
            let fewer = digits / 10
            let belowFits = lower <= 40 * fewer
            let aboveFits = 40 * fewer + 40 <= upper
            if belowFits != aboveFits { return (fewer + (aboveFits ? 1 : 0), exponent + 1) }
        }
        let belowFits = lower <= 4 * digits
        let aboveFits = 4 * digits + 4 <= upper
        if belowFits != aboveFits { return (digits + (aboveFits ? 1 : 0), exponent) }
        let half = 4 * digits + 2
        let roundsUp = middle > half || (middle == half && digits & 1 == 1)
        return (digits + (roundsUp ? 1 : 0), exponent)
    }

    /// The high part of the product, its lowest bit set if anything was cut off.
    @inline(__always)
    private static func roundToOdd(_ power: UInt64, _ factor: UInt32) -> UInt32 {
        let low = (power & 0xFFFF_FFFF) &* UInt64(factor)
        let high = (power >> 32) &* UInt64(factor) &+ (low >> 32)
        return UInt32(truncatingIfNeeded: high >> 32) | (UInt32(truncatingIfNeeded: high) > 1 ? 1 : 0)
    }

    // MARK: Text

    private static func format(
        _ digits: UInt32, _ exponent: Int, _ magnitude: Float, to text: UnsafeMutableBufferPointer<UInt8>,
        at place: Int
    ) -> Int {
        var digits = digits
        var exponent = exponent
        while digits % 10 == 0 {
            digits /= 10
            exponent += 1
        }
        let count = digitCount(digits)
        let point = count + exponent  // digits before the decimal point
        if point < -3 || magnitude > 0x1p24 {
            return writeScientific(digits, count, point - 1, to: text, at: place)
        }
        if point <= 0 {
            text[place] = UInt8(ascii: "0")
            text[place + 1] = UInt8(ascii: ".")
            for zero in 0..<(0 - point) { text[place + 2 + zero] = UInt8(ascii: "0") }
            return writeDigits(digits, count, to: text, at: place + 2 - point)
        }
        if exponent >= 0 {
            var place = writeDigits(digits, count, to: text, at: place)
            for _ in 0..<exponent {
                text[place] = UInt8(ascii: "0")
                place += 1
            }
            return writeTail(to: text, at: place)
        }
        // One place to the right, and then the whole part back over it, makes room for the point.
        let end = writeDigits(digits, count, to: text, at: place + 1)
        for index in 0..<point { text[place + index] = text[place + 1 + index] }
        text[place + point] = UInt8(ascii: ".")
        return end
    }

    private static func writeScientific(
        _ digits: UInt32, _ count: Int, _ exponent: Int, to text: UnsafeMutableBufferPointer<UInt8>,
        at place: Int
    ) -> Int {
        var end = writeDigits(digits, count, to: text, at: place + 1)
        text[place] = text[place + 1]
        text[place + 1] = UInt8(ascii: ".")
        if count == 1 { end = place + 1 }
        text[end] = UInt8(ascii: "e")
        text[end + 1] = exponent < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+")
        let magnitude = UInt8(abs(exponent))
        text[end + 2] = UInt8(ascii: "0") + magnitude / 10
        text[end + 3] = UInt8(ascii: "0") + magnitude % 10
        return end + 4
    }

    private static func writeTail(to text: UnsafeMutableBufferPointer<UInt8>, at place: Int) -> Int {
        text[place] = UInt8(ascii: ".")
        text[place + 1] = UInt8(ascii: "0")
        return place + 2
    }

    private static func writeDigits(
        _ digits: UInt32, _ count: Int, to text: UnsafeMutableBufferPointer<UInt8>, at place: Int
    ) -> Int {
        var rest = digits
        var index = place + count
        while index > place {
            index -= 1
            text[index] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        return place + count
    }

    private static func digitCount(_ digits: UInt32) -> Int {
        var count = 1
        var bound: UInt32 = 10
        while count < 10, digits >= bound {
            count += 1
            bound = count == 10 ? .max : bound &* 10
        }
        return count
    }
}
