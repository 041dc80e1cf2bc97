import CNeedleKernels
import NeedleCore
import NeedleVectors
import Testing

/// The kernels for quantized codes: every tier of this processor against the scalar one, and that one against
/// plain Swift.
@Suite struct CodeKernelTests {
    static let lengths = Array(0...130) + [384, 768, 1000, 1536, 4096]

    @Test func scalarCodeDotIsTheSumOfProducts() {
        let scalar = DistanceKernels(cap: .scalar)
        var generator = SeededGenerator(seed: 11)
        for n in Self.lengths {
            let codes = (0..<n).map { _ in UInt8.random(in: 0...127, using: &generator) }
            let query = (0..<n).map { _ in Int8.random(in: -127...127, using: &generator) }
            let expected = zip(codes, query).reduce(0) { $0 + Int($1.0) * Int($1.1) }
            #expect(Int(scalar.codeDot(codes.span, query.span)) == expected)
        }
    }

    @Test(arguments: DistanceKernels.available.map(\.tier))
    func codeDotIsTheScalarTiers(tier: DistanceKernels.Tier) {
        let kernels = DistanceKernels(cap: tier)
        let scalar = DistanceKernels(cap: .scalar)
        var generator = SeededGenerator(seed: 12)
        let codes = (0..<4200).map { _ in UInt8.random(in: 0...127, using: &generator) }
        let query = (0..<4200).map { _ in Int8.random(in: -127...127, using: &generator) }
        for n in Self.lengths {
            for (codeStart, queryStart) in [(0, 0), (1, 0), (0, 3), (7, 5), (31, 33), (64, 64)] {
                let a = Array(codes[codeStart..<codeStart + n])
                let b = Array(query[queryStart..<queryStart + n])
                #expect(kernels.codeDot(a.span, b.span) == scalar.codeDot(a.span, b.span), "\(n) elements")
            }
        }
    }

    /// Where a sixteen-bit sum of four products, or of two larger codes, would overflow.
    @Test(arguments: DistanceKernels.available.map(\.tier), [-127, -1, 0, 1, 127] as [Int8])
    func extremesDoNotSaturate(tier: DistanceKernels.Tier, element: Int8) {
        let kernels = DistanceKernels(cap: tier)
        for n in Self.lengths + [65_536] {
            let codes = [UInt8](repeating: 127, count: n)
            let query = [Int8](repeating: element, count: n)
            #expect(Int(kernels.codeDot(codes.span, query.span)) == 127 * Int(element) * n)
        }
    }

    @Test func scalarBitDotIsTheSumOfTheChosenElements() {
        let scalar = DistanceKernels(cap: .scalar)
        var generator = SeededGenerator(seed: 13)
        for planes in 1...8 {
            for n in Self.lengths {
                let query = (0..<n).map { _ in Int.random(in: 0..<1 << planes, using: &generator) }
                let chosen = (0..<n).map { _ in Bool.random(using: &generator) }
                let expected = zip(query, chosen).reduce(0) { $0 + ($1.1 ? $1.0 : 0) }
                let words = (n + 63) / 64
                var code = [UInt64](repeating: 0, count: words)
                var cut = [UInt64](repeating: 0, count: words * planes)
                for i in 0..<n {
                    code[i / 64] |= (chosen[i] ? 1 : 0) << UInt64(i % 64)
                    for p in 0..<planes where query[i] >> p & 1 == 1 {
                        cut[p * words + i / 64] |= 1 << UInt64(i % 64)
                    }
                }
                #expect(Int(scalar.bitDot(code.span, cut.span, planes: planes)) == expected)
            }
        }
    }

