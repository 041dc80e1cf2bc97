import Glibc
import NeedleCore
import NeedleVectors
import Synchronization

/// Notices vectors of another model in a space, when their senders do not say which model they are of.
///
/// Vectors of one model lie near others of it; for those of another they are random directions. Of two random
/// directions in d dimensions the cosine is about normal with variance 1/d, so that the greatest of 128 of them stays below 4/√d with
/// probability 0.996. Of 63,666 package descriptions (all-MiniLM-L6-v2) 0.05 % have no cosine of 4/√d or more with 128 others; of those
/// of one section with 128 of another 0 to 24 %; rotated at random, more than 98 %. Where vectors of one model are as
/// scattered as that, nothing is said. Norms are compared too, where they are alike.
///
/// The baseline is what was written first: stored vectors, if there are any when the first write comes, else the first
/// ones. One of eight vectors is looked at: under half a microsecond a vector of 384 dimensions. Safe to use from any thread; what it
/// knows dies with the process.
final class ModelWatch: Sendable {
    private let spaceName: String
    private let dimension: Int
    private let state = Mutex(State())

    /// Vectors of the baseline, and of those that are compared with it.
    static let baselineCount = 128
    private static let windowCount = 96
    private static let stride: UInt64 = 8
    /// Larger vectors would take too much memory.
    private static let mostDimensions = 4_096
    /// In standard deviations of the cosine of random directions.
    private static let nearest: Float = 4
    /// Shares of strange vectors: from which something is said, until which it is said, and up to which the baseline
    /// itself may have some.
    private static let alarm = 0.6
    private static let relief = 0.3
    private static let scattered = 0.2
    /// A norm is another one from three standard deviations and a twentieth on; of vectors whose norms differ by more than
    /// models' do, nothing is said. All of logarithms.
    private static let normDeviations = 3.0
    private static let normMargin = 0.05
    private static let mostNormDeviation = 0.2

    private struct State {
        /// Of unit length, one after the other.
        var baseline: [Float] = []
        var logNorms: [Double] = []
        var isSeeded = false
        /// Of the baseline, without each one itself; `nil` until it is whole.
        var strangeShare: Double?
        /// The last vectors: whether nothing is near, and their norms' logarithms.
        var window: [(isStrange: Bool, logNorm: Double)] = []
        /// Which ones are looked at is decided by a hash of this: senders may take turns.
        var seen: UInt64 = 0
        var reason: String?
    }

    init(space: SpaceConfig) {
        spaceName = space.name
        dimension = space.size
    }

    private var isOff: Bool { dimension > Self.mostDimensions }

    /// What is wrong, for `server.health`.
    var reason: String? { state.withLock { $0.reason } }

    /// Whether the baseline wants stored vectors; true once.
    func claimsSeed() -> Bool {
        guard !isOff else { return false }
        return state.withLock { state in
            defer { state.isSeeded = true }
            return !state.isSeeded
        }
    }

    /// Vectors that are right as far as it is known: for the baseline, while it is not whole.
    func learn(_ vectors: some Sequence<StoredVector>) {
        guard !isOff else { return }
        state.withLock { state in
            for vector in vectors where state.strangeShare == nil { add(vector.values, to: &state) }
        }
    }

    /// Vectors whose senders named no model.
    func look(at vectors: some Sequence<StoredVector>) {
        guard !isOff else { return }
        state.withLock { state in
            for vector in vectors {
                guard state.strangeShare != nil else {
                    add(vector.values, to: &state)
                    continue
                }
                state.seen += 1
                if SeededGenerator.mix(state.seen) % Self.stride == 0 { compare(vector.values, &state) }
            }
        }
    }

    // MARK: The baseline

    private func add(_ values: [Float], to state: inout State) {
        guard let (unit, logNorm) = Self.unit(values) else { return }
        state.baseline += unit
        state.logNorms.append(logNorm)
        guard state.logNorms.count == Self.baselineCount else { return }
        let strange = (0..<Self.baselineCount).count { row in
            let own = Array(state.baseline[row * dimension..<(row + 1) * dimension])
            return !hasNeighbour(own, in: state.baseline, but: row)
        }
        state.strangeShare = Double(strange) / Double(Self.baselineCount)
    }

    private static func unit(_ values: [Float]) -> (unit: [Float], logNorm: Double)? {
        let norm = VectorNorms.norm(of: values.span)
        guard norm > 0, norm.isFinite else { return nil }
        return (values.map { Float(Double($0) / norm) }, log(norm))
    }

    private func hasNeighbour(_ unit: [Float], in baseline: [Float], but own: Int? = nil) -> Bool {
        let threshold = Self.nearest / Float(dimension).squareRoot()
        let kernels = DistanceKernels.best
        let all = baseline.span
        for row in 0..<(baseline.count / dimension) where row != own {
            let other = all.extracting(row * dimension..<(row + 1) * dimension)
            if kernels.dot(unit.span, other) >= threshold { return true }
        }
        return false
    }

    // MARK: What comes

    private func compare(_ values: [Float], _ state: inout State) {
        guard let (unit, logNorm) = Self.unit(values) else { return }
        if state.window.count == Self.windowCount { state.window.removeFirst() }
        state.window.append((!hasNeighbour(unit, in: state.baseline), logNorm))
        guard state.window.count == Self.windowCount else { return }
        let limit = state.reason == nil ? Self.alarm : Self.relief
        state.reason = strangeness(state, limit) ?? anotherNorm(state)
    }

    private func strangeness(_ state: State, _ limit: Double) -> String? {
        guard let usual = state.strangeShare, usual <= Self.scattered else { return nil }
        let strange = state.window.count(where: \.isStrange)
        guard Double(strange) >= limit * Double(Self.windowCount) else { return nil }
        return
            "\(subject) look like another model's: of the last \(Self.windowCount) that were looked at, \(strange) "
            + "are near to nothing, of the collection's \(Int(usual * 100)) %; requests can name their \"model\""
    }

    private func anotherNorm(_ state: State) -> String? {
        let usual = Self.meanAndDeviation(state.logNorms)
        guard usual.deviation <= Self.mostNormDeviation else { return nil }
        let now = Self.meanAndDeviation(state.window.map(\.logNorm)).mean
        let limit = Self.normDeviations * usual.deviation + Self.normMargin
        guard (now - usual.mean).magnitude > limit * (state.reason == nil ? 1 : Self.relief) else {
            return nil
        }
        let ratio = Self.rounded(exp(now - usual.mean))
        return "\(subject) look like another model's: they are \(ratio) times as long as the collection's; "
            + "requests can name their \"model\""
    }

    private var subject: String {
        "vectors that come without a model's name"
            + (spaceName.isEmpty ? "" : " for the space \"\(spaceName)\"")
    }

    private static func meanAndDeviation(_ values: [Double]) -> (mean: Double, deviation: Double) {
        let mean = values.reduce(0, +) / Double(values.count)
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
        return (mean, variance.squareRoot())
    }

    private static func rounded(_ ratio: Double) -> Double { (ratio * 100).rounded() / 100 }
}
