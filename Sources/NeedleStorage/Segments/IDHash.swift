package import NeedleCore

/// The hash of ids in segment files. Part of the format: it must never change.
///
/// An integer `v` hashes to `mix(v ^ 0xA0761D6478BD642F)`. A string hashes to the fold of its bytes, eight
/// at a time as little-endian words (the last one filled up with zeros): `h = mix(h ^ word)`, beginning
/// with `h = mix(0xE7037ED1A0B428DB ^ length)`. `mix` is the finaliser of SplitMix64
/// (`SeededGenerator.mix`). No protection against ids chosen to collide: a probe is bounded by the rows of
/// one segment.
package enum IDHash {
    package static func hash(_ id: PointID) -> UInt64 {
        switch id {
        case .integer(let value): return SeededGenerator.mix(value ^ 0xA076_1D64_78BD_642F)
        case .string(let bytes):
            var hash = SeededGenerator.mix(0xE703_7ED1_A0B4_28DB ^ UInt64(bytes.count))
            bytes.withUnsafeBytes { source in
                var offset = 0
                while offset + 8 <= source.count {
                    let word = UInt64(
                        littleEndian: source.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                    hash = SeededGenerator.mix(hash ^ word)
                    offset += 8
                }
                guard offset < source.count else { return }
                var word: UInt64 = 0
                for (shift, byte) in source[offset...].enumerated() {
                    word |= UInt64(byte) << UInt64(8 * shift)
                }
                hash = SeededGenerator.mix(hash ^ word)
            }
            return hash
        }
    }

    /// Slots of a table for `rows` ids: a power of two, at most half full, at least two.
    package static func slotCount(rows: Int) -> Int {
        var slots = 2
        while slots / 2 < rows { slots *= 2 }
        return slots
    }
}
