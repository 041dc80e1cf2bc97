// One bit a dimension: how a row becomes bits and a factor, and what they say about products and distances.
//
// Of a rotated vector y the signs are kept, s_i = ±1, and the factor |y|² / Σ|y_i|. Then factor · (s·q) is an
// estimate of y·q for any q, unbiased over the rotations, with an error of about 0.76 · |y| |q| / √d (Gao and
// Long, "RaBitQ", arXiv:2405.12497, theorem 3.2). The query is held more finely, in bit planes, so that its
// own rounding hardly adds to that.

/// What stands in front of a row's bits: two little-endian words. The first has the factor in its high half
/// (the upper sixteen bits of a float, rounded: 1/500 of relative error at most, far below the estimate's own)
/// and the number of set bits in its low half, which the query's offset is multiplied with.
package struct BinaryHeader: Sendable, Hashable {
    package static let bytes = 8

    package var factorAndCount: UInt32
    /// The row's own part of a distance: see `Quantizer`.
    package var bias: Float

    /// - Parameter count: set bits; beyond 65,535 it is held as that.
    init(factor: Float, count: Int, bias: Float) {
        // Half of what is cut off is added first: rounding, with a carry into the exponent where it must be.
        let rounded = (factor.bitPattern &+ 0x8000) & 0xFFFF_0000
        factorAndCount = rounded | UInt32(min(count, 0xFFFF))
        self.bias = bias
    }

    /// Reads the header at the beginning of a record.
    @inline(__always)
    package init(at record: UnsafeRawPointer) {
        factorAndCount = record.loadUnaligned(as: UInt32.self)
        bias = record.loadUnaligned(fromByteOffset: 4, as: Float.self)
    }

    @inline(__always)
    func write(to record: UnsafeMutableRawPointer) {
        record.storeBytes(of: factorAndCount, as: UInt32.self)
        record.storeBytes(of: bias, toByteOffset: 4, as: Float.self)
    }

    @inline(__always)
    package var factor: Float { Float(bitPattern: factorAndCount & 0xFFFF_0000) }

    @inline(__always)
    package var count: Int32 { Int32(truncatingIfNeeded: factorAndCount & 0xFFFF) }
}

enum BinaryCodes {
    /// Writes header and bits of the rotated vector `y` to `record`, which has room for `layout.totalBytes`.
    ///
    /// - Complexity: O(d); no allocation.
    @inline(__always)
    static func encode(
        _ y: UnsafePointer<Float>, bias: Float, layout: CodeLayout, to record: UnsafeMutableRawPointer
    ) {
        let dimension = layout.dimension
        var count = 0
        for word in 0..<layout.words {
            let first = word &* 64
            var bits: UInt64 = 0
            for i in 0..<min(64, dimension &- first) {
                let negative = y[first &+ i].bitPattern >> 31
                bits |= UInt64(truncatingIfNeeded: negative ^ 1) << UInt64(truncatingIfNeeded: i)
            }
            count &+= bits.nonzeroBitCount
            record.storeBytes(of: bits, toByteOffset: BinaryHeader.bytes &+ word &* 8, as: UInt64.self)
        }
        let magnitudes = CodeArithmetic.magnitudes(y, count: dimension)
        let squares = CodeArithmetic.product(y, y, count: dimension)
        let factor = magnitudes > 0 ? squares / magnitudes : 0
        BinaryHeader(factor: factor, count: count, bias: bias).write(to: record)
    }

    /// Bytes of a query: its planes, and room for its elements one by one.
    static func queryBytes(_ layout: CodeLayout, _ planes: Int) -> Int { (planes + 8) * layout.words * 8 }

    /// The rotated query as `planes` bit planes of `words` words: each element is the nearest of 2^planes
    /// values between the least and the greatest.
    ///
    /// - Parameter out: room for `queryBytes`; the planes come first.
    /// - Returns: the least value, the width of a unit, and the sum of the elements as they are held.
    @inline(__always)
    static func cut(
        _ y: UnsafePointer<Float>, layout: CodeLayout, planes: Int, into out: UnsafeMutablePointer<UInt64>
    ) -> (low: Float, step: Float, sum: Float) {
        let (dimension, words) = (layout.dimension, layout.words)
        let (low, high) = CodeArithmetic.range(y, count: dimension)
        let greatest = Int32(1) << Int32(planes) - 1
        let (step, inverse) = CodeArithmetic.grid((high - low) / Float(greatest))
        let groups = out + planes &* words
        let units = UnsafeMutableRawPointer(groups).assumingMemoryBound(to: UInt8.self)
        let sum = CodeArithmetic.units(
            y, count: dimension, low: low, inverse: inverse, greatest: greatest, into: units)
        for i in dimension..<words &* 64 { units[i] = 0 }
        for word in 0..<words {
            for plane in 0..<planes {
                out[plane &* words &+ word] = bits(of: groups + word &* 8, plane: plane)
            }
        }
        return (low, step, Float(dimension) * low + step * Float(sum))
    }

    /// Bit `plane` of each of 64 bytes. In a group of eight the bits lie eight apart; the multiplication moves
    /// each of them to its place in the uppermost byte.
    @inline(__always)
    private static func bits(of groups: UnsafePointer<UInt64>, plane: Int) -> UInt64 {
        var bits: UInt64 = 0
        for group in 0..<8 {
            let apart = groups[group] >> UInt64(truncatingIfNeeded: plane) & 0x0101_0101_0101_0101
            let together = (apart &* 0x0102_0408_1020_4080) >> 56
            bits |= together << UInt64(truncatingIfNeeded: group &* 8)
        }
        return bits
    }
}

/// Distances of coded rows from one query, given the integer product of the bits. A copy of the query's
/// numbers for a loop to hold in registers.
package struct BinaryTerms: Sendable, Hashable {
    private let perCount: Float
    private let perProduct: Float
    private let offset: Float
    private let constant: Float

    @inline(__always)
    init(multiplier: Float, low: Float, step: Float, sum: Float, constant: Float) {
        // y·q ≈ factor (2 (low · count + step · product) − sum): twice what the set bits choose, less all.
        perCount = 2 * multiplier * low
        perProduct = 2 * multiplier * step
        offset = multiplier * sum
        self.constant = constant
    }

    /// - Parameter product: `dot_b1` of the record's bits and the query's planes.
    @inline(__always)
    package func distance(to record: UnsafeRawPointer, product: Int32) -> Float {
        let row = BinaryHeader(at: record)
        let chosen = perCount * Float(row.count) + perProduct * Float(product)
        return row.factor * (chosen - offset) + (row.bias + constant)
    }
}
