/// Replies on their way to the socket, in order: how many bytes are left of each, and how many requests each ends.
///
/// A request is open until the last byte of its reply is handed over.
struct ReplyLedger: Sendable {
    private struct Entry {
        var bytes: Int
        var requests: Int
    }

    private var entries: [Entry] = []
    private var head = 0
    /// Bytes not yet handed over.
    private(set) var unsentBytes = 0
    /// Requests whose reply waits here.
    private(set) var requests = 0

    mutating func add(bytes: Int, requests count: Int) {
        entries.append(Entry(bytes: bytes, requests: count))
        unsentBytes += bytes
        requests += count
    }

    /// The socket took the next `count` bytes.
    mutating func sent(_ count: Int) {
        precondition(count <= unsentBytes, "more was handed over than there was")
        unsentBytes -= count
        var left = count
        while head < entries.count, entries[head].bytes <= left {
            left -= entries[head].bytes
            requests -= entries[head].requests
            head += 1
        }
        if left > 0 { entries[head].bytes -= left }
        if head == entries.count {
            entries.removeAll(keepingCapacity: true)
            head = 0
        } else if head > 512 {
            entries.removeFirst(head)
            head = 0
        }
    }
}
