import CNeedleKernels
import NeedleCore
import NeedleVectors
import Testing

/// Every tier of this processor against the scalar one.
@Suite struct KernelTests {
    static let lengths = Array(0...130) + [384]

    @Test func scalarIsAlwaysThereAndACapIsObeyed() {
        #expect(DistanceKernels.available.first?.tier == .scalar)
        #expect(DistanceKernels(cap: .scalar).tierName == "scalar")
        #expect(DistanceKernels.best.tier == DistanceKernels.available.last?.tier)
        for cap in DistanceKernels.Tier.allCases {
            #expect(DistanceKernels(cap: cap).tier.rawValue <= cap.rawValue)
        }
    }

    @Test(arguments: DistanceKernels.available.map(\.tier))
    func floatKernelsAgreeWithDoubleWithinTheBound(tier: DistanceKernels.Tier) {
        let kernels = DistanceKernels(cap: tier)
        let values = uniformVectors(2, dimension: 400, seed: 1)
        for n in Self.lengths {
            // Odd starts: nothing may depend on alignment.
            let a = Array(values[0][3..<3 + n])
            let b = Array(values[1][1..<1 + n])
            let terms = zip(a, b).map { Double($0) * Double($1) }
            let squares = zip(a, b).map { (Double($0) - Double($1)) * (Double($0) - Double($1)) }
            let bound = Double(max(n, 1)) * Double(Float.ulpOfOne)
            let dot = Double(kernels.dot(a.span, b.span))
            let squared = Double(kernels.squaredDistance(a.span, b.span))
            #expect(abs(dot - terms.reduce(0, +)) <= bound * terms.map(abs).reduce(0, +))
            #expect(abs(squared - squares.reduce(0, +)) <= 2 * bound * squares.reduce(0, +))
        }
    }

    @Test(arguments: DistanceKernels.available.map(\.tier))
    func doubleKernelsGiveTheScalarTiersBits(tier: DistanceKernels.Tier) {
        let kernels = DistanceKernels(cap: tier)
        let scalar = DistanceKernels(cap: .scalar)
        var values = uniformVectors(2, dimension: 400, seed: 2)
        // Magnitudes far apart, so that any other order of summation would show.
        for i in 0..<400 {
            values[0][i] *= i % 3 == 0 ? 1e12 : 1
            values[1][i] *= i % 5 == 0 ? 1e-9 : 1
        }
        for n in Self.lengths {
            let a = Array(values[0][2..<2 + n])
            let b = Array(values[1][5..<5 + n])
            #expect(kernels.exactDot(a.span, b.span).bitPattern == scalar.exactDot(a.span, b.span).bitPattern)
            #expect(
                kernels.exactSquaredDistance(a.span, b.span).bitPattern
                    == scalar.exactSquaredDistance(a.span, b.span).bitPattern)
        }
    }

    @Test(arguments: DistanceKernels.available.map(\.tier))
    func batchesGiveTheSinglePairsBits(tier: DistanceKernels.Tier) {
        let table = nk_select(tier.rawValue).pointee
        let stride = 137
        let rows: [UInt32] = [6, 0, 3, 3, 8, 1, 7, 2, 5, 4, 0]
        let data = uniformVectors(1, dimension: stride * 9, seed: 3)[0]
        let query = uniformVectors(1, dimension: 130, seed: 4)[0]
        var out = [Float](repeating: 0, count: rows.count)
        for n in 0...130 {
            for count in 0...rows.count {
                table.dot_f32_batch(query, data, stride, rows, count, n, &out)
                for i in 0..<count {
                    let one = data.withUnsafeBufferPointer {
                        table.dot_f32(query, $0.baseAddress! + Int(rows[i]) * stride, n)
                    }
                    #expect(out[i].bitPattern == one.bitPattern)
                }
            }
            table.l2sq_f32_batch(query, data, stride, nil, 9, n, &out)
            for i in 0..<9 {
                let one = data.withUnsafeBufferPointer {
                    table.l2sq_f32(query, $0.baseAddress! + i * stride, n)
                }
                #expect(out[i].bitPattern == one.bitPattern)
            }
        }
    }

    /// RFC 3720 B.4 and the check value of the CRC catalogue.
    @Test(arguments: DistanceKernels.available.map(\.tier))
    func crc32cKnownValues(tier: DistanceKernels.Tier) {
        let crc32c = nk_select(tier.rawValue).pointee.crc32c
        #expect(crc32c(0, [UInt8](repeating: 0, count: 32), 32) == 0x8A91_36AA)
        #expect(crc32c(0, [UInt8](repeating: 0xFF, count: 32), 32) == 0x62A8_AB43)
        #expect(crc32c(0, (0..<32).map { UInt8($0) }, 32) == 0x46DD_794E)
        #expect(crc32c(0, (0..<32).map { UInt8(31 - $0) }, 32) == 0x113F_DB5C)
        #expect(crc32c(0, Array("123456789".utf8), 9) == 0xE306_9283)
        #expect(crc32c(0, [UInt8](), 0) == 0)
    }

    @Test(arguments: DistanceKernels.available.map(\.tier))
    func crc32cOfLongInputsAndInPieces(tier: DistanceKernels.Tier) {
        let crc32c = nk_select(tier.rawValue).pointee.crc32c
        let scalar = nk_select(UInt32(NK_SCALAR)).pointee.crc32c
        var generator = SeededGenerator(seed: 6)
        let bytes = (0..<8000).map { _ in UInt8.random(in: 0...255, using: &generator) }
        for length in [1, 7, 8, 383, 384, 385, 767, 768, 3071, 3072, 3080, 6144, 7999, 8000] {
            let whole = scalar(0, bytes, length)
            #expect(crc32c(0, bytes, length) == whole)
            let cut = length / 3
            #expect(crc32c(crc32c(0, bytes, cut), Array(bytes[cut...]), length - cut) == whole)
        }
    }
}
