// A short wait with open eyes. An event loop that sleeps has to be woken for the next request, and waking a core that idles
// takes as long as a search, on virtual machines longer. So a loop that has just answered a search asks its sockets
// again and again for a moment before it sleeps: whoever asks one question after the other is answered at once.
//
// The loop polls only while nothing else wants to run: no job waits for a thread or runs on one. Seastar and DPDK do the
// same, for good; here it ends, so that an idle server costs nothing.

package import NIOCore
package import NeedleCore

/// One per event loop. Used on the loop only.
package final class LoopPolling: Sendable {
    /// From one look at the sockets to the next. A timer that is nearly due is the only way to have NIO look at them
    /// without sleeping: as long as tasks are ready it runs those.
    private static let step = TimeAmount.microseconds(1)

    private let eventLoop: any EventLoop
    private let clock: any Clock
    private let nanoseconds: UInt64
    private let isWanted: @Sendable () -> Bool
    private let state: NIOLoopBoundBox<State>

    private struct State {
        var end: UInt64 = 0
        var isPolling = false
    }

    /// - Parameters:
    ///   - microseconds: how long after the last answer; 0 = not at all.
    ///   - isWanted: asked before each look: false ends it.
    package init(
        eventLoop: any EventLoop, clock: any Clock, microseconds: Int,
        isWanted: @escaping @Sendable () -> Bool
    ) {
        self.eventLoop = eventLoop
        self.clock = clock
        nanoseconds = UInt64(microseconds) * 1_000
        self.isWanted = isWanted
        state = .makeBoxSendingValue(State(), eventLoop: eventLoop)
    }

    /// A search was answered at `now`, monotonic nanoseconds.
    package func answered(at now: UInt64) {
        guard nanoseconds > 0 else { return }
        state.value.end = now + nanoseconds
        guard !state.value.isPolling else { return }
        state.value.isPolling = true
        look()
    }

    private func look() {
        guard clock.monotonicNanoseconds() < state.value.end, isWanted() else {
            state.value.isPolling = false
            return
        }
        eventLoop.scheduleTask(in: Self.step) { self.look() }
    }
}
