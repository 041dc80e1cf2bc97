import NIOCore
import Synchronization

/// An HTTP connection, as those see it who count and end connections. Safe to use from any thread.
final class HTTPMember: OpenConnection {
    private let channel: any Channel
    /// Nanoseconds at which it began to wait for its next request; 0 while it has one that is there as a whole.
    private let waiting: Atomic<UInt64>

    init(_ channel: any Channel, now: UInt64) {
        self.channel = channel
        waiting = Atomic(now)
    }

    /// - Parameter since: `nil` when it has a request.
    func noteWaiting(since: UInt64?) { waiting.store(since ?? 0, ordering: .relaxed) }

    var waitingSince: UInt64? {
        let since = waiting.load(ordering: .relaxed)
        return since > 0 ? since : nil
    }

    /// It goes as soon as it has answered what it was asked.
    func drain() {
        channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }

    func close() { channel.close(promise: nil) }
}

extension ConnectionRegistry {
    /// Takes a connection in. When there are too many already, the one that has waited longest for its next request
    /// makes room, so that nobody can lock others out by opening connections and saying nothing.
    ///
    /// - Returns: false when all have requests that are being answered, or the server stops.
    func add(makingRoomFor member: HTTPMember) -> Bool {
        if add(member) { return true }
        let idlest = members.compactMap {
            ($0 as? HTTPMember).flatMap { member in
                member.waitingSince.map { (since: $0, member: member) }
            }
        }.min { $0.since < $1.since }?.member
        guard let idlest else { return false }
        remove(idlest)
        idlest.close()
        return add(member)
    }
}
