// Normally distributed numbers without logarithm or cosine, so that they are the same everywhere.

import NeedleCore

/// Numbers of mean 0 and variance 1: the sum of twelve uniform ones of 16 bits (Irwin and Hall), never beyond ±6.
struct GaussianSource {
    private var generator: SeededGenerator

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
    }

    mutating func next() -> Float {
        var sum: UInt32 = 0
        for _ in 0..<3 {
            let word = generator.next()
            sum += UInt32(word & 0xFFFF) + UInt32(word >> 16 & 0xFFFF)
            sum += UInt32(word >> 32 & 0xFFFF) + UInt32(word >> 48)
        }
        // Twelve numbers of 0 to 65,535 have the mean 393,210 and the variance of 65,536² (nearly).
        return (Float(sum) - 393_210) * 0x1p-16
    }

    /// At least 0, below 1.
    mutating func uniform() -> Float { Float(generator.next() >> 40) * 0x1p-24 }

    mutating func bits() -> UInt64 { generator.next() }
}
