/// Letters made small and accents taken away: canonical decomposition, without nonspacing marks of scripts where
/// those are accents and without format characters, then lower case.
///
/// What is canonically equivalent folds to the same scalars. From `FoldTable`, expanded once for the basic plane.
/// Safe to share.
enum TextFolding {
    /// Appends what the scalar becomes, as UTF-8; nothing for an accent.
    static func append(_ scalar: UInt32, to bytes: inout [UInt8]) {
        let folded = single(scalar)
        if folded == scalar || folded == gone {
            if folded != gone { appendUTF8(scalar, to: &bytes) }
        } else if folded != several {
            appendUTF8(folded, to: &bytes)
        } else if let syllable = Hangul(scalar) {
            syllable.append(to: &bytes)
        } else {
            let (first, second) = pair(scalar)
            append(first, to: &bytes)
            append(second, to: &bytes)
        }
    }

    static func lowercased(_ byte: UInt8) -> UInt8 {
        byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte
    }

    // MARK: Tables

    /// No scalars: marks of "becomes nothing" and "becomes more than one".
    private static let gone: UInt32 = 0xFFFF_FFFF
    private static let several: UInt32 = 0xFFFF_FFFE

    /// What a scalar becomes, if that is one scalar.
    private static func single(_ scalar: UInt32) -> UInt32 {
        scalar < 0x10000 ? basicPlane[Int(scalar)] : search(scalar)
    }

    private static let basicPlane: [UInt32] = (0..<0x10000).map { scalar in
        if scalar < 0x80 { return UInt32(lowercased(UInt8(scalar))) }
        return search(UInt32(scalar))
    }

    private static func search(_ scalar: UInt32) -> UInt32 {
        if Hangul(scalar) != nil { return several }
        if let run = lastRun(notAfter: scalar), let folded = run.folded(scalar) { return folded }
        return FoldTable.pairs.contains { $0 >> 42 == UInt64(scalar) } ? several : scalar
    }

    private static func lastRun(notAfter scalar: UInt32) -> Run? {
        let runs = FoldTable.runs
        var low = 0
        var high = runs.count
        while low < high {
            let middle = (low + high) / 2
            if runs[middle] >> 32 <= UInt64(scalar) { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? nil : Run(packed: runs[low - 1])
    }

    private static func pair(_ scalar: UInt32) -> (UInt32, UInt32) {
        guard let found = FoldTable.pairs.first(where: { $0 >> 42 == UInt64(scalar) }) else {
            preconditionFailure("only a scalar that becomes several is asked for its pair")
        }
        return (UInt32(found >> 21 & 0x1FFFFF), UInt32(found & 0x1FFFFF))
    }

    /// Scalars at a constant distance from each other that move by the same distance, or vanish.
    private struct Run {
        let packed: UInt64

        func folded(_ scalar: UInt32) -> UInt32? {
            let distance = scalar - UInt32(packed >> 32)
            let stride = UInt32(packed >> 9 & 1) + 1
            guard distance % stride == 0, distance / stride < UInt32(packed & 0x1FF) else { return nil }
            let first = UInt32(packed >> 10 & 0x3FFFFF)
            return first == 0 ? TextFolding.gone : first + distance
        }
    }

    /// A Hangul syllable is decomposed by arithmetic (Unicode, section 3.12).
    private struct Hangul {
        private let index: UInt32

        init?(_ scalar: UInt32) {
            guard scalar >= 0xAC00, scalar < 0xAC00 + 11172 else { return nil }
            index = scalar - 0xAC00
        }

        func append(to bytes: inout [UInt8]) {
            appendUTF8(0x1100 + index / 588, to: &bytes)
            appendUTF8(0x1161 + index % 588 / 28, to: &bytes)
            if index % 28 > 0 { appendUTF8(0x11A7 + index % 28, to: &bytes) }
        }
    }

    private static func appendUTF8(_ scalar: UInt32, to bytes: inout [UInt8]) {
        switch scalar {
        case ..<0x80:
            bytes.append(UInt8(scalar))
        case ..<0x800:
            bytes.append(UInt8(0xC0 | scalar >> 6))
            bytes.append(UInt8(0x80 | scalar & 0x3F))
        case ..<0x10000:
            bytes.append(UInt8(0xE0 | scalar >> 12))
            bytes.append(UInt8(0x80 | scalar >> 6 & 0x3F))
            bytes.append(UInt8(0x80 | scalar & 0x3F))
        default:
            bytes.append(UInt8(0xF0 | scalar >> 18 & 0x07))
            bytes.append(UInt8(0x80 | scalar >> 12 & 0x3F))
            bytes.append(UInt8(0x80 | scalar >> 6 & 0x3F))
            bytes.append(UInt8(0x80 | scalar & 0x3F))
        }
    }
}
