import NeedleWire

/// The requests of one connection that are being executed, and the batches they belong to.
///
/// Invariant: the bytes of a line are held until the last request it brought is answered.
struct OpenRequests: Sendable {
    private struct Open {
        var id: RequestID?
        /// The batch and the place in it.
        var batch: (key: UInt64, slot: Int)?
        /// Bytes of the line; of a batch's members the batch has them.
        var bytes: Int
    }

    private struct Batch {
        var replies: [(id: RequestID?, reply: [UInt8])?]
        var missing: Int
        var bytes: Int
    }

    /// What a completed request leads to.
    enum Outcome {
        /// Nothing to say: a notification, or a member of a batch that is not finished.
        case nothing
        case reply([UInt8])
        /// All members are answered; notifications are left out.
        case batch([(id: RequestID?, reply: [UInt8])], members: Int)
    }

    private var requests: [RequestKey: Open] = [:]
    private var batches: [UInt64: Batch] = [:]
    private var nextKey: RequestKey = 1
    private var nextBatch: UInt64 = 1
    /// Requests that are open: executed now, or answered within a batch that is not.
    private(set) var count = 0
    /// Bytes of their lines.
    private(set) var lineBytes = 0
    /// Bytes of answers that wait for the rest of their batch.
    private(set) var replyBytes = 0

    func contains(_ key: RequestKey) -> Bool { requests[key] != nil }

    func id(of key: RequestKey) -> RequestID? { requests[key]?.id }

    /// The keys of the requests with this id, oldest first.
    func keys(of id: RequestID) -> [RequestKey] {
        requests.filter { $0.value.id == id }.keys.sorted()
    }

    var keys: [RequestKey] { requests.keys.sorted() }

    mutating func openSingle(id: RequestID?, bytes: Int) -> RequestKey {
        count += 1
        lineBytes += bytes
        return open(Open(id: id, batch: nil, bytes: bytes))
    }

    mutating func openBatch(members: Int, bytes: Int) -> UInt64 {
        defer { nextBatch += 1 }
        batches[nextBatch] = Batch(
            replies: Array(repeating: nil, count: members), missing: members, bytes: bytes)
        count += members
        lineBytes += bytes
        return nextBatch
    }

    mutating func openMember(_ slot: Int, of batch: UInt64, id: RequestID?) -> RequestKey {
        open(Open(id: id, batch: (batch, slot), bytes: 0))
    }

    private mutating func open(_ request: Open) -> RequestKey {
        defer { nextKey += 1 }
        requests[nextKey] = request
        return nextKey
    }

    /// - Parameter reply: `nil` for a notification.
    mutating func complete(_ key: RequestKey, _ reply: [UInt8]?) -> Outcome {
        guard let request = requests.removeValue(forKey: key) else { return .nothing }
        if let batch = request.batch {
            return completeMember(batch.slot, of: batch.key, request.id, reply)
        }
        count -= 1
        lineBytes -= request.bytes
        return reply.map { .reply($0) } ?? .nothing
    }

    private mutating func completeMember(
        _ slot: Int, of key: UInt64, _ id: RequestID?, _ reply: [UInt8]?
    ) -> Outcome {
        if let reply {
            batches[key]?.replies[slot] = (id, reply)
            replyBytes += reply.count
        }
        batches[key]?.missing -= 1
        guard let batch = batches[key], batch.missing == 0 else { return .nothing }
        batches[key] = nil
        count -= batch.replies.count
        lineBytes -= batch.bytes
        let replies = batch.replies.compactMap { $0 }
        replyBytes -= replies.reduce(0) { $0 + $1.reply.count }
        return replies.isEmpty ? .nothing : .batch(replies, members: replies.count)
    }

    /// A batch member that was answered before anything was executed.
    mutating func completeMember(_ slot: Int, of batch: UInt64, id: RequestID?, reply: [UInt8]?) -> Outcome {
        completeMember(slot, of: batch, id, reply)
    }
}
