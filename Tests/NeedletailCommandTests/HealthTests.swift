import NeedleClient
import NeedletailCommand
import Testing

@Suite("Health: the report on quality, and the overview")
struct HealthTests {
    private static let hour = 3_600_000
    private static let start = 1_795_323_600_000

    private func measurement(
        hour: Int = 0, points: Int = 2000, shift: Double = 0, duplicates: Double = 0.0125
    ) -> QualityMeasurement {
        QualityMeasurement(
            atMS: Self.start + hour * Self.hour, points: points, sampled: 1000, norm: 1, normDeviation: 0,
            centroidShift: shift, nearDuplicates: duplicates, coherence: 0.25, hubness: -1.5, queries: 0)
    }

    private func busy(hour: Int) -> QualityMeasurement {
        var busy = measurement(hour: hour, points: 3000, shift: 0.75, duplicates: 0.025)
        busy.norm = 1.25
        busy.queries = 1234
        (busy.lowConfidence, busy.scoreGap) = (0.125, 0.5)
        busy.latency = QualityMeasurement.Latency(p50: 412, p95: 1234, p99: 2_500_000)
        return busy
    }

    private func report(_ spaces: [SpaceQuality], points: Int = 2000) -> QualityReport {
        QualityReport(collection: "docs", points: points, spaces: spaces)
    }

    /// The cells of the row that begins with `measure`.
    private func row(_ measure: String, in lines: [String]) throws -> [Substring] {
        let line = try #require(lines.first { $0.hasPrefix(measure + " ") }, "\(lines)")
        return line.dropFirst(measure.count).split(separator: "  ").map { $0.drop { $0 == " " } }
            .filter { !$0.isEmpty }
    }

    // MARK: Nothing measured

