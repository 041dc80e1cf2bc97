package import NeedleCore
package import NeedleWire
import Synchronization

/// What the server counts as requests come and go; everything else is looked up when somebody asks (`MetricsPage`).
///
/// An answered request costs two relaxed additions, a failed one one. Nothing is ever taken away. Safe to use from any
/// thread.
package final class ServerMetrics: Sendable {
    private let byMethod: [Method: MethodMeter]
    /// Lines that were no request that could be told.
    private let unknown = MethodMeter()
    package let tcp = TransportMeter()
    package let http = TransportMeter()
    private let responses = Mutex<[HTTPOutcome: Int]>([:])

    package init() {
        byMethod = Dictionary(uniqueKeysWithValues: Method.allCases.map { ($0, MethodMeter()) })
    }

    /// A request was answered with a result.
    package func answered(_ method: Method, nanoseconds: UInt64) {
        byMethod[method]?.answered.add(nanoseconds: nanoseconds)
    }

    /// - Parameter method: `nil` when there was no telling.
    package func failed(_ method: Method?, _ kind: ErrorKind) {
        let meter = method.flatMap { byMethod[$0] } ?? unknown
        meter.fail(kind)
    }

    /// The session answered by itself, at once.
    func count(_ method: Method?, _ failure: ErrorKind?) {
        if let failure { return failed(method, failure) }
        if let method { answered(method, nanoseconds: 0) }
    }

    package func responded(_ route: String, _ status: Int) {
        responses.withLock { $0[HTTPOutcome(route: route, status: status), default: 0] += 1 }
    }

    // MARK: What was counted

    /// Methods that were called, by name; then, as `nil`, what had none.
    var meters: [(method: Method?, meter: MethodMeter)] {
        byMethod.filter { $0.value.isUsed }.sorted { $0.key.rawValue < $1.key.rawValue }
            .map { (method: $0.key, meter: $0.value) }
            + (unknown.isUsed ? [(method: nil, meter: unknown)] : [])
    }

    /// How often the HTTP side answered what.
    var httpResponses: [(outcome: HTTPOutcome, count: Int)] {
        responses.withLock { $0 }.sorted { $0.key < $1.key }.map { (outcome: $0.key, count: $0.value) }
    }
}

/// One of few routes, and one of few statuses.
struct HTTPOutcome: Hashable, Comparable {
    var route: String
    var status: Int

    static func < (left: HTTPOutcome, right: HTTPOutcome) -> Bool {
        (left.route, left.status) < (right.route, right.status)
    }
}

/// The requests of one method.
final class MethodMeter: Sendable {
    private static let order = Dictionary(
        uniqueKeysWithValues: ErrorKind.allCases.enumerated().map { ($0.element, $0.offset) })

    /// From a line's last byte until its answer was on its way.
    let answered = DurationMeter()
    private let failures = InlineArray<32, Atomic<Int>> { _ in Atomic(0) }

    init() {
        precondition(Self.order.count <= failures.count, "there is a place for every kind of error")
    }

    func fail(_ kind: ErrorKind) {
        guard let place = Self.order[kind] else { return }
        failures[place].add(1, ordering: .relaxed)
    }

    /// Kinds that occurred.
    var failed: [(kind: ErrorKind, count: Int)] {
        ErrorKind.allCases.enumerated().compactMap { place, kind in
            let count = failures[place].load(ordering: .relaxed)
            return count > 0 ? (kind: kind, count: count) : nil
        }
    }

    var isUsed: Bool { answered.counts.total > 0 || !failed.isEmpty }
}

/// Connections of one transport, and their bytes.
package final class TransportMeter: Sendable {
    private let opened = Atomic<Int>(0)
    private let refused = Atomic<Int>(0)
    private let received = Atomic<Int>(0)
    private let sent = Atomic<Int>(0)

    func noteOpened() { opened.add(1, ordering: .relaxed) }
    func noteRefused() { refused.add(1, ordering: .relaxed) }
    func noteReceived(_ bytes: Int) { received.add(bytes, ordering: .relaxed) }
    func noteSent(_ bytes: Int) { sent.add(bytes, ordering: .relaxed) }

    typealias Figures = (opened: Int, refused: Int, received: Int, sent: Int)

    var figures: Figures {
        (
            opened: opened.load(ordering: .relaxed), refused: refused.load(ordering: .relaxed),
            received: received.load(ordering: .relaxed), sent: sent.load(ordering: .relaxed)
        )
    }
}
