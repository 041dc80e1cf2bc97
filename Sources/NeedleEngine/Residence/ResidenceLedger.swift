import Synchronization

/// Memory that sealed segments may take beyond their mappings: who has how much of the budget. One for all
/// collections; safe to use from any thread.
///
/// Invariant: what is reserved never exceeds the budget, and goes back when the last holder of a share lets go.
final class ResidenceLedger: Sendable {
    let budget: Int
    private let reserved = Atomic<Int>(0)
    private let releases = Atomic<Int>(0)

    init(budget: Int) {
        self.budget = max(0, budget)
    }

    /// Bytes reserved now.
    var bytes: Int { reserved.load(ordering: .relaxed) }

    /// Rises whenever something went back: what found no room before may try again.
    var generation: Int { releases.load(ordering: .relaxed) }

    /// `nil` when there is no room.
    func reserve(_ bytes: Int) -> ResidenceShare? {
        var current = reserved.load(ordering: .relaxed)
        while bytes <= budget - current {
            let (exchanged, original) = reserved.compareExchange(
                expected: current, desired: current + bytes, ordering: .relaxed)
            if exchanged { return ResidenceShare(bytes: bytes, of: self) }
            current = original
        }
        return nil
    }

    fileprivate func giveBack(_ bytes: Int) {
        reserved.subtract(bytes, ordering: .relaxed)
        releases.add(1, ordering: .relaxed)
    }
}

/// A part of the budget, held for as long as this object lives.
final class ResidenceShare: Sendable {
    let bytes: Int
    private let ledger: ResidenceLedger

    fileprivate init(bytes: Int, of ledger: ResidenceLedger) {
        self.bytes = bytes
        self.ledger = ledger
    }

    deinit {
        ledger.giveBack(bytes)
    }
}

/// Whether something that needs room was tried: once when there is room, again after a refusal when room was
/// given back. Asked and answered by the one maintenance thread; read by any.
final class ResidenceTrial: Sendable {
    private static let untried = -1
    private static let decided = -2
    /// The ledger's generation at the last refusal.
    private let state = Atomic<Int>(ResidenceTrial.untried)

    func isOpen(_ ledger: ResidenceLedger) -> Bool {
        let state = state.load(ordering: .relaxed)
        return state != Self.decided && state != ledger.generation
    }

    func decide() { state.store(Self.decided, ordering: .relaxed) }

    /// - Parameter generation: of the ledger, read before it refused.
    func refused(at generation: Int) { state.store(generation, ordering: .relaxed) }
}
