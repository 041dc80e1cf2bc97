// Seven bits a dimension: how a row becomes codes, and what the codes say about products and distances.
//
// A rotated vector y is held as y_i ≈ low + step · c_i with c_i in 0…127 and a range of its own (locally
// adaptive quantization: Aguerrebere et al., "Similarity search in the blink of an eye with compressed
// indices", arXiv:2304.04759). Seven bits, not eight: pairs of products of a code and a signed byte then fit
// in sixteen bits, so that no multiply-add instruction saturates, and the codes of a row are valid as a
// query's.

/// What stands in front of a row's int8 codes: four little-endian words.
package struct ScalarHeader: Sendable, Hashable {
    package static let bytes = 16

    /// Width of one code; 0 when all elements are equal.
    package var step: Float
    /// What code 0 stands for.
    package var low: Float
    /// The row's own part of a distance: see `Quantizer`.
    package var bias: Float
    /// Sum of the codes.
    package var sum: Int32

    package init(step: Float, low: Float, bias: Float, sum: Int32) {
        self.step = step
        self.low = low
        self.bias = bias
        self.sum = sum
    }

    /// Reads the header at the beginning of a record.
    @inline(__always)
    package init(at record: UnsafeRawPointer) {
        step = record.loadUnaligned(as: Float.self)
        low = record.loadUnaligned(fromByteOffset: 4, as: Float.self)
        bias = record.loadUnaligned(fromByteOffset: 8, as: Float.self)
        sum = record.loadUnaligned(fromByteOffset: 12, as: Int32.self)
    }

    @inline(__always)
    func write(to record: UnsafeMutableRawPointer) {
        record.storeBytes(of: step, as: Float.self)
        record.storeBytes(of: low, toByteOffset: 4, as: Float.self)
        record.storeBytes(of: bias, toByteOffset: 8, as: Float.self)
        record.storeBytes(of: sum, toByteOffset: 12, as: Int32.self)
    }
}

enum ScalarCodes {
    /// Writes header and codes of the rotated vector `y` to `record`, which has room for `layout.totalBytes`.
    ///
    /// - Complexity: O(d); no allocation.
    @inline(__always)
    static func encode(
        _ y: UnsafePointer<Float>, bias: Float, layout: CodeLayout, to record: UnsafeMutableRawPointer
    ) {
        let dimension = layout.dimension
        let (low, high) = CodeArithmetic.range(y, count: dimension)
        let (step, inverse) = CodeArithmetic.grid((high - low) / 127)
        let codes = (record + ScalarHeader.bytes).assumingMemoryBound(to: UInt8.self)
        let sum = CodeArithmetic.codes(y, count: dimension, low: low, inverse: inverse, into: codes)
        for i in dimension..<layout.codeBytes { codes[i] = 0 }
        ScalarHeader(step: step, low: low, bias: bias, sum: sum).write(to: record)
    }
}

/// Distances of coded rows from one query, given the integer product of the codes. A copy of the query's
/// numbers for a loop to hold in registers.
package struct ScalarTerms: Sendable, Hashable {
    /// Multiplier · (sum of the query's elements), multiplier · (what one unit of a product stands for).
    package let perLow: Float
    package let perStep: Float
    package let constant: Float

    @inline(__always)
    init(multiplier: Float, scale: Float, sum: Float, constant: Float) {
        perLow = multiplier * sum
        perStep = multiplier * scale
        self.constant = constant
    }

    /// - Parameter product: `dot_u7s8` of the record's codes and the query's bytes.
    @inline(__always)
    package func distance(to record: UnsafeRawPointer, product: Int32) -> Float {
        let row = ScalarHeader(at: record)
        return (row.low * perLow + row.step * (perStep * Float(product))) + (row.bias + constant)
    }
}

/// Distances of coded rows from another coded row, for building: no query is made.
package struct ScalarRowTerms: Sendable, Hashable {
    private let perLow: Float
    private let perStep: Float
    private let perStepSum: Float
    private let constant: Float

    /// - Parameters:
    ///   - row: the record's header that distances are measured from.
    ///   - constant: `Quantizer.constant(ofRowBias:)` of it.
    @inline(__always)
    init(row: ScalarHeader, dimension: Int, multiplier: Float, constant: Float) {
        // x̃·ỹ ≈ low_y (d low_x + step_x Σx) + low_x step_y Σy + step_x step_y Σ c_x c_y
        perLow = multiplier * (Float(dimension) * row.low + row.step * Float(row.sum))
        perStepSum = multiplier * row.low
        perStep = multiplier * row.step
        self.constant = constant
    }

    /// - Parameter product: `dot_u7s8` of the two records' codes.
    @inline(__always)
    package func distance(to record: UnsafeRawPointer, product: Int32) -> Float {
        let other = ScalarHeader(at: record)
        let codes = perStepSum * Float(other.sum) + perStep * Float(product)
        return (other.low * perLow + other.step * codes) + (other.bias + constant)
    }
}
