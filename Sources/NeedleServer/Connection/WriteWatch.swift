import Glibc
import NIOCore

/// Notices that a peer takes none of what waits for it. Confined to one event loop.
///
/// Looks four times per time-out, and only while something waits; so a stall is noticed after 1 to 1 1/4
/// time-outs.
final class WriteWatch {
    private var timer: Scheduled<Void>?
    private var lastTaken = -1
    private var lastProgress = NIODeadline.distantPast

    var isRunning: Bool { timer != nil }

    /// - Parameters:
    ///   - taken: bytes the peer has taken so far, `nil` when nothing waits.
    ///   - onStall: called once when that did not change for `limit`.
    func start(
        on eventLoop: any EventLoop, limit: TimeAmount, taken: @escaping () -> Int?,
        onStall: @escaping () -> Void
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

/// What the kernel still holds of what was written to a socket.
enum SocketQueue {
    /// `SIOCOUTQ`: bytes that the peer has not acknowledged; 0 when the kernel does not say.
    ///
    /// The kernel asks for more only when a third of its buffer is free, which with a slow reader can take
    /// minutes; without this such a reader would look like one that takes nothing.
    static func unacknowledgedBytes(_ pipeline: ChannelPipeline.SynchronousOperations) -> Int {
        let queued = try? pipeline.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
            descriptor -> Int in
            var bytes: Int32 = 0
            return ioctl(descriptor, UInt(TIOCOUTQ), &bytes) == 0 ? Int(bytes) : 0
        }
        return queued ?? 0
    }
}
