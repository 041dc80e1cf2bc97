// The numeric kernels of every tier that this processor has: nanoseconds per row, for rows that stay in the cache
// and for random rows of 100 MB of records, on small and on huge pages.

import CNeedleKernels
import Glibc
import NeedleCore

enum KernelBenchmarks {
    private static let dimensions = [128, 384, 768, 1536]
    /// About as many as a graph's node has neighbours that a search has not seen yet.
    private static let batch = 32

    /// Writes `out` for one batch of rows; the distance between records is in bytes.
    private typealias Batch = (
        _ records: UnsafePointer<UInt8>, _ stride: Int, _ rows: UnsafePointer<UInt32>,
        _ out: UnsafeMutablePointer<Int32>
    ) -> Void

    static func run() {
        let small = Records(hugePages: false)
        let huge = Records(hugePages: true)
        print("kernels, ns per row: in the cache, random in 100 MB, the same on huge pages")
        for tier in tiers {
            for dimension in dimensions {
                for (name, bytes, batch) in batches(of: tier, dimension: dimension) {
                    // A header of sixteen bytes in front, thirty-two links behind.
                    let stride = 16 + bytes + 128
                    let times = [(small, 16), (small, small.bytes / stride), (huge, huge.bytes / stride)].map
                    {
                        time(batch, records: $0.0, stride: stride, rows: $0.1)
                    }
                    line("\(name) \(dimension), tier \(tier.tier) (\(String(cString: tier.name)))", times)
                }
            }
        }
        print("kernels, ns per vector in the cache")
        for tier in tiers { single(tier) }
    }

    private static var tiers: [nk_kernels] {
        (UInt32(NK_SCALAR)...UInt32(NK_AVX512_POPCNT)).map { nk_select($0).pointee }
            .enumerated().filter { $0.element.tier == $0.offset }.map(\.element)
    }

    private static func batches(of tier: nk_kernels, dimension n: Int) -> [(String, bytes: Int, Batch)] {
        let floats = [Float](repeating: 0.5, count: n)
        let query = (0..<n).map { Int8($0 % 255 - 127) }
        let words = n / 64
        let planes = (0..<8 * words).map { UInt64($0) &* 0x9E37_79B9_7F4A_7C15 }
        func bits(_ depth: UInt32) -> Batch {
            { records, stride, rows, out in
                tier.dot_b1_batch(planes, records, stride, rows, batch, words, depth, out)
            }
        }
        return [
            (
                "dot_f32", 4 * n,
                { records, stride, rows, out in
                    records.withMemoryRebound(to: Float.self, capacity: 1) { records in
                        out.withMemoryRebound(to: Float.self, capacity: batch) { out in
                            tier.dot_f32_batch(floats, records, stride / 4, rows, batch, n, out)
                        }
                    }
                }
            ),
            (
                "dot_u7s8", n,
                { tier.dot_u7s8_batch(query, $0, $1, $2, batch, n, $3) }
            ),
            ("dot_b1, 4 planes,", n / 8, bits(4)),
            ("dot_b1, 8 planes,", n / 8, bits(8)),
        ]
    }

    private static func time(_ run: Batch, records: Records, stride: Int, rows count: Int) -> Double {
        var generator = SeededGenerator(seed: 1)
        // As many as there are records: fewer would come back from the cache in the next round.
        let batches = max(400, count / batch)
        let rows = (0..<batches * batch).map { _ in UInt32.random(in: 0..<UInt32(count), using: &generator) }
        var out = [Int32](repeating: 0, count: batch)
        let (time, _) = rows.withUnsafeBufferPointer { rows in
            bestNanoseconds(iterations: 1) {
                guard let first = rows.baseAddress else { return 0 }
                for i in 0..<batches { run(records.start + 16, stride, first + i * batch, &out) }
                return Int(out[0])
            }
        }
        return time / Double(batches * batch)
    }

    private static func single(_ tier: nk_kernels) {
        for n in dimensions {
            var x = (0..<2048).map { Float($0 % 97) - 48 }
            var codes = [UInt8](repeating: 0, count: n)
            let transformed = n.nonzeroBitCount == 1 ? n : 1 << (Int.bitWidth - n.leadingZeroBitCount)
            let transform = bestNanoseconds(iterations: 200) {
                // Twice the transform multiplies by its length; the numbers must not run away.
                x[0] = 1
                for i in 0..<transformed { x[i] *= 0.001 }
                tier.fwht_f32(&x, transformed)
                return 1
            }
            let scaling = bestNanoseconds(iterations: 200) {
                x[0] = 1
                for i in 0..<transformed { x[i] *= 0.001 }
                return 1
            }
            let extremes = bestNanoseconds(iterations: 1000) {
                var least: Float = 0
                var greatest: Float = 0
                tier.minmax_f32(x, n, &least, &greatest)
                return 1
            }
            let quantize = bestNanoseconds(iterations: 1000) {
                tier.quantize_u7(x, n, -48, 1.3, &codes)
                return Int(codes[0])
            }
            let name = "\(n), tier \(tier.tier) (\(String(cString: tier.name)))"
            line("fwht_f32 of \(transformed) for \(name)", [transform.time - scaling.time])
            line("minmax_f32 \(name)", [extremes.time])
            line("quantize_u7 \(name)", [quantize.time])
        }
    }

    private static func line(_ name: String, _ times: [Double]) {
        let columns = times.map { time in
            let shown = String((time * 10).rounded() / 10)
            return String(repeating: " ", count: max(0, 9 - shown.count)) + shown
        }
        print(columns.joined() + "  \(name)")
    }
}

/// 100 MB of bytes that are valid codes and, four together, small positive floats.
private final class Records {
    let bytes = 100 << 20
    let start: UnsafeMutablePointer<UInt8>
    private let mapping: UnsafeMutableRawPointer
    private static let hugePage = 2 << 20

    init(hugePages: Bool) {
        let size = bytes + Self.hugePage
        guard let mapping = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            mapping != MAP_FAILED
        else { preconditionFailure("no memory for a benchmark") }
        self.mapping = mapping
        let aligned = mapping.alignedUp(toMultipleOf: Self.hugePage)
        madvise(aligned, bytes, hugePages ? Int32(MADV_HUGEPAGE) : Int32(MADV_NOHUGEPAGE))
        let words = aligned.bindMemory(to: UInt64.self, capacity: bytes / 8)
        var generator = SeededGenerator(seed: 100)
        for i in 0..<bytes / 8 { words[i] = generator.next() & 0x3F7F_7F7F_3F7F_7F7F }
        start = UnsafeMutableRawPointer(words).assumingMemoryBound(to: UInt8.self)
    }

    deinit { munmap(mapping, bytes + Self.hugePage) }
}

extension UnsafeMutableRawPointer {
    fileprivate func alignedUp(toMultipleOf size: Int) -> UnsafeMutableRawPointer {
        self + (size - Int(bitPattern: self) % size) % size
    }
}