    @Test(arguments: DistanceKernels.available.map(\.tier))
    func bitDotIsTheScalarTiers(tier: DistanceKernels.Tier) {
        let kernels = DistanceKernels(cap: tier)
        let scalar = DistanceKernels(cap: .scalar)
        var generator = SeededGenerator(seed: 14)
        for words in Array(0...33) + [64, 1024] {
            for planes in 1...8 {
                let code = (0..<words).map { _ in UInt64.random(in: 0 ... .max, using: &generator) }
                let query = (0..<words * planes).map { _ in UInt64.random(in: 0 ... .max, using: &generator) }
                #expect(
                    kernels.bitDot(code.span, query.span, planes: planes)
                        == scalar.bitDot(code.span, query.span, planes: planes),
                    "\(words) words, \(planes) planes")
                let ones = [UInt64](repeating: .max, count: words * planes)
                #expect(
                    Int(kernels.bitDot(ones.span.extracting(0..<words), ones.span, planes: planes))
                        == words * 64 * ((1 << planes) - 1))
            }
        }
    }

    /// Batches of every size, rows in any order and in their own, records at any address, a length between
    /// the headers that is no multiple of anything.
    @Test(arguments: DistanceKernels.available.map(\.tier))
    func batchesAreTheSinglePairs(tier: DistanceKernels.Tier) {
        let table = nk_select(tier.rawValue).pointee
        var generator = SeededGenerator(seed: 15)
        let query = (0..<400).map { _ in Int8.random(in: -127...127, using: &generator) }
        let planes = (0..<6 * 8).map { _ in UInt64.random(in: 0 ... .max, using: &generator) }
        let stride = 417
        let records = (0..<stride * 71).map { _ in UInt8.random(in: 0...127, using: &generator) }
        var out = [Int32](repeating: 0, count: 71)
        records.withUnsafeBufferPointer { records in
            guard let start = records.baseAddress else { return }
            for (n, offset) in [(0, 16), (31, 16), (32, 17), (33, 16), (128, 16), (384, 16), (400, 17)] {
                let base = start + offset
                for count in 0...70 {
                    let rows = (0..<count).map { _ in UInt32.random(in: 0..<71, using: &generator) }
                    for order in [rows, nil] {
                        func codes(_ i: Int) -> UnsafePointer<UInt8> {
                            base + (order.map { Int($0[i]) } ?? i) * stride
                        }
                        out[count] = 77
                        table.dot_u7s8_batch(query, base, stride, order, count, n, &out)
                        #expect((0..<count).allSatisfy { out[$0] == table.dot_u7s8(codes($0), query, n) })
                        let depth = UInt32(1 + count % 8)
                        table.dot_b1_batch(planes, base, stride, order, count, n / 64, depth, &out)
                        #expect(
                            (0..<count).allSatisfy {
                                out[$0] == table.dot_b1(codes($0), planes, n / 64, depth)
                            })
                        #expect(out[count] == 77)
                    }
                }
            }
        }
    }

    /// Both operands end where the next page must not be read, alone and as a batch's last row.
    @Test(arguments: DistanceKernels.available.map(\.tier))
    func nothingPastTheEndIsRead(tier: DistanceKernels.Tier) {
        let table = nk_select(tier.rawValue).pointee
        let guardedCodes = GuardedBytes(capacity: 5 * 4096)
        let guardedQuery = GuardedBytes(capacity: 8 * 4096)
        var out = [Int32](repeating: 0, count: 5)
        for n in Self.lengths {
            let codes = guardedCodes.last(5 * n, UInt8.self)
            codes.update(repeating: 3, count: 5 * n)
            let query = guardedQuery.last(n, Int8.self)
            query.update(repeating: -2, count: n)
            #expect(Int(table.dot_u7s8(codes + 4 * n, query, n)) == -6 * n)
            for count in 1...5 {
                table.dot_u7s8_batch(query, codes + (5 - count) * n, n, nil, count, n, &out)
                #expect(out.prefix(count).allSatisfy { Int($0) == -6 * n })
            }
            let words = n / 8
            let code = guardedCodes.last(8 * words, UInt8.self)
            code.update(repeating: 0xFF, count: 8 * words)
            for planes in 1...8 {
                let cut = guardedQuery.last(words * planes, UInt64.self)
                cut.update(repeating: .max, count: words * planes)
                let whole = 64 * words * ((1 << planes) - 1)
                #expect(Int(table.dot_b1(code, cut, words, UInt32(planes))) == whole)
                table.dot_b1_batch(cut, code, 8 * words, nil, 1, words, UInt32(planes), &out)
                #expect(Int(out[0]) == whole)
            }
        }
    }
}
