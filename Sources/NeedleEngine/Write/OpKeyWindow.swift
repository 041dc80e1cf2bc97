import NeedleCore

/// The results of recent writes that carried an `op_key`: a repeat within the window answers the first
/// result.
///
/// Times are the log's times, so a replay builds the same window. Kept in the log with each write, and in the
/// manifest once the log is trimmed. Expected O(1) a write.
struct OpKeyWindow {
    struct Entry: Sendable {
        var key: [UInt8]
        var timeMS: Int64
        var receipt: WriteReceipt
    }

    let windowMS: Int64
    private var receipts: [[UInt8]: Entry] = [:]
    /// In the order of time, so that old ones leave from the front.
    private var order: [[UInt8]] = []
    private var firstLive = 0

    init(windowMS: Int) {
        self.windowMS = Int64(windowMS)
    }

    func receipt(for key: [UInt8], now: Int64) -> WriteReceipt? {
        guard let entry = receipts[key], now - entry.timeMS < windowMS else { return nil }
        return entry.receipt
    }

    /// - Precondition: times do not go backwards.
    mutating func insert(_ entry: Entry) {
        removeExpired(now: entry.timeMS)
        if receipts.updateValue(entry, forKey: entry.key) == nil { order.append(entry.key) }
    }

    /// What a manifest has to keep, oldest first.
    func entries(now: Int64) -> [Entry] {
        order[firstLive...].compactMap { receipts[$0] }.filter { now - $0.timeMS < windowMS }
    }

    private mutating func removeExpired(now: Int64) {
        while firstLive < order.count, let entry = receipts[order[firstLive]], now - entry.timeMS >= windowMS
        {
            receipts[order[firstLive]] = nil
            firstLive += 1
        }
        if firstLive > 1024, firstLive > order.count / 2 {
            order.removeFirst(firstLive)
            firstLive = 0
        }
    }
}
