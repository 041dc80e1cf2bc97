// The one door from Swift to the C kernels: which instruction tier runs, and the functions of that tier.

import CNeedleKernels

/// The distance kernels of one instruction tier, chosen once per process.
///
/// A value is a pointer to a constant table, so copying it is free and any thread may use it.
package struct DistanceKernels: Sendable {
    /// Instruction tiers in rising order. `neonDot` is NEON with the dot-product extension, `avx512Popcnt` is
    /// AVX-512 with VPOPCNTDQ.
    package enum Tier: UInt32, Sendable, CaseIterable {
        case scalar = 0
        case neon = 1
        case neonDot = 2
        case avx2 = 3
        case avx512 = 4
        case avx512Popcnt = 5
    }

    // SAFETY: the tables are constants of the C module and live as long as the process.
    nonisolated(unsafe) let table: UnsafePointer<nk_kernels>

    /// The best tier of this processor.
    package static let best = DistanceKernels(cap: .avx512Popcnt)

    /// The best tier of this processor that is not above `cap`; for tests and for comparing tiers.
    package init(cap: Tier) {
        table = nk_select(cap.rawValue)
    }

    package var tier: Tier { Tier(rawValue: table.pointee.tier) ?? .scalar }

    /// `scalar`, `neon`, `avx2` or `avx512`; a tier with an extension has the name of the one without.
    package var tierName: String { String(cString: table.pointee.name) }

    /// Every tier this processor has, the scalar one first.
    package static var available: [DistanceKernels] {
        Tier.allCases.map(DistanceKernels.init(cap:)).enumerated()
            .filter { $0.element.tier == Tier.allCases[$0.offset] }
            .map(\.element)
    }

    /// Σ aᵢ·bᵢ in single precision. The spans must be of one length.
    package func dot(_ a: Span<Float>, _ b: Span<Float>) -> Float {
        withBoth(a, b) { table.pointee.dot_f32($0, $1, $2) }
    }

    /// Σ (aᵢ − bᵢ)² in single precision.
    package func squaredDistance(_ a: Span<Float>, _ b: Span<Float>) -> Float {
        withBoth(a, b) { table.pointee.l2sq_f32($0, $1, $2) }
    }

    /// Σ aᵢ·bᵢ in double precision, the same bits on every tier.
    package func exactDot(_ a: Span<Float>, _ b: Span<Float>) -> Double {
        withBoth(a, b) { table.pointee.dot_f32_f64($0, $1, $2) }
    }

    /// Σ (aᵢ − bᵢ)² in double precision, the same bits on every tier.
    package func exactSquaredDistance(_ a: Span<Float>, _ b: Span<Float>) -> Double {
        withBoth(a, b) { table.pointee.l2sq_f32_f64($0, $1, $2) }
    }

    /// Σ codesᵢ·queryᵢ, exactly. Codes are 0…127, the query −127…127, at most 65,536 of them.
    package func codeDot(_ codes: Span<UInt8>, _ query: Span<Int8>) -> Int32 {
        withBoth(codes, query) { table.pointee.dot_u7s8($0, $1, $2) }
    }

    /// The sum of those query elements whose bit is set in `code`, exactly. The query's elements are unsigned
    /// numbers of `planes` bits, 1…8; bit p of all of them is the p-th run of `code.count` words of `query`.
    package func bitDot(_ code: Span<UInt64>, _ query: Span<UInt64>, planes: Int) -> Int32 {
        precondition((1...8).contains(planes), "1 to 8 bit planes")
        precondition(query.count == planes * code.count, "query and code of different dimensions")
        return code.withUnsafeBytes { code in
            query.withUnsafeBufferPointer { query in
                let words = query.count / planes
                guard let query = query.baseAddress, let first = code.baseAddress else { return 0 }
                // SAFETY: the kernel reads `words` words of the code and `planes` times as many of the query.
                return table.pointee.dot_b1(
                    first.assumingMemoryBound(to: UInt8.self), query, words, UInt32(planes))
            }
        }
    }

    /// The Walsh–Hadamard transform in place, unnormalised: applied twice, it multiplies by `x.count`, which is
    /// a power of two, at most 65,536. The same bits on every tier.
    package func walshHadamard(_ x: inout MutableSpan<Float>) {
        precondition(x.count & (x.count - 1) == 0 && x.count <= 65_536, "not a power of two")
        x.withUnsafeMutableBufferPointer { x in
            // SAFETY: the kernel writes `count` elements.
            if let first = x.baseAddress { table.pointee.fwht_f32(first, x.count) }
        }
    }

    /// The smallest and the greatest element, NaN passed over; +∞ and −∞ if there is none.
    package func extremes(_ x: Span<Float>) -> (least: Float, greatest: Float) {
        var least = Float.infinity
        var greatest = -Float.infinity
        x.withUnsafeBufferPointer { x in
            // SAFETY: the kernel reads `count` elements.
            if let first = x.baseAddress { table.pointee.minmax_f32(first, x.count, &least, &greatest) }
        }
        return (least, greatest)
    }

    /// codesᵢ = (xᵢ − least)·inverse, rounded to the nearest (ties to even), brought into 0…127.
    package func quantize(
        _ x: Span<Float>, least: Float, inverse: Float, into codes: inout MutableSpan<UInt8>
    ) {
        precondition(x.count == codes.count, "vectors of different dimensions")
        x.withUnsafeBufferPointer { x in
            codes.withUnsafeMutableBufferPointer { codes in
                // SAFETY: the kernel reads and writes `count` elements.
                guard let first = x.baseAddress, let codes = codes.baseAddress else { return }
                table.pointee.quantize_u7(first, x.count, least, inverse, codes)
            }
        }
    }

    /// codesᵢ = xᵢ·inverse, rounded to the nearest (ties to even), brought into −127…127.
    package func quantize(_ x: Span<Float>, inverse: Float, into codes: inout MutableSpan<Int8>) {
        precondition(x.count == codes.count, "vectors of different dimensions")
        x.withUnsafeBufferPointer { x in
            codes.withUnsafeMutableBufferPointer { codes in
                // SAFETY: the kernel reads and writes `count` elements.
                guard let first = x.baseAddress, let codes = codes.baseAddress else { return }
                table.pointee.quantize_s8(first, x.count, inverse, codes)
            }
        }
    }

    private func withBoth<First, Second, Sum: AdditiveArithmetic>(
        _ a: Span<First>, _ b: Span<Second>,
        _ kernel: (UnsafePointer<First>, UnsafePointer<Second>, Int) -> Sum
    ) -> Sum {
        precondition(a.count == b.count, "vectors of different dimensions")
        return a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                // SAFETY: a kernel reads `count` elements of each; only an empty span may lack an address.
                guard let first = a.baseAddress, let second = b.baseAddress else { return .zero }
                return kernel(first, second, a.count)
            }
        }
    }
}
