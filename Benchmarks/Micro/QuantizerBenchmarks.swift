// What coding costs, and what it loses: times per row and per query, training, and errors on normally
// distributed vectors.

import CNeedleKernels
import Glibc
import NeedleCore
import NeedleVectors

enum QuantizerBenchmarks {
    private static let dimensions = [128, 384, 768, 1000, 1536]

    static func run() {
        for dimension in dimensions {
            let data = Sample(rows: 10_000, dimension: dimension)
            let list = (0..<UInt32(data.rows)).map { $0 }
            let training = bestNanoseconds(iterations: 1) {
                SpaceTransform(training: data.table, rows: list.span, seed: 1).dimension
            }
            print("quantizer, \(dimension) dimensions: trained in \(rounded(training.time / 1e6, 1)) ms")
            let transform = SpaceTransform(training: data.table, rows: list.span, seed: 1)
            measure(data, Quantizer(transform: transform, kind: .int8))
            for planes in [1, 2, 4, 8] {
                measure(data, Quantizer(transform: transform, kind: .binary, planes: planes))
            }
        }
    }

    private static func measure(_ data: Sample, _ quantizer: Quantizer) {
        let layout = quantizer.layout
        let scratch = UnsafeMutablePointer<Float>.allocate(capacity: layout.dimension)
        let record = UnsafeMutableRawPointer.allocate(byteCount: layout.totalBytes, alignment: 64)
        let coded = CodedQuery()
        defer {
            scratch.deallocate()
            record.deallocate()
        }
        let query = PreparedQuery(data.vector(0), metric: .dot)
        let encode = bestNanoseconds(iterations: 500) {
            quantizer.encode(data.row(1), scale: 1, to: record, scratch: scratch)
            return 1
        }
        let prepare = bestNanoseconds(iterations: 500) {
            quantizer.prepare(query, into: coded)
            return 1
        }
        var sum = 0.0
        let pairs = 2000
        for pair in 0..<pairs {
            let query = PreparedQuery(data.vector(pair), metric: .dot)
            quantizer.prepare(query, into: coded)
            let other = data.rows - 1 - pair
            quantizer.encode(data.row(other), scale: 1, to: record, scratch: scratch)
            let exact = ExactDistance.distance(of: UInt32(other), in: data.table, to: query)
            let lengths = query.norm * VectorNorms.norm(of: data.vector(other).span)
            let error = (Double(distance(record, coded)) - exact) / lengths
            sum += error * error
        }
        let error = (sum / Double(pairs) * Double(layout.dimension)).squareRoot()
        let name = layout.kind == .int8 ? "int8" : "binary, \(quantizer.planes) planes,"
        print(
            "    \(name) \(layout.totalBytes) bytes: encode \(rounded(encode.time, 0)) ns,"
                + " prepare \(rounded(prepare.time, 0)) ns, rms error \(rounded(error, 4)) |q||x|/√d")
    }

    private static func distance(_ record: UnsafeMutableRawPointer, _ query: CodedQuery) -> Float {
        let layout = query.layout
        let kernels = nk_select(UInt32(NK_BEST)).pointee
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

    private static func rounded(_ number: Double, _ digits: Int) -> Double {
        let shift = pow(10, Double(digits))
        return (number * shift).rounded() / shift
    }
}

/// Normally distributed vectors in memory that is never freed.
private struct Sample {
    let rows: Int
    let table: VectorTable

    init(rows: Int, dimension: Int) {
        self.rows = rows
        var generator = SeededGenerator(seed: 3)
        let base = UnsafeMutablePointer<Float>.allocate(capacity: rows * dimension)
        for i in 0..<rows * dimension {
            let radius = (-2 * log(Double.random(in: 1e-12...1, using: &generator))).squareRoot()
            base[i] = Float(radius * cos(2 * Double.pi * Double.random(in: 0..<1, using: &generator)))
        }
        table = VectorTable(
            base: base, stride: dimension, dimension: dimension, metric: .dot, inverseNorms: nil)
    }

    func row(_ row: Int) -> UnsafePointer<Float> { table.base + row * table.stride }

    func vector(_ row: Int) -> [Float] {
        Array(UnsafeBufferPointer(start: self.row(row), count: table.dimension))
    }
}
