// From float vectors to records of codes and coded queries, and back to distances.
//
// With x̃ = x − μ (for cosine, x of unit length), and because the rotation keeps products:
//
//     cosine, dot:  −q·x    = −q̃·x̃  − μ·x  + (μ·μ − μ·q)
//     euclid:       |q − x|² = −2 q̃·x̃ + |x̃|² + |q̃|²
//
// so every distance is  multiplier · (q̃·x̃) + bias of the row + constant of the query, where only the product is
// estimated from codes. The constant of a row that takes the query's place is made of its bias.

import NeedleCore

/// Codes rows and queries of one space in one segment. A value; any thread may use it.
///
/// Takes any vectors that are not wide (`VectorNorms`); all that it gives is finite.
package struct Quantizer: Sendable {
    package let transform: SpaceTransform
    package let layout: CodeLayout
    /// Bits of an element of a binary query, 1 to 8; 0 for int8.
    package let planes: Int

    package static let defaultPlanes = 4

    /// - Parameter planes: for binary only.
    package init(transform: SpaceTransform, kind: CodeKind, planes: Int = Self.defaultPlanes) {
        precondition((1...8).contains(planes), "1 to 8 bit planes")
        self.transform = transform
        layout = CodeLayout(kind: kind, dimension: transform.dimension)
        self.planes = kind == .binary ? planes : 0
    }

    package var kind: CodeKind { layout.kind }

    /// −1, or −2 for euclid.
    @inline(__always)
    package var multiplier: Float { transform.metric == .euclid ? -2 : -1 }

    /// The constant of a row in a query's place.
    @inline(__always)
    package func constant(ofRowBias bias: Float) -> Float {
        transform.metric == .euclid ? bias : bias + transform.centreSquared
    }

    /// Distances from the row whose int8 record this is to other rows.
    @inline(__always)
    package func rowTerms(_ record: UnsafeRawPointer) -> ScalarRowTerms {
        let row = ScalarHeader(at: record)
        return ScalarRowTerms(
            row: row, dimension: layout.dimension, multiplier: multiplier,
            constant: constant(ofRowBias: row.bias))
    }

    /// Writes header and codes of a row.
    ///
    /// - Parameters:
    ///   - vector: `dimension` floats. - scale: the row's inverse norm for cosine, else 1.
    ///   - record: room for `layout.totalBytes`, any alignment; all of it is written.
    ///   - scratch: room for `dimension` floats; the transformed vector afterwards.
    /// - Complexity: O(d log d); no allocation.
    package func encode(
        _ vector: UnsafePointer<Float>, scale: Float, to record: UnsafeMutableRawPointer,
        scratch: UnsafeMutablePointer<Float>
    ) {
        transform.apply(vector, scale: scale, into: scratch)
        let bias =
            transform.metric == .euclid ? square(scratch) : 0 - centreProduct(vector, scale: scale)
        switch kind {
        case .int8: ScalarCodes.encode(scratch, bias: bias, layout: layout, to: record)
        case .binary: BinaryCodes.encode(scratch, bias: bias, layout: layout, to: record)
        }
    }

    /// A query ready for the kernels.
    package func prepare(_ query: PreparedQuery) -> CodedQuery {
        let coded = CodedQuery()
        prepare(query, into: coded)
        return coded
    }

    /// The same in memory that is there already.
    ///
    /// - Precondition: the query is of this metric and dimension, and not wide.
    package func prepare(_ query: PreparedQuery, into coded: CodedQuery) {
        precondition(query.dimension == layout.dimension && query.metric == transform.metric)
        query.withKernelVector { prepare(vector: $0, scale: 1, into: coded) }
    }

    /// The query form of a stored row's vector, which an insertion searches with.
    ///
    /// - Parameters: see `encode`.
    package func prepare(vector: UnsafePointer<Float>, scale: Float, into coded: CodedQuery) {
        coded.reserve(layout, planes: planes)
        transform.apply(vector, scale: scale, into: coded.floats)
        let constant =
            transform.metric == .euclid
            ? square(coded.floats)
            : constant(ofRowBias: 0 - centreProduct(vector, scale: scale))
        coded.code(multiplier: multiplier, constant: constant)
    }

    package func prepare(vector: UnsafePointer<Float>, scale: Float) -> CodedQuery {
        let coded = CodedQuery()
        prepare(vector: vector, scale: scale, into: coded)
        return coded
    }

    @inline(__always)
    private func square(_ y: UnsafePointer<Float>) -> Float {
        CodeArithmetic.product(y, y, count: layout.dimension)
    }

    @inline(__always)
    private func centreProduct(_ vector: UnsafePointer<Float>, scale: Float) -> Float {
        transform.centre.withUnsafeBufferPointer { centre in
            // SAFETY: centre and vector have `dimension` floats, and no space is without dimensions.
            scale
                * CodeArithmetic.product(
                    centre.baseAddress.unsafelyUnwrapped, vector, count: layout.dimension)
        }
    }
}
