import NeedleCore
import NeedleServer
import Testing

@Suite struct LaneOrderTests {
    @Test func writesArePreparedAtOnceAndCommittedInOrder() {
        var lane = LaneOrder()
        #expect(lane.add(isBarrier: false).actions == [.prepare(1)])
        #expect(lane.add(isBarrier: false).actions == [.prepare(2)])
        #expect(lane.add(isBarrier: false).actions == [.prepare(3)])
        #expect(lane.prepared(3) == [])
        #expect(lane.prepared(1) == [.commit(1)])
        #expect(lane.prepared(2) == [.commit(2), .commit(3)])
        #expect(lane.done(1) == [] && lane.done(3) == [] && lane.done(2) == [])
        #expect(lane.isEmpty)
    }

    @Test func aRefusedWriteDoesNotHoldUpTheNext() {
        var lane = LaneOrder()
        _ = lane.add(isBarrier: false)
        _ = lane.add(isBarrier: false)
        #expect(lane.prepared(2) == [])
        #expect(lane.done(1) == [.commit(2)])
    }

    @Test func aBarrierWaitsForCommitsAndHoldsBackPreparation() {
        var lane = LaneOrder()
        _ = lane.add(isBarrier: false)
        #expect(lane.add(isBarrier: true).actions == [])
        #expect(lane.add(isBarrier: false).actions == [])
        #expect(lane.prepared(1) == [.commit(1)])
        #expect(lane.done(1) == [.run(2)])
        #expect(lane.done(2) == [.prepare(3)])
        #expect(lane.prepared(3) == [.commit(3)])
        #expect(lane.done(3) == [])
        #expect(lane.isEmpty)
    }

    @Test func aBarrierOnAnEmptyLaneRunsAtOnce() {
        var lane = LaneOrder()
        #expect(lane.add(isBarrier: true).actions == [.run(1)])
        #expect(lane.add(isBarrier: true).actions == [])
        #expect(lane.done(1) == [.run(2)])
    }

    /// Whatever order preparations and commits end in: commits begin in the order received, a barrier runs alone.
    @Test(arguments: 0..<50)
    func orderHoldsUnderAnyTiming(_ seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed) &+ 1_000)
        var lane = LaneOrder()
        var pending: [LaneOrder.Action] = []
        var begun: [UInt64] = []
        var barriers: Set<UInt64> = []
        var added = 0
        while added < 40 || !pending.isEmpty {
            if added < 40, pending.isEmpty || Bool.random(using: &generator) {
                let isBarrier = Int.random(in: 0..<5, using: &generator) == 0
                let (step, actions) = lane.add(isBarrier: isBarrier)
                if isBarrier { barriers.insert(step) }
                pending += actions
                added += 1
                continue
            }
            let action = pending.remove(at: Int.random(in: 0..<pending.count, using: &generator))
            switch action {
            case .prepare(let step):
                #expect(!pending.contains { if case .run = $0 { true } else { false } })
                let isRefused = Int.random(in: 0..<6, using: &generator) == 0
                let next = isRefused ? lane.done(step) : lane.prepared(step)
                begun += Self.begun(next)
                pending += next
            case .commit(let step), .run(let step):
                if barriers.contains(step) { #expect(pending.isEmpty) }
                let next = lane.done(step)
                begun += Self.begun(next)
                pending += next
            }
        }
        #expect(lane.isEmpty)
        let commits = begun.filter { !barriers.contains($0) }
        #expect(commits == commits.sorted())
    }

    private static func begun(_ actions: [LaneOrder.Action]) -> [UInt64] {
        actions.compactMap { if case .commit(let step) = $0 { step } else { nil } }
    }
}
