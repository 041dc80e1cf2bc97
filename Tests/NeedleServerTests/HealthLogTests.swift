import Logging
import NeedleCore
import NeedleServer
import Synchronization
import Testing

/// What ceases to be whole is said once, and so is its end.
@Suite struct HealthLogTests {
    /// Keeps the lines.
    private final class Lines: Sendable {
        let lines = Mutex<[String]>([])
        func take() -> [String] { lines.withLock { $0.exchange([]) } }
    }

    private struct Recorder: LogHandler {
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info
        let lines: Lines

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let values = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            lines.lines.withLock {
                $0.append("\(event.level.rawValue) \(event.message) \(values.joined(separator: " "))")
            }
        }
    }

    private let lines = Lines()
    private let health: HealthLog

    init() {
        let lines = lines
        health = HealthLog(Logger(label: "test") { _ in Recorder(lines: lines) })
    }

    private func look(_ state: CollectionState, _ reason: String? = nil) -> [String] {
        health.look(
            HealthReport(collections: [
                CollectionSummary(name: "a", points: 1, state: .ready),
                CollectionSummary(name: "b", points: 1, state: state, reason: reason),
            ]))
        return lines.take()
    }

    @Test func eachChangeIsSaidOnce() {
        #expect(look(.loading, "being opened").isEmpty)
        #expect(look(.ready).isEmpty)
        #expect(
            look(.degraded, "tried again in 5.3 s: no space")
                == [
                    "warning not whole reason=tried again in 5.3 s: no space state=degraded what=collection b"
                ])
        #expect(look(.degraded, "tried again in 2.1 s: no space").isEmpty, "only the numbers are others")
        #expect(look(.degraded, "a block is damaged").count == 1)
        #expect(look(.quarantined, "a block is damaged")[0].hasPrefix("error not whole"))
        #expect(look(.ready) == ["notice whole again, or gone what=collection b"])
        #expect(look(.ready).isEmpty)
    }

    @Test func damagedSnapshotsAreNamed() {
        health.look(
            HealthReport(collections: [], damagedSnapshots: [DamagedSnapshot(name: "s", reason: "r")]))
        #expect(lines.take() == ["error not whole reason=r state=quarantined what=snapshot s"])
        health.look(HealthReport(collections: []))
        #expect(lines.take() == ["notice whole again, or gone what=snapshot s"])
    }

    @Test func whatBecomesWorseIsSaidOnceToo() {
        func look(_ alerts: [QualityAlert], _ state: CollectionState = .ready) -> [String] {
            health.look(
                HealthReport(collections: [
                    CollectionSummary(name: "a", points: 1, state: state, alerts: alerts)
                ]))
            return lines.take()
        }
        let moved = QualityAlert(kind: .centroidShift, space: "", message: "0.75, 0.5 is allowed")
        let hubs = QualityAlert(kind: .hubness, space: "body", message: "7, 5 is allowed")
        #expect(
            look([moved, hubs]) == [
                "warning worse than is allowed reason=0.75, 0.5 is allowed state=alert "
                    + "what=centroid_shift of collection a",
                "warning worse than is allowed reason=7, 5 is allowed state=alert "
                    + "what=hubness of collection a, vectors body",
            ])
        var more = hubs
        more.message = "9, 5 is allowed"
        #expect(look([moved, more]).isEmpty, "only the numbers are others")
        #expect(
            look([moved]) == ["notice as it was before, or gone what=hubness of collection a, vectors body"])
        #expect(
            look([moved], .degraded).map { $0.prefix(17) } == ["warning not whole"], "one beside the other")
        #expect(
            look([], .degraded) == ["notice as it was before, or gone what=centroid_shift of collection a"])
        #expect(look([]) == ["notice whole again, or gone what=collection a"])
    }
}

extension Array {
    fileprivate mutating func exchange(_ other: [Element]) -> [Element] {
        defer { self = other }
        return self
    }
}
