// The one door from Swift to the C kernels: which instruction tier runs, and the functions of that tier.

import CNeedleKernels

/// The distance kernels of one instruction tier, chosen once per process.
///
/// A value is a pointer to a constant table, so copying it is free and any thread may use it.
package struct DistanceKernels: Sendable {
    /// Instruction tiers in rising order.
    package enum Tier: UInt32, Sendable, CaseIterable {
        case scalar = 0
        case neon = 1
        case avx2 = 2
        case avx512 = 3
    }

    // SAFETY: the tables are constants of the C module and live as long as the process.
    nonisolated(unsafe) let table: UnsafePointer<nk_kernels>

    /// The best tier of this processor.
    package static let best = DistanceKernels(cap: .avx512)

    /// The best tier of this processor that is not above `cap`; for tests and for comparing tiers.
    package init(cap: Tier) {
        table = nk_select(cap.rawValue)
    }

    package var tier: Tier { Tier(rawValue: table.pointee.tier) ?? .scalar }

    /// `scalar`, `neon`, `avx2` or `avx512`.
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

    private func withBoth<Sum: BinaryFloatingPoint>(
        _ a: Span<Float>, _ b: Span<Float>,
        _ kernel: (UnsafePointer<Float>, UnsafePointer<Float>, Int) -> Sum
    ) -> Sum {
        precondition(a.count == b.count, "vectors of different dimensions")
        return a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                // SAFETY: a kernel reads `count` elements of each; only an empty span may lack an address.
                guard let first = a.baseAddress, let second = b.baseAddress else { return 0 }
                return kernel(first, second, a.count)
            }
        }
    }
}
