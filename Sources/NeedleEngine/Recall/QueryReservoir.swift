import NeedleCore
import Synchronization

/// A bounded sample of the queries that clients ask of one space, the recent ones more likely.
///
/// Offering costs a search almost nothing: most queries pass with one relaxed addition; the rest try a lock and
/// give up if somebody has it. The vector is shared, not copied. While there is room every query is taken,
/// then one in `stride` takes the place of a random one, so that ages are spread geometrically. A query
/// that is there already is not taken again: a sample of one query many times would look certain and say nothing.
/// Safe to use from any thread.
package final class QueryReservoir: Sendable {
    package let capacity: Int
    private let offers = Atomic<UInt64>(0)
    private let isFull = Atomic<Bool>(false)
    private let state: Mutex<State>

    private static let stride: UInt64 = 8
    private static let bytes = 8 << 20

    private struct State {
        var generator: SeededGenerator
        var queries: [[Float]] = []
        var hashes: [UInt64] = []
        var taken = 0
    }

    /// - Parameter most: queries kept, fewer if they would take more than 8 MiB.
    package init(dimension: Int, most: Int, seed: UInt64) {
        capacity = max(1, min(most, Self.bytes / (4 * max(1, dimension))))
        state = Mutex(State(generator: SeededGenerator(seed: seed)))
    }

    /// - Returns: how many were taken so far, when this one was.
    @discardableResult
    package func offer(_ query: [Float]) -> Int? {
        let number = offers.add(1, ordering: .relaxed).oldValue
        if number % Self.stride != 0, isFull.load(ordering: .relaxed) { return nil }
        return state.withLockIfAvailable { state -> Int? in
            let hash = Self.hash(query)
            guard !state.hashes.contains(hash) else { return nil }
            if state.queries.count < capacity {
                state.queries.append(query)
                state.hashes.append(hash)
                if state.queries.count == capacity { isFull.store(true, ordering: .relaxed) }
            } else {
                let place = Int.random(in: 0..<capacity, using: &state.generator)
                state.queries[place] = query
                state.hashes[place] = hash
            }
            state.taken += 1
            return state.taken
        } ?? nil
    }

    /// The queries kept, and how many were taken so far.
    package var sample: (queries: [[Float]], taken: Int) { state.withLock { ($0.queries, $0.taken) } }

    /// How many different queries were taken so far.
    package var taken: Int { state.withLock { $0.taken } }

    private static func hash(_ query: [Float]) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for value in query { hash = (hash ^ UInt64(value.bitPattern)) &* 0x0000_0100_0000_01B3 }
        return SeededGenerator.mix(hash)
    }
}
