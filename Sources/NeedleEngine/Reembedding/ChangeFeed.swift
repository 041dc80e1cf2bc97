import NeedleCore
import Synchronization

/// What a collection that is being re-embedded tells about itself: which points have changed, which are read, which
/// texts are searched for.
///
/// Bounded but for the changed ids, of which none may be forgotten. Safe to use from any thread.
final class ChangeFeed: Sendable {
    /// Ids of hits and queries that are kept at a time.
    private static let mostRead = 1_024
    private static let mostQueries = 32

    private let state = Mutex(State())

    private struct State {
        var changed: Set<PointID> = []
        var read: [PointID] = []
        var queries: [SearchQuery] = []
        var offered = 0
    }

    /// Points whose newest state is visible now and was not before.
    func note(changed ids: [PointID]) {
        state.withLock { $0.changed.formUnion(ids) }
    }

    var changedCount: Int { state.withLock { $0.changed.count } }

    /// Takes some of the changed points. Whoever cannot deal with them gives them back by `note`.
    func takeChanged(_ count: Int) -> [PointID] {
        state.withLock { state in
            let taken = Array(state.changed.prefix(count))
            state.changed.subtract(taken)
            return taken
        }
    }

    /// Points that were found by a search.
    func note(read ids: [PointID]) {
        state.withLock { state in
            let room = Self.mostRead - state.read.count
            if room > 0 { state.read += ids.prefix(room) }
        }
    }

    func takeRead(_ count: Int) -> [PointID] {
        state.withLock { state in
            let taken = Array(state.read.prefix(count))
            state.read.removeFirst(taken.count)
            return Array(Set(taken))
        }
    }

    /// A search by text, to be answered by both models when there is time. Of many a sample is kept.
    func offer(_ query: SearchQuery) {
        state.withLock { state in
            state.offered += 1
            if state.queries.count < Self.mostQueries { state.queries.append(query) }
        }
    }

    func takeQuery() -> SearchQuery? {
        state.withLock { $0.queries.popLast() }
    }
}
