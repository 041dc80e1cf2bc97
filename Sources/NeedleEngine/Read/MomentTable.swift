import NeedleCore
import Synchronization

/// A moment that scroll cursors read: the view, and the id order of its segments once somebody needed it.
final class Moment: Sendable {
    let view: ReadView
    private let orders = Mutex<[UInt64: RowOrder]>([:])

    init(view: ReadView) {
        self.view = view
    }

    /// Sorted once per moment for growing segments; sealed ones have their order in the file.
    func order(of segment: any Segment) throws(DatabaseError) -> RowOrder {
        if let known = orders.withLock({ $0[segment.id] }) { return known }
        let order = try segment.rowsByID(at: view.lsn)
        orders.withLock { $0[segment.id] = order }
        return order
    }
}

/// A scroll under way: its moment, its filter and its order.
struct Scroll: Sendable {
    let moment: Moment
    let filter: Filter?
    let order: ScrollOrder?
    /// Points to come, in the order of their values.
    let run = OrderedRun()
}

/// The scrolls under way in a collection. A cursor is `<nonce>.<scroll>.<last id>`: it names a scroll here
/// and where to go on, so a page can be asked for again. Cursors die with the server: another start has
/// another nonce.
final class MomentTable: Sendable {
    private struct Entry {
        var scroll: Scroll
        var lastUse: UInt64
    }

    private struct State {
        var entries: [UInt64: Entry] = [:]
        var nextID: UInt64 = 1
    }

    private let state = Mutex(State())
    private let nonce: String
    private let limits: Limits

    init(limits: Limits, seed: UInt64) {
        self.limits = limits
        nonce = String(SeededGenerator.mix(seed), radix: 36)
    }

    /// The moment of a scroll that begins: shared with the others at the same state.
    ///
    /// - Throws: `overloaded` when too many scrolls are open.
    func begin(
        _ view: ReadView, filter: Filter?, order: ScrollOrder?, at now: UInt64
    ) throws(DatabaseError) -> (id: UInt64, Scroll) {
        try state.withLock { (state) throws(DatabaseError) in
            removeExpired(&state, at: now)
            guard state.entries.count < limits.cursors else {
                throw DatabaseError(
                    .overloaded, "\(limits.cursors) scrolls are open", at: "cursor",
                    retryAfterMS: limits.cursorMS / 10)
            }
            let shared = state.entries.values.first { entry in
                let other = entry.scroll.moment.view
                return other.lsn == view.lsn && other.set === view.set && !Self.expiryMatters(other)
            }
            let moment = shared?.scroll.moment ?? Moment(view: view)
            let scroll = Scroll(moment: moment, filter: filter, order: order)
            let id = state.nextID
            state.nextID += 1
            state.entries[id] = Entry(scroll: scroll, lastUse: now)
            return (id, scroll)
        }
    }

    func end(_ id: UInt64) {
        state.withLock { $0.entries[id] = nil }
    }

    /// - Throws: `not_found` when the cursor is none of ours, or has not been used for too long.
    func resume(_ cursor: String, at now: UInt64) throws(DatabaseError) -> (
        id: UInt64, Scroll, after: PointID
    ) {
        guard let (id, after) = parse(cursor) else { throw Self.unknown(cursor) }
        return try state.withLock { (state) throws(DatabaseError) in
            removeExpired(&state, at: now)
            guard var entry = state.entries[id] else { throw Self.unknown(cursor) }
            entry.lastUse = now
            state.entries[id] = entry
            return (id, entry.scroll, after)
        }
    }

    func cursor(for id: UInt64, after point: PointID) -> String {
        switch point {
        case .integer(let value): "\(nonce).\(id).i\(value)"
        case .string(let bytes): "\(nonce).\(id).s" + bytes.map { Self.hex($0) }.joined()
        }
    }

    private func parse(_ cursor: String) -> (id: UInt64, after: PointID)? {
        let parts = cursor.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == nonce, let id = UInt64(parts[1]), let kind = parts[2].first else {
            return nil
        }
        let rest = parts[2].dropFirst()
        switch kind {
        case "i": return UInt64(rest).map { (id, .integer($0)) }
        case "s": return Self.bytes(fromHex: rest).map { (id, .string($0)) }
        default: return nil
        }
    }

    private func removeExpired(_ state: inout State, at now: UInt64) {
        let lifetime = UInt64(limits.cursorMS) * 1_000_000
        state.entries = state.entries.filter { now - min(now, $0.value.lastUse) < lifetime }
    }

    /// Moments differ by more than their LSN when points may expire between them.
    private static func expiryMatters(_ view: ReadView) -> Bool {
        view.set.newestFirst.contains { $0.hasExpiringRows }
    }

    private static func unknown(_ cursor: String) -> DatabaseError {
        DatabaseError(
            .notFound,
            "there is no such cursor: it was not used for too long, or the server was started anew",
            at: "cursor", got: String(cursor.prefix(80)))
    }

    private static func hex(_ byte: UInt8) -> String {
        let text = String(byte, radix: 16)
        return byte < 16 ? "0" + text : text
    }

    private static func bytes(fromHex text: Substring) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard !digits.isEmpty, digits.count % 2 == 0, digits.count <= 2 * PointID.maximumStringBytes else {
            return nil
        }
        var bytes: [UInt8] = []
        for start in stride(from: 0, to: digits.count, by: 2) {
            guard let byte = UInt8(String(decoding: digits[start..<start + 2], as: UTF8.self), radix: 16)
            else {
                return nil
            }
            bytes.append(byte)
        }
        return bytes
    }
}
