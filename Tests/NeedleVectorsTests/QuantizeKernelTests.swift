import CNeedleKernels
import NeedleCore
import NeedleVectors
import Testing

/// The kernels that quantizing needs: every tier of this processor against the scalar one, and that one against
/// plain Swift.
@Suite struct QuantizeKernelTests {
    static let lengths = Array(0...130) + [384, 768, 1000, 1536, 4096]

    /// Ordinary numbers, ties, zeros of both signs, and what is no ordinary number.
    private static func difficult(_ count: Int, seed: UInt64) -> [Float] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in
            switch Int.random(in: 0..<8, using: &generator) {
            case 0: Float(Int.random(in: -300...300, using: &generator)) + 0.5
            case 1:
                [0, -0.0, .infinity, -.infinity, .nan, 1e30, -1e30][
                    Int.random(in: 0..<7, using: &generator)]
            default: Float.random(in: -140...140, using: &generator)
            }
        }
    }

    @Test func theTransformIsTheSumOverSigns() {
        let scalar = DistanceKernels(cap: .scalar)
        var generator = SeededGenerator(seed: 21)
        for n in [1, 2, 4, 8, 64, 256] {
            // Whole numbers: every order of adding gives the same.
            let x = (0..<n).map { _ in Float(Int.random(in: -100...100, using: &generator)) }
            var transformed = x
            var span = transformed.mutableSpan
            scalar.walshHadamard(&span)
            for i in 0..<n {
                let expected = (0..<n).reduce(Float(0)) {
                    $0 + ((i & $1).nonzeroBitCount % 2 == 0 ? x[$1] : -x[$1])
                }
                #expect(transformed[i] == expected)
            }
        }
    }

    @Test(arguments: DistanceKernels.available.map(\.tier))
    func theTransformGivesTheScalarTiersBits(tier: DistanceKernels.Tier) {
        let kernels = DistanceKernels(cap: tier)
        let scalar = DistanceKernels(cap: .scalar)
        for power in 0...16 {
            // Magnitudes far apart, so that any other order of adding would show.
            var x = uniformVectors(1, dimension: 1 << power, seed: UInt64(22 + power))[0]
            for i in x.indices { x[i] *= i % 3 == 0 ? 1e6 : 1 }
            var y = x
            var first = x.mutableSpan
            kernels.walshHadamard(&first)
            var second = y.mutableSpan
            scalar.walshHadamard(&second)
            #expect(zip(x, y).allSatisfy { $0.bitPattern == $1.bitPattern }, "\(1 << power) elements")
        }
        var none: [Float] = []
        var span = none.mutableSpan
        kernels.walshHadamard(&span)
    }

    @Test(arguments: DistanceKernels.available.map(\.tier))
    func extremesPassOverWhatIsNoNumber(tier: DistanceKernels.Tier) {
        let kernels = DistanceKernels(cap: tier)
        for n in Self.lengths {
            let x = Self.difficult(n, seed: UInt64(n))
            let numbers = x.filter { !$0.isNaN }
            let (least, greatest) = kernels.extremes(x.span)
            #expect(least == (numbers.min() ?? .infinity))
            #expect(greatest == (numbers.max() ?? -.infinity))
            let zeros = (0..<n).map { $0 % 3 == 0 ? Float(0) : -0.0 }
            #expect(n == 0 || kernels.extremes(zeros.span).least.sign == .plus)
            #expect(n == 0 || kernels.extremes(zeros.span).greatest.sign == .plus)
        }
    }

    @Test(arguments: DistanceKernels.available.map(\.tier))
    func codesAreRoundedToEvenAndBroughtIntoRange(tier: DistanceKernels.Tier) {
        let kernels = DistanceKernels(cap: tier)
        for n in Self.lengths {
            for (least, inverse) in [(0, 1), (-0.5, 1), (-140, 0.453_571), (3, 1e-20)] as [(Float, Float)] {
                let x = Self.difficult(n, seed: UInt64(1000 + n))
                var unsigned = [UInt8](repeating: 200, count: n)
                var first = unsigned.mutableSpan
                kernels.quantize(x.span, least: least, inverse: inverse, into: &first)
                var signed = [Int8](repeating: -128, count: n)
                var second = signed.mutableSpan
                kernels.quantize(x.span, inverse: inverse, into: &second)
                for i in 0..<n {
                    let above = (x[i] - least) * inverse
                    let code = above.isNaN ? 0 : min(max(above.rounded(.toNearestOrEven), 0), 127)
                    #expect(unsigned[i] == UInt8(code))
                    let scaled = x[i] * inverse
                    let level = scaled.isNaN ? -127 : min(max(scaled.rounded(.toNearestOrEven), -127), 127)
                    #expect(signed[i] == Int8(level))
                }
            }
        }
    }

    @Test(arguments: DistanceKernels.available.map(\.tier))
    func nothingPastTheEndIsTouched(tier: DistanceKernels.Tier) {
        let table = nk_select(tier.rawValue).pointee
        let guardedNumbers = GuardedBytes(capacity: 4 * 4096)
        let guardedCodes = GuardedBytes(capacity: 4096)
        var extremes: (Float, Float) = (0, 0)
        for n in Self.lengths {
            let x = guardedNumbers.last(n, Float.self)
            x.update(repeating: 1, count: n)
            table.minmax_f32(x, n, &extremes.0, &extremes.1)
            #expect(n == 0 || extremes == (1, 1))
            let codes = guardedCodes.last(n, UInt8.self)
            table.quantize_u7(x, n, 0, 5, codes)
            #expect((0..<n).allSatisfy { codes[$0] == 5 })
            let levels = guardedCodes.last(n, Int8.self)
            table.quantize_s8(x, n, -5, levels)
            #expect((0..<n).allSatisfy { levels[$0] == -5 })
            if n > 0 && n & (n - 1) == 0 {
                table.fwht_f32(x, n)
                #expect(x[0] == Float(n))
            }
        }
    }
}
