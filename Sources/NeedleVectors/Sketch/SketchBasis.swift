// The directions in which the vectors of a segment differ most, for a cheap first look at a row.
//
// A sketch holds a row's coordinates in up to 120 principal directions of the rotated, centred vectors, four
// bits each: one cache line in place of the six or more that a row's int8 code takes. Embeddings vary in few
// directions, so the product of two sketches is near the product of the vectors (Faloutsos and Lin 1995 for
// the idea; LeanVec, Tepper et al., arXiv:2312.16335, for its use in graphs).
//
// Directions are held as signed 7-bit numbers, so that coordinates come from the integer kernels. They need
// not be orthogonal to the last digit: rows and queries use the same ones, and what is lost is measured
// (`SketchTraining`).

import CNeedleKernels
import NeedleCore

/// Directions, and the range of coordinates in each. Immutable; any thread may use it.
package final class SketchBasis: Sendable {
    /// Elements of a direction are −63 … 63.
    static let greatest: Float = 63

    package let layout: CodeLayout
    /// How many directions: at most 120.
    package let count: Int
    /// What one unit of a direction's element stands for.
    let unit: Float
    /// `count` × `layout.codeBytes` numbers, each 64 too large so that they are 7-bit codes; filled up with 64.
    let codes: [UInt8]
    /// The same as signed numbers.
    let elements: [Int8]
    /// Sum of each direction's elements.
    let sums: [Int32]
    /// Per direction: what code 0 stands for, and the width of a code.
    let lows: [Float]
    let steps: [Float]
    /// Added to a bound before sketches are compared with it: how much farther sketches make near rows look,
    /// for four fifths of them.
    package let margin: Float

    /// - Parameters:
    ///   - codes: `count` × `layout.codeBytes` numbers of 0…127.
    ///   - lows, steps: `count` finite numbers each.
    init(layout: CodeLayout, unit: Float, codes: [UInt8], lows: [Float], steps: [Float], margin: Float) {
        count = lows.count
        precondition(layout.kind == .int8 && codes.count == count * layout.codeBytes)
        precondition(steps.count == count && (1...SketchTable.codes).contains(count))
        self.layout = layout
        self.unit = unit
        self.codes = codes
        elements = codes.map { Int8(truncatingIfNeeded: Int($0) - 64) }
        self.lows = lows
        self.steps = steps
        self.margin = margin
        let size = layout.codeBytes
        sums = (0..<lows.count).map { k in
            codes[k * size..<k * size + layout.dimension].reduce(0) { $0 + Int32($1) - 64 }
        }
    }

    /// Coordinates of a coded row in every direction.
    ///
    /// - Parameters: `record`: header and codes. `out`: room for `count`.
    func coordinates(
        of record: UnsafeRawPointer, into out: UnsafeMutablePointer<Float>, kernels: DistanceKernels
    ) {
        let header = ScalarHeader(at: record)
        let row = (record + ScalarHeader.bytes).assumingMemoryBound(to: UInt8.self)
        let size = layout.codeBytes
        elements.withUnsafeBufferPointer { elements in
            // SAFETY: `count` directions of `codeBytes` elements each.
            guard var direction = elements.baseAddress else { return }
            for k in 0..<count {
                let product = kernels.table.pointee.dot_u7s8(row, direction, size)
                out[k] = unit * (header.low * Float(sums[k]) + header.step * Float(product))
                direction += size
            }
        }
    }

    /// Coordinates of a coded query in every direction.
    ///
    /// - Parameter products: room for `count`.
    func coordinates(
        of query: CodedQuery, products: UnsafeMutablePointer<Int32>, into out: UnsafeMutablePointer<Float>,
        kernels: DistanceKernels
    ) {
        let size = layout.codeBytes
        codes.withUnsafeBufferPointer { codes in
            // SAFETY: `count` directions of `codeBytes` codes each.
            guard let base = codes.baseAddress else { return }
            kernels.table.pointee.dot_u7s8_batch(query.bytes, base, size, nil, count, size, products)
        }
        // Codes are 64 too large, the query's sum is scale · Σ.
        for k in 0..<count { out[k] = unit * (query.scale * Float(products[k]) - 64 * query.sum) }
    }
}
