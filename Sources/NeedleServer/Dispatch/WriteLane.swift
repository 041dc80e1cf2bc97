// The order of one connection's changes to one collection.
//
// Writes are prepared in parallel (checking a thousand points or embedding their texts takes a while) and
// committed in the order received. Other changes (create, delete, optimize) are barriers: they begin when
// everything before them has been committed, and nothing after them is prepared until they are done, because
// it depends on what they do.

import Synchronization

/// The rules as a value: who may be prepared, committed, run. Steps are named by numbers that rise in the
/// order received.
package struct LaneOrder: Sendable {
    package typealias Step = UInt64

    package enum Action: Hashable, Sendable {
        case prepare(Step)
        case commit(Step)
        case run(Step)
    }

    private enum Stage {
        /// Behind a barrier, or a barrier that is not at the front.
        case waiting
        case preparing
        case prepared
        case committing
        case running
    }

    private struct Entry {
        var step: Step
        var isBarrier: Bool
        var stage: Stage
    }

    /// In the order received; those that are done have left.
    private var entries: [Entry] = []
    private var nextStep: Step = 1

    package init() {}

    package var isEmpty: Bool { entries.isEmpty }

    /// Adds a change at the end.
    package mutating func add(isBarrier: Bool) -> (step: Step, actions: [Action]) {
        defer { nextStep += 1 }
        entries.append(Entry(step: nextStep, isBarrier: isBarrier, stage: .waiting))
        return (nextStep, advance())
    }

    /// The write is ready to be committed when its turn comes.
    package mutating func prepared(_ step: Step) -> [Action] {
        setStage(step, .prepared)
        return advance()
    }

    /// The change is over: committed, run, or refused while it was being prepared.
    package mutating func done(_ step: Step) -> [Action] {
        entries.removeAll { $0.step == step }
        return advance()
    }

    private mutating func setStage(_ step: Step, _ stage: Stage) {
        guard let index = entries.firstIndex(where: { $0.step == step }) else { return }
        entries[index].stage = stage
    }

    private mutating func advance() -> [Action] {
        var actions: [Action] = []
        var mayCommit = true
        for index in entries.indices {
            if entries[index].isBarrier {
                if index == 0, entries[index].stage == .waiting {
                    entries[index].stage = .running
                    actions.append(.run(entries[index].step))
                }
                break
            }
            switch entries[index].stage {
            case .waiting:
                entries[index].stage = .preparing
                actions.append(.prepare(entries[index].step))
                mayCommit = false
            case .prepared where mayCommit:
                entries[index].stage = .committing
                actions.append(.commit(entries[index].step))
            case .committing, .running: break
            case .preparing, .prepared: mayCommit = false
            }
        }
        return actions
    }
}

/// What a change of a collection does at each of its stages.
struct LaneWork: Sendable {
    var isBarrier: Bool
    /// Checks the write; calls `prepared` or `done` on any thread, once.
    var prepare: @Sendable (LaneTicket) -> Void
    /// Hands the write to the collection's commit queue, or runs the barrier; calls `done` later.
    ///
    /// Called with the lane locked, so that commits of one lane are handed over in order.
    var proceed: @Sendable (LaneTicket) -> Void
}

/// A change's place in its lane. Safe to use from any thread.
struct LaneTicket: Sendable {
    fileprivate let lane: WriteLane
    fileprivate let step: LaneOrder.Step

    func prepared() { lane.prepared(step) }
    func done() { lane.done(step) }
}

/// One lane. Safe to use from any thread.
final class WriteLane: Sendable {
    private let state = Mutex(State())

    private struct State {
        var order = LaneOrder()
        var work: [LaneOrder.Step: LaneWork] = [:]
    }

    var isIdle: Bool { state.withLock { $0.order.isEmpty } }

    func add(_ work: LaneWork) {
        change { state in
            let (step, actions) = state.order.add(isBarrier: work.isBarrier)
            state.work[step] = work
            return actions
        }
    }

    fileprivate func prepared(_ step: LaneOrder.Step) {
        change { $0.order.prepared(step) }
    }

    fileprivate func done(_ step: LaneOrder.Step) {
        change { state in
            state.work[step] = nil
            return state.order.done(step)
        }
    }

    private func change(_ body: (inout State) -> [LaneOrder.Action]) {
        var preparations: [(LaneWork, LaneTicket)] = []
        state.withLock { state in
            for action in body(&state) {
                switch action {
                case .prepare(let step):
                    if let work = state.work[step] {
                        preparations.append((work, LaneTicket(lane: self, step: step)))
                    }
                case .commit(let step), .run(let step):
                    state.work[step]?.proceed(LaneTicket(lane: self, step: step))
                }
            }
        }
        // Outside the lock: a preparation that cannot begin is done at once, which comes back here.
        for (work, ticket) in preparations { work.prepare(ticket) }
    }
}

/// The lanes of a connection, by collection name.
///
/// `add` is called from the connection's event loop only; that is what makes "the order received" a fact, and
/// what lets idle lanes go: only `add` can make one busy again.
package final class LaneTable: Sendable {
    private let lanes = Mutex<[String: WriteLane]>([:])
    private static let idleLanesKept = 64

    package init() {}

    /// Adds a change at the end of the collection's lane.
    func add(_ work: LaneWork, collection: String) {
        let lane = lanes.withLock { lanes in
            if let lane = lanes[collection] { return lane }
            if lanes.count >= Self.idleLanesKept { lanes = lanes.filter { !$0.value.isIdle } }
            let lane = WriteLane()
            lanes[collection] = lane
            return lane
        }
        lane.add(work)
    }
}
