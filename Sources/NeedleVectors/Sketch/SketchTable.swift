// The sketches of a graph's rows, and the query's side of them.

import CNeedleKernels
package import NeedleCore

/// One sketch of 64 bytes a row (see `nk_sketch_filter` for its layout), made when all rows are known.
@unsafe package final class SketchTable: Sendable {
    package static let stride = Int(NK_SKETCH_BYTES)
    static let codes = Int(NK_SKETCH_CODES)
    private static let half = codes / 2

    package let basis: SketchBasis
    package let rowCount: Int
    private let memory: ReservedMemory
    // SAFETY: `rowCount` sketches in `memory`, written only by `encode`, each row once, before anybody
    // searches with the table.
    nonisolated(unsafe) let base: UnsafePointer<UInt8>

    /// An empty table, to be filled by `encode`.
    package init(basis: SketchBasis, rowCount: Int) throws(DatabaseError) {
        self.basis = basis
        self.rowCount = rowCount
        let memory = try ReservedMemory(byteCount: rowCount * Self.stride)
        self.memory = memory
        memory.adviseLargePages()
        // A page begins on a cache line.
        base = UnsafePointer(memory.bound(to: UInt8.self))
    }

    package var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base, count: rowCount * Self.stride)
    }

    /// Makes the sketch of a row from its record. Any thread, each row once.
    package func encode(_ row: UInt32, of graph: GraphView, kernels: DistanceKernels = .best) {
        precondition(Int(row) < rowCount)
        let sketch = UnsafeMutablePointer(mutating: base) + Int(row) * Self.stride
        Self.encode(
            graph.nodes + Int(row) * graph.layout.stride, basis: basis, to: sketch, kernels: kernels)
    }

    /// - Parameters: `record`: header and codes. `sketch`: room for `stride` bytes.
    static func encode(
        _ record: UnsafeRawPointer, basis: SketchBasis, to sketch: UnsafeMutablePointer<UInt8>,
        kernels: DistanceKernels
    ) {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: codes) { coordinates in
            // SAFETY: room for as many coordinates as there can be directions.
            let coordinates = coordinates.baseAddress.unsafelyUnwrapped
            basis.coordinates(of: record, into: coordinates, kernels: kernels)
            for b in 0..<half {
                let high = code(half + b, of: coordinates, basis)
                sketch[b] = code(b, of: coordinates, basis) | high << 4
            }
        }
        UnsafeMutableRawPointer(sketch + half).storeBytes(of: ScalarHeader(at: record).bias, as: Float.self)
    }

    @inline(__always)
    private static func code(
        _ k: Int, of coordinates: UnsafePointer<Float>, _ basis: SketchBasis
    ) -> UInt8 {
        guard k < basis.count, basis.steps[k] > 0 else { return 0 }
        let code = ((coordinates[k] - basis.lows[k]) / basis.steps[k]).rounded(.toNearestOrEven)
        return UInt8(max(0, min(15, code)))
    }
}

/// A query as sketches are compared with it. Reusable; used by one thread at a time.
@unsafe final class SketchQuery: @unchecked Sendable {
    // SAFETY: owned by the scratch that one thread uses.
    let bytes: UnsafeMutablePointer<Int8>
    private let coordinates: UnsafeMutablePointer<Float>
    private let products: UnsafeMutablePointer<Int32>
    private(set) var scale: Float = 0
    private(set) var offset: Float = 0

    init() {
        bytes = .allocate(capacity: 128)
        bytes.initialize(repeating: 0, count: 128)
        coordinates = .allocate(capacity: SketchTable.codes)
        products = .allocate(capacity: SketchTable.codes)
    }

    deinit {
        bytes.deallocate()
        coordinates.deallocate()
        products.deallocate()
    }

    /// Distance ≈ offset + (bias of the row + scale · product).
    func prepare(_ query: CodedQuery, basis: SketchBasis, kernels: DistanceKernels) {
        basis.coordinates(of: query, products: products, into: coordinates, kernels: kernels)
        var lows: Float = 0
        var greatest: Float = 0
        for k in 0..<basis.count {
            lows += coordinates[k] * basis.lows[k]
            coordinates[k] *= basis.steps[k]
            greatest = max(greatest, coordinates[k].magnitude)
        }
        let (step, inverse) = CodeArithmetic.grid(greatest / 127)
        for k in 0..<SketchTable.codes {
            let value = k < basis.count ? (coordinates[k] * inverse).rounded(.toNearestOrEven) : 0
            bytes[k < 60 ? k : k + 4] = Int8(max(-127, min(127, value)))
        }
        scale = query.multiplier * step
        offset = query.multiplier * lows + query.constant
    }
}
