// Whether a vector holds only finite numbers.

package enum FiniteCheck {
    /// Whether no component is NaN or infinite. One pass that compilers vectorise.
    package static func allFinite(_ floats: Span<Float>) -> Bool {
        var seen: UInt32 = 0
        for index in floats.indices {
            // An exponent of all ones carries into the sign's place.
            seen |= (floats[unchecked: index].bitPattern & 0x7FFF_FFFF) &+ 0x0080_0000
        }
        return seen < 0x8000_0000
    }

    /// Index of the first component that is NaN or infinite.
    package static func firstNonFinite(in floats: Span<Float>) -> Int? {
        if allFinite(floats) { return nil }
        return floats.indices.first { !floats[$0].isFinite }
    }
}
