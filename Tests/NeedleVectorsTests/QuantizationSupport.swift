// Coded tables and data of every shape, for the tests of the quantizers.

import CNeedleKernels
import Glibc
import NeedleCore
import NeedleVectors

/// Shapes of data that a quantizer must hold on.
enum DataShape: String, CaseIterable, Sendable {
    case normal, clustered, outlierDimension, commonOffset, unnormalised

    func vectors(_ count: Int, dimension: Int, seed: UInt64) -> [[Float]] {
        var generator = SeededGenerator(seed: seed)
        func normals() -> [Float] { (0..<dimension).map { _ in gaussian(&generator) } }
        switch self {
        case .normal:
            return (0..<count).map { _ in normals() }
        case .clustered:
            return clusteredVectors(count, dimension: dimension, clusters: 12, seed: seed)
        case .outlierDimension:
            // One dimension that is a hundred times as wide as the others, and one that is far from zero.
            return (0..<count).map { _ in
                var vector = normals()
                vector[dimension / 3] *= 100
                vector[dimension - 1] += 100
                return vector
            }
        case .commonOffset:
            return (0..<count).map { _ in normals().map { 1000 + $0 } }
        case .unnormalised:
            return (0..<count).map { _ in
                let length = exp(3 * gaussian(&generator))
                return normals().map { $0 * length }
            }
        }
    }
}

/// A normally distributed number (Box and Muller).
func gaussian(_ generator: inout SeededGenerator) -> Float {
    let radius = (-2 * log(Double.random(in: 1e-12...1, using: &generator))).squareRoot()
    return Float(radius * cos(2 * Double.pi * Double.random(in: 0..<1, using: &generator)))
}

/// A table, a quantizer trained on it, and the record of every row.
final class CodedTable {
    let owned: OwnedTable
    let quantizer: Quantizer
    private let records: UnsafeMutableRawPointer

    init(
        _ rows: [[Float]], metric: Metric, kind: CodeKind, planes: Int = Quantizer.defaultPlanes,
        seed: UInt64 = 7, centred: Bool = true
    ) throws {
        owned = try OwnedTable(rows, metric: metric)
        let table = owned.table
        let trained = centred ? rows.indices.map { UInt32($0) } : []
        let transform = SpaceTransform(training: table, rows: trained.span, seed: seed)
        let quantizer = Quantizer(transform: transform, kind: kind, planes: planes)
        let bytes = quantizer.layout.totalBytes
        records = .allocate(byteCount: rows.count * bytes, alignment: 64)
        let scratch = UnsafeMutablePointer<Float>.allocate(capacity: table.dimension)
        defer { scratch.deallocate() }
        for row in rows.indices {
            quantizer.encode(
                table.base + row * table.stride, scale: Self.scale(row, table), to: records + row * bytes,
                scratch: scratch)
        }
        self.quantizer = quantizer
    }

    deinit {
        records.deallocate()
    }

    static func scale(_ row: Int, _ table: VectorTable) -> Float { table.inverseNorms?[row] ?? 1 }

    var rowCount: Int { owned.rowCount }
    var layout: CodeLayout { quantizer.layout }

    func query(_ vector: [Float]) -> PreparedQuery { PreparedQuery(vector, metric: owned.table.metric) }

    private func record(_ row: Int) -> UnsafeRawPointer {
        UnsafeRawPointer(records + row * layout.totalBytes)
    }

    /// The estimated distance of a row from a coded query.
    func distance(_ row: Int, to query: CodedQuery) -> Float {
        let record = record(row)
        let codes = (record + layout.headerBytes).assumingMemoryBound(to: UInt8.self)
        switch layout.kind {
        case .int8:
            let product = kernels.dot_u7s8(codes, query.bytes, layout.codeBytes)
            return query.scalarTerms.distance(to: record, product: product)
        case .binary:
            let product = kernels.dot_b1(codes, query.planes, layout.words, UInt32(query.planeCount))
            return query.binaryTerms.distance(to: record, product: product)
        }
    }

    /// The estimated distance of two int8 rows.
    func distance(_ row: Int, toRow other: Int) -> Float {
        let (first, second) = (record(row), record(other))
        let product = kernels.dot_u7s8(
            (second + layout.headerBytes).assumingMemoryBound(to: UInt8.self),
            (first + layout.headerBytes).assumingMemoryBound(to: Int8.self), layout.codeBytes)
        return quantizer.rowTerms(first).distance(to: second, product: product)
    }

    private let kernels = nk_select(UInt32(NK_BEST)).pointee

    func exact(_ row: Int, to query: PreparedQuery) -> Double {
        ExactDistance.distance(of: UInt32(row), in: owned.table, to: query)
    }

    /// The transformed row, as long as what is coded.
    func transformed(_ row: Int) -> [Float] {
        let table = owned.table
        let vector = (0..<table.dimension).map { table.base[row * table.stride + $0] }
        return quantizer.transform.transformed(vector, scale: Self.scale(row, table))
    }
}

func length(_ vector: [Float]) -> Double {
    vector.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
}

func product(_ a: [Float], _ b: [Float]) -> Double {
    zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
}
