import NeedleCore
import Testing

@Suite struct ExactNumberTests {
    @Test func integersEqualDoublesOfTheSameValue() {
        #expect(ExactNumber(1 as Int64) == ExactNumber(1.0))
        #expect(ExactNumber(-3 as Int64) == ExactNumber(-3.0))
        #expect(ExactNumber(UInt64.max) != ExactNumber(Double(UInt64.max)))
    }

    @Test func bigIntegersAreNotRoundedForComparison() {
        let exact = ExactNumber(UInt64(1) << 53 + 1)
        let double = ExactNumber(Double(UInt64(1) << 53))
        #expect(double < exact)
        #expect(!(exact < double))
    }

    /// Every pair of a list that is written in its order must compare as the list says.
    @Test func theOrderIsTotal() {
        let ascending: [ExactNumber] = [
            ExactNumber(-1e300), ExactNumber(-9_223_372_036_854_777_856.0), ExactNumber(Int64.min),
            ExactNumber(Int64.min + 1), ExactNumber(-2.5), ExactNumber(-2 as Int64), ExactNumber(-0.5),
            ExactNumber(0.0), ExactNumber(Double.leastNonzeroMagnitude), ExactNumber(0.5),
            ExactNumber(1 as Int64), ExactNumber(1.5),
            ExactNumber(UInt64(1) << 53), ExactNumber(UInt64(1) << 53 + 1), ExactNumber(Int64.max),
            ExactNumber(UInt64.max - 1), ExactNumber(UInt64.max), ExactNumber(18_446_744_073_709_551_616.0),
            ExactNumber(1e300),
        ]
        for i in ascending.indices {
            for j in ascending.indices {
                #expect((ascending[i] < ascending[j]) == (i < j), "\(ascending[i]) < \(ascending[j])")
                #expect((ascending[i] == ascending[j]) == (i == j))
            }
        }
    }

    @Test func minusZeroIsZero() {
        #expect(ExactNumber(-0.0) == ExactNumber(0 as Int64))
    }
}
