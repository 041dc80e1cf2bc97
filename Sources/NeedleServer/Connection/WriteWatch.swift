import NIOCore

/// Notices that a peer takes none of what waits for it. Confined to one event loop.
///
/// Looks four times per time-out, and only while something waits; so a stall is noticed after 1 to 1 1/4 time-outs.
final class WriteWatch {
    private var timer: Scheduled<Void>?
    private var lastTaken = -1
    private var lastProgress = NIODeadline.distantPast

    var isRunning: Bool { timer != nil }

    /// - Parameters:
    ///   - taken: bytes the operating system has taken so far, `nil` when nothing waits.
    ///   - onStall: called once when that did not change for `limit`.
    func start(
        on eventLoop: any EventLoop, limit: TimeAmount, taken: @escaping () -> Int?, onStall: @escaping () -> Void
    ) {
        lastTaken = taken() ?? 0
        lastProgress = .now()
        look(on: eventLoop.assumeIsolated(), limit: limit, taken: taken, onStall: onStall)
    }

    private func look(
        on eventLoop: NIOIsolatedEventLoop, limit: TimeAmount, taken: @escaping () -> Int?,
        onStall: @escaping () -> Void
    ) {
        timer = eventLoop.scheduleTask(in: .nanoseconds(max(1_000_000, limit.nanoseconds / 4))) {
            self.timer = nil
            guard let now = taken() else { return }
            if now != self.lastTaken {
                self.lastTaken = now
                self.lastProgress = .now()
            } else if .now() - self.lastProgress >= limit {
                return onStall()
            }
            self.look(on: eventLoop, limit: limit, taken: taken, onStall: onStall)
        }
    }

    func stop() {
        timer?.cancel()
        timer = nil
    }
}
