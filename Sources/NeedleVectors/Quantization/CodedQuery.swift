// A query in the form in which the integer kernels want it, in memory that is used again.

import Glibc

/// A query coded by a `Quantizer`, and the numbers that make distances of integer products.
///
/// Reusable: `Quantizer.prepare(_:into:)` fills it again, and allocates only when it has to grow. Used by one
/// thread at a time while it is filled; by any number afterwards. Pointers hold until it is filled again.
package final class CodedQuery: @unchecked Sendable {
    // SAFETY: the memory is allocated and freed here; whoever owns the query fills it while nobody reads it.
    private var memory: UnsafeMutableRawPointer
    private var capacity: Int

    package private(set) var layout: CodeLayout
    /// Bits of an element of a binary query; 0 for int8.
    package private(set) var planeCount = 0
    /// −1, or −2 for euclid: what an inner product is multiplied with to become a distance.
    package private(set) var multiplier: Float = 0
    /// The query's own part of every distance.
    package private(set) var constant: Float = 0
    /// What one unit of an element stands for.
    package private(set) var scale: Float = 0
    /// The least element (binary); 0 for int8.
    package private(set) var low: Float = 0
    /// Sum of the elements as they are held.
    package private(set) var sum: Float = 0

    package init() {
        layout = CodeLayout(kind: .int8, dimension: 1)
        capacity = 0
        memory = Self.allocate(64)
    }

    deinit {
        free(memory)
    }

    /// The centred and rotated query, `layout.dimension` floats; 64-byte aligned.
    @inline(__always)
    package var rotated: UnsafePointer<Float> { UnsafePointer(floats) }

    /// The int8 query, `layout.codeBytes` elements, zeros at the end; 64-byte aligned.
    @inline(__always)
    package var bytes: UnsafePointer<Int8> { UnsafeRawPointer(codes).assumingMemoryBound(to: Int8.self) }

    /// The binary query, `planeCount` runs of `layout.words` words; 64-byte aligned.
    @inline(__always)
    package var planes: UnsafePointer<UInt64> {
        UnsafeRawPointer(codes).assumingMemoryBound(to: UInt64.self)
    }

    /// For loops over int8 records.
    package var scalarTerms: ScalarTerms {
        precondition(layout.kind == .int8, "a query of another kind")
        return ScalarTerms(multiplier: multiplier, scale: scale, sum: sum, constant: constant)
    }

    /// For loops over binary records.
    package var binaryTerms: BinaryTerms {
        precondition(layout.kind == .binary, "a query of another kind")
        return BinaryTerms(multiplier: multiplier, low: low, step: scale, sum: sum, constant: constant)
    }
}

extension CodedQuery {
    var floats: UnsafeMutablePointer<Float> { memory.assumingMemoryBound(to: Float.self) }

    /// Where the codes begin: behind the floats, at a multiple of 64.
    private var codes: UnsafeMutableRawPointer { memory + Self.roundUp(layout.dimension * 4) }

    /// Makes room for a query of this layout. What was in it is lost.
    func reserve(_ layout: CodeLayout, planes: Int) {
        let codeBytes = layout.kind == .int8 ? layout.codeBytes : BinaryCodes.queryBytes(layout, planes)
        let needed = Self.roundUp(layout.dimension * 4) + Self.roundUp(codeBytes)
        if needed > capacity {
            free(memory)
            memory = Self.allocate(needed)
            capacity = needed
        }
        self.layout = layout
        planeCount = layout.kind == .int8 ? 0 : planes
    }

    /// Codes the rotated query that lies in `floats`.
    func code(multiplier: Float, constant: Float) {
        self.multiplier = multiplier
        self.constant = constant
        switch layout.kind {
        case .int8:
            let dimension = layout.dimension
            let (least, greatest) = CodeArithmetic.range(floats, count: dimension)
            let (step, inverse) = CodeArithmetic.grid(max(-least, greatest) / 127)
            let out = codes.assumingMemoryBound(to: Int8.self)
            let units = CodeArithmetic.signedCodes(floats, count: dimension, inverse: inverse, into: out)
            for i in dimension..<layout.codeBytes { out[i] = 0 }
            (low, scale, sum) = (0, step, step * Float(units))
        case .binary:
            let out = codes.assumingMemoryBound(to: UInt64.self)
            (low, scale, sum) = BinaryCodes.cut(floats, layout: layout, planes: planeCount, into: out)
        }
    }

    private static func roundUp(_ bytes: Int) -> Int { (bytes + 63) & ~63 }

    private static func allocate(_ bytes: Int) -> UnsafeMutableRawPointer {
        guard let memory = aligned_alloc(64, bytes) else {
            preconditionFailure("out of memory: \(bytes) bytes of a coded query")
        }
        return memory
    }
}
