// A short wait with open eyes. An event loop that sleeps has to be woken for the next request, and waking a core that
// idles takes as long as a search, on virtual machines longer. So a loop that has just answered all it was asked looks
// at its sockets for a moment before it sleeps: whoever asks one question after the other is answered at once.
//
// While it looks, a loop does nothing else, so it looks only
// - while none of its connections has a request open, and no search waits for a thread or runs on one;
// - while it has few connections: among many there is hardly a pause to bridge;
// - as long as it helps: after a few looks in vain it sleeps at once, until a request comes quickly again.
// Seastar and DPDK poll for good; here an idle server costs nothing.

import Glibc
package import NIOCore
package import NeedleCore

/// One per event loop, used on that loop only.
package final class LoopPolling: Sendable {
    /// Connections of the loop up to which it looks: each look costs by their number.
    private static let mostSockets = 16
    /// Looks in vain after which it is not worth it.
    private static let patience = 3

    private let eventLoop: any EventLoop
    private let clock: any Clock
    private let nanoseconds: UInt64
    private let isWanted: @Sendable () -> Bool
    private let state: NIOLoopBoundBox<State>

    private struct State {
        var sockets: [Int32] = []
        var openRequests = 0
        var isScheduled = false
        var inVain = 0
        var lastAnswered: UInt64 = 0
    }

    /// - Parameters:
    ///   - microseconds: how long after the last answer; 0 = not at all.
    ///   - isWanted: asked again and again: false ends it.
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

    package func opened(_ socket: Int32) {
        state.value.sockets.append(socket)
    }

    /// Before the socket is closed: its number may be another one's then.
    ///
    /// - Parameter openRequests: of the connection, which nobody will answer now.
    package func closed(_ socket: Int32, openRequests: Int) {
        state.value.sockets.removeAll { $0 == socket }
        state.value.openRequests -= openRequests
    }

    /// A request came, and is now open.
    ///
    /// - Parameter receivedAt: monotonic nanoseconds.
    package func began(receivedAt: UInt64) {
        state.value.openRequests += 1
        // Somebody who is quick, if only the loop is: being woken takes time as well.
        if receivedAt < state.value.lastAnswered + 2 * nanoseconds { state.value.inVain = 0 }
    }

    /// A request was answered, and the answer given to the socket.
    package func answered() {
        state.value.openRequests -= 1
        guard nanoseconds > 0, state.value.openRequests == 0 else { return }
        state.value.lastAnswered = clock.monotonicNanoseconds()
        guard state.value.inVain < Self.patience, !state.value.isScheduled else { return }
        state.value.isScheduled = true
        // After whatever else the loop has to do.
        eventLoop.execute { self.look() }
    }

    private func look() {
        state.value.isScheduled = false
        guard state.value.openRequests == 0, (1...Self.mostSockets).contains(state.value.sockets.count) else {
            return
        }
        var sockets = state.value.sockets.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        let end = clock.monotonicNanoseconds() + nanoseconds
        while isWanted() {
            if poll(&sockets, nfds_t(sockets.count), 0) != 0 { return }
            if clock.monotonicNanoseconds() >= end {
                state.value.inVain += 1
                return
            }
        }
    }
}