    @Test("Nothing measured yet is said plainly, with the reason")
    func nothing() {
        let few = report([], points: 12)
        #expect(!few.isMeasured)
        #expect(
            few.lines(width: 80) == [
                "collection  docs",
                "nothing was measured yet: spaces are measured in idle time, about once an hour, "
                    + "from 1,000 vectors on; it has 12 points",
            ])
        let many = report([SpaceQuality(space: "")], points: 1000)
        #expect(!many.isMeasured && many.accepted.isEmpty)
        #expect(many.lines(width: nil).last?.contains("has not been idle for long enough") == true)
    }

    @Test("Of two spaces one may be measured")
    func twoSpaces() throws {
        let first = measurement()
        let lines = report([
            SpaceQuality(space: "title"), SpaceQuality(space: "body", baseline: first, history: [first]),
        ]).lines(width: nil)
        let title = try #require(lines.firstIndex(of: "vectors title"))
        #expect(lines[title + 1].hasPrefix("nothing was measured yet: it has fewer than 1,000 vectors"))
        let body = try #require(lines.firstIndex(of: "vectors body"))
        #expect(lines[body + 1] == "measured    once, 2026-11-22 05:00 UTC")
        #expect(lines[title - 1].isEmpty && lines[body - 1].isEmpty)
        #expect(lines.count { $0.hasPrefix("MEASURE") } == 1)
    }

    // MARK: The table

    @Test("One measurement is its own baseline; what is not known is a dash")
    func oneRow() throws {
        let first = measurement()
        let lines = report([SpaceQuality(space: "", baseline: first, history: [first])]).lines(width: nil)
        #expect(
            lines.prefix(6) == [
                "collection  docs", "", "vectors", "measured    once, 2026-11-22 05:00 UTC",
                "baseline    2026-11-22 05:00 UTC", "sample      1,000 vectors",
            ])
        #expect(try row("points", in: lines) == ["2,000", "2,000", "0.0 %", "▄"])
        #expect(try row("norm deviation", in: lines) == ["0.0000", "0.0000", "0.0 %", "▄"])
        #expect(try row("near-duplicates", in: lines) == ["1.25 %", "1.25 %", "0.00 pp", "▄"])
        #expect(try row("hubness", in: lines) == ["-1.500", "-1.500", "0.000", "▄"])
        for unknown in ["low confidence", "score gap", "latency p50", "latency p95", "latency p99"] {
            #expect(try row(unknown, in: lines) == ["–", "–", "–", "–"])
        }
        #expect(lines.last == "no alerts")
    }

    @Test("Now and the baseline side by side, with the change in each measure's own terms")
    func changes() throws {
        let history = [measurement(), busy(hour: 30)]
        let space = SpaceQuality(space: "", baseline: history[0], history: history)
        let lines = report([space]).lines(width: nil)
        #expect(
            lines[3] == "measured    first 2026-11-22 05:00 UTC, last 2026-11-23 11:00 UTC, 2 kept")
        #expect(try row("points", in: lines) == ["2,000", "3,000", "+50.0 %", "▁█"])
        #expect(try row("norm", in: lines) == ["1.0000", "1.2500", "+25.0 %", "▁█"])
        #expect(try row("centroid shift", in: lines) == ["0.000", "0.750", "+0.750", "▁█"])
        #expect(try row("near-duplicates", in: lines) == ["1.25 %", "2.50 %", "+1.25 pp", "▁█"])
        #expect(try row("coherence", in: lines) == ["0.250", "0.250", "0.000", "▄▄"])
        #expect(
            try row("queries", in: lines) == ["0", "1,234", "–", "▁█"], "nothing is a share of no queries")
        #expect(try row("low confidence", in: lines) == ["–", "12.50 %", "–", "·▄"])
        #expect(try row("latency p50", in: lines) == ["–", "412 µs", "–", "·▄"])
        #expect(try row("latency p95", in: lines) == ["–", "1.23 ms", "–", "·▄"])
        #expect(try row("latency p99", in: lines) == ["–", "2.50 s", "–", "·▄"])
        let back = report([SpaceQuality(space: "", baseline: history[1], history: [history[0]])])
        #expect(try row("points", in: back.lines(width: nil)) == ["3,000", "2,000", "-33.3 %", "▄"])
        let none = report([SpaceQuality(space: "", history: history)]).lines(width: nil)
        #expect(try row("points", in: none) == ["–", "3,000", "–", "▁█"])
        #expect(!none.contains { $0.hasPrefix("baseline ") })
    }

    @Test("Alerts mark their rows and say what is wrong below")
    func alerts() throws {
        let history = [measurement(), busy(hour: 1)]
        let alerts = [
            QualityAlert(kind: "centroid_shift", space: "", message: "moved\u{1B}[2J by 0.75"),
            QualityAlert(kind: "latency", space: "", message: "slower"),
            QualityAlert(kind: "of a newer server", space: "", message: "else"),
        ]
        let space = SpaceQuality(space: "", baseline: history[0], history: history, alerts: alerts)
        let lines = report([space]).lines(width: nil)
        #expect(lines.suffix(3) == ["! moved\u{FFFD}[2J by 0.75", "! slower", "! else"])
        #expect(
            lines.filter { $0.contains(" ! ") }.map { $0.prefix(14) } == [
                "centroid shift", "latency p50 ! ", "latency p95 ! ", "latency p99 ! ",
            ])
        let marked = report([space]).lines(width: nil, style: .ansi).filter { $0.hasPrefix("\u{1B}[31m") }
        #expect(marked.count == 7 && marked.allSatisfy { $0.hasSuffix("\u{1B}[0m") })
    }

    @Test("The plot takes what room there is, and goes first; figures stay whole", arguments: 20...140)
    func narrow(width: Int) throws {
        let history = (0..<500).map { busy(hour: $0) }
        let space = SpaceQuality(space: "", baseline: history[0], history: history)
        let lines = report([space]).lines(width: width)
        let heading = try #require(lines.firstIndex { $0.hasPrefix("MEASURE") })
        let table = lines[heading...].prefix(14)
        let widest = table.map { DisplayWidth.of($0) }.max() ?? 0
        #expect(widest <= max(width, 8 + 3 * 2 + 3 * 8), "\(table)")
        #expect(table.allSatisfy { $0.contains("2.50 s") || !$0.hasPrefix("latency p99") })
        let hasPlot = table.contains { $0.contains("▄") }
        #expect(hasPlot == lines[heading].contains("HISTORY"))
        if hasPlot { #expect((8...48).contains(table.map { $0.count { $0 == "▄" } }.max() ?? 0)) }
        if width >= 100 { #expect(table.contains { $0.count { $0 == "▄" } == 48 }) }
        if width <= 40 { #expect(!hasPlot) }
    }

    @Test("What accepting did, space by space")
    func accepted() {
        let spaces = [
            SpaceQuality(space: "", baseline: busy(hour: 1), history: [measurement(), busy(hour: 1)]),
            SpaceQuality(space: "small"),
            SpaceQuality(space: "body", baseline: measurement(), history: [measurement()]),
        ]
        #expect(
            report(spaces).accepted == [
                "baseline of docs: the measurement of 2026-11-22 06:00 UTC",
                "baseline of docs, vectors body: the measurement of 2026-11-22 05:00 UTC",
            ])
    }

    // MARK: The plot

    @Test(
        "Histories as blocks",
        arguments: [
            ([], 8, ""), ([nil, nil], 8, ""), ([1], 8, "▄"), ([0, 0, 0], 8, "▄▄▄"),
            ([0, 1, 2, 3, 4, 5, 6, 7], 8, "▁▂▃▄▅▆▇█"), ([-1, 1], 8, "▁█"), ([1, nil, 2], 8, "▁·█"),
            ([0, 2, 4, 4, nil, nil], 3, "▁█·"), ([1000, 1000.5, 1000], 8, "▄▄▄"), ([1, 2], 0, ""),
        ] as [([Double?], Int, String)])
    func sparkline(values: [Double?], width: Int, text: String) {
        #expect(Sparkline.text(values, width: width) == text)
    }

    @Test("Thinning keeps the mean of everything and never widens", arguments: 1...60)
    func thinning(count: Int) {
        let values = (0..<count).map { Double($0 * $0 % 17) }
        for width in 1...48 {
            let cells = Sparkline.thinned(values, to: width)
            #expect(cells.count == min(count, width))
            if count % width == 0 {
                let mean = cells.compactMap { $0 }.reduce(0, +) / Double(cells.count)
                #expect((mean - values.reduce(0, +) / Double(count)).magnitude < 1e-9)
            }
            #expect(cells.allSatisfy { ($0 ?? -1) >= 0 })
        }
    }

    @Test("Moments and durations")
    func figures() {
        #expect(Moment.text(milliseconds: 0) == "1970-01-01 00:00 UTC")
        #expect(Moment.text(milliseconds: 951_782_399_999) == "2000-02-28 23:59 UTC")
        #expect(Moment.text(milliseconds: .max) == "292278994-08-17 07:12 UTC")
        #expect(
            [0, 999, 1000, 999_994, 1_000_000].map(Numbers.microseconds)
                == ["0 µs", "999 µs", "1.00 ms", "999.99 ms", "1.00 s"])
    }

    // MARK: The overview

    @Test("All collections: a line each, what has become worse and what is damaged below")
    func overview() {
        let alert = QualityAlert(kind: "hubness", space: "body", message: "7.1, and 5 is allowed")
        let health = ServerHealth(
            status: "degraded",
            collections: [
                .init(name: "docs", state: "ready", alerts: [alert]),
                .init(name: "日本", state: "quarantined", reason: "its MANIFEST\nis damaged"),
            ], damagedSnapshots: ["d-9": "cut short", "c-7": "checksum"])
        #expect(
            HealthOverview(health).lines(width: nil) == [
                "COLLECTION  STATE        ALERTS  REASON", "docs        ready             1  –",
                "日本        quarantined       –  its MANIFEST is damaged",
                "! docs, vectors body: 7.1, and 5 is allowed", "! snapshot c-7 is damaged: checksum",
                "! snapshot d-9 is damaged: cut short",
            ])
        #expect(
            HealthOverview(health).json.map(\.description) == [
                #"{"collection":"docs","state":"ready","reason":null,"alerts":[{"kind":"hubness","#
                    + #""space":"body","message":"7.1, and 5 is allowed"}]}"#,
                #"{"collection":"日本","state":"quarantined","reason":"its MANIFEST\nis damaged","alerts":[]}"#,
                #"{"snapshot":"c-7","state":"damaged","reason":"checksum"}"#,
                #"{"snapshot":"d-9","state":"damaged","reason":"cut short"}"#,
            ])
    }

    @Test("What there is nothing of has no column")
    func quietOverview() {
        let health = ServerHealth(status: "ok", collections: [.init(name: "docs", state: "ready")])
        #expect(HealthOverview(health).lines(width: 80) == ["COLLECTION  STATE", "docs        ready"])
        #expect(HealthOverview(ServerHealth(status: "ok", collections: [])).lines(width: 80).isEmpty)
    }
}
