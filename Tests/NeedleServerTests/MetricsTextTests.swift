import NeedleCore
import NeedleEngine
import NeedleServer
import Testing

/// The text format, and what is shown of collections.
@Suite struct MetricsTextTests {
    private func text(_ family: MetricFamily, _ samples: (inout MetricsText.Samples) -> Void) -> String {
        var text = MetricsText()
        text.family(family, samples)
        return String(decoding: text.bytes, as: UTF8.self)
    }

    private func family(_ name: String) throws -> MetricFamily {
        try #require(MetricFamily.all.first { $0.name == "needletail_\(name)" })
    }

    @Test func samplesAreWrittenAsTheFormatSays() throws {
        let text = try text(family("memory_bytes")) { samples in
            samples.add([], 7)
            samples.add([(name: "purpose", value: "a\"b\\c\nd")], 0.5)
            samples.add([(name: "purpose", value: "x"), (name: "kind", value: "")], -.infinity)
            samples.add([(name: "purpose", value: "nan")], .nan)
        }
        #expect(
            text == """
                # HELP needletail_memory_bytes Memory by what it is for.
                # TYPE needletail_memory_bytes gauge
                needletail_memory_bytes 7
                needletail_memory_bytes{purpose="a\\"b\\\\c\\nd"} 0.5
                needletail_memory_bytes{purpose="x",kind=""} -Inf
                needletail_memory_bytes{purpose="nan"} NaN

                """)
        #expect(try ParsedMetrics(text).families.count == 1)
    }

    @Test func histogramsAreCumulative() throws {
        let meter = DurationMeter()
        let microseconds: [UInt64] = [0, 31, 32, 63, 64, 1_000, 5_000_000, 100_000_000]
        for value in microseconds { meter.add(nanoseconds: value * 1_000 + 999) }
        let text = try text(family("log_sync_duration_seconds")) { $0.add([], meter) }
        let metrics = try ParsedMetrics(text)
        func below(_ bound: String) -> Double {
            metrics["needletail_log_sync_duration_seconds_bucket", ["le": bound]]
        }
        #expect(below("3.2e-05") == 2 && below("6.4e-05") == 4 && below("0.000128") == 5)
        #expect(below("0.001024") == 6 && below("4.194304") == 6 && below("8.388608") == 7)
        #expect(below("67.108864") == 7 && below("+Inf") == 8)
        #expect(metrics["needletail_log_sync_duration_seconds_count"] == 8)
        let sum = Double(microseconds.reduce(0, +)) / 1e6 + 8 * 999e-9
        #expect(abs(metrics["needletail_log_sync_duration_seconds_sum"] - sum) < 1e-6)
    }

    @Test func everyFamilyIsNamedAsConventionSays() {
        for family in MetricFamily.all {
            #expect(family.name.wholeMatch(of: /needletail_[a-z][a-z_]*[a-z]/) != nil, "\(family.name)")
            #expect((family.kind == .counter) == family.name.hasSuffix("_total"), "\(family.name)")
            #expect(family.help.hasSuffix(".") && !family.help.contains("\n"), "\(family.name)")
        }
        #expect(Set(MetricFamily.all.map(\.name)).count == MetricFamily.all.count)
    }

    /// The reader that the other tests trust refuses what is wrong.
    @Test(arguments: [
        "needletail_x 1\n", "# HELP needletail_x Y.\nneedletail_x 1\n",
        "# HELP needletail_x Y.\n# TYPE needletail_x gauge\nneedletail_y 1\n",
        "# HELP needletail_x Y.\n# TYPE needletail_x gauge\nneedletail_x one\n",
        "# HELP needletail_x Y.\n# TYPE needletail_x gauge\nneedletail_x 1\nneedletail_x 1\n",
        "# HELP needletail_x Y.\n# TYPE needletail_x gauge\nneedletail_x{a=\"b} 1\n",
        "# HELP needletail_x Y.\n# TYPE needletail_x gauge\nneedletail_x{a=\"b\\c\"} 1\n",
        "# HELP needletail_x Y.\n# TYPE needletail_x gauge\nneedletail_x{a=\"1\",a=\"2\"} 1\n",
        "# HELP needletail_x Y.\n# TYPE needletail_x gauge\nneedletail_x 1",
        "# HELP needletail_x Y.\n# TYPE needletail_x counter\nneedletail_x 1\n",
        "# HELP needletail_x Y.\n# TYPE needletail_x histogram\nneedletail_x_bucket{le=\"1\"} 1\n",
        """
        # HELP needletail_x Y.
        # TYPE needletail_x histogram
        needletail_x_bucket{le="1"} 2
        needletail_x_bucket{le="+Inf"} 1
        needletail_x_sum 1
        needletail_x_count 1

        """,
        """
        # HELP needletail_x Y.
        # TYPE needletail_x histogram
        needletail_x_bucket{le="1"} 1
        needletail_x_bucket{le="+Inf"} 2
        needletail_x_sum 1
        needletail_x_count 3

        """,
    ])
    func theReaderIsStrict(_ text: String) {
        #expect(throws: ParsedMetrics.Failure.self) { try ParsedMetrics(text) }
    }

    // MARK: Collections

    private func series(_ figures: [CollectionFigures], limit: Int) throws -> ParsedMetrics {
        var text = MetricsText()
        CollectionSeries(figures, limit: limit).add(to: &text)
        return try ParsedMetrics(String(decoding: text.bytes, as: UTF8.self))
    }

    private static func measurement() -> QualityMeasurement {
        QualityMeasurement(
            atMS: 1_700_000_000_500, points: 10, sampled: 5, norm: 1.5, normDeviation: 0.1,
            centroidShift: 0.25,
            nearDuplicates: 0.125, coherence: 0.5, hubness: 3, queries: 0)
    }

    @Test func figuresOfSpacesAreShown() throws {
        var figures = CollectionFigures(name: "docs", state: .ready)
        figures.spaces = [
            SpaceFigures(name: "", recall: 0.98),
            SpaceFigures(name: "body", quality: Self.measurement(), alerts: [.hubness]),
        ]
        let metrics = try series([figures], limit: 10)
        func value(_ name: String, _ space: String) -> Double {
            metrics["needletail_\(name)", ["collection": "docs", "space": space]]
        }
        #expect(value("recall_ratio", "") == 0.98)
        #expect(value("quality_norm", "body") == 1.5 && value("quality_centroid_shift", "body") == 0.25)
        #expect(
            value("quality_near_duplicates_ratio", "body") == 0.125 && value("quality_hubness", "body") == 3)
        #expect(value("quality_measured_timestamp_seconds", "body") == 1_700_000_000.5)
        // What was not measured is not there.
        #expect(metrics.families["needletail_recall_ratio"]?.samples.count == 1)
        #expect(metrics.families["needletail_quality_norm"]?.samples.count == 1)
        #expect(metrics.families["needletail_quality_low_confidence_ratio"]?.samples.isEmpty == true)
        let alert = ["collection": "docs", "space": "body", "kind": "hubness"]
        #expect(metrics["needletail_quality_alerts", alert] == 1)
        #expect(metrics.families["needletail_quality_alerts"]?.samples.count == 1)
    }

    @Test func spacesAreBoundedToo() throws {
        let figures = ["a", "b"].map { name in
            var figures = CollectionFigures(name: name, state: .ready)
            figures.spaces = (0..<5).map { SpaceFigures(name: "s\($0)", recall: 0.9) }
            return figures
        }
        #expect(try series(figures, limit: 3).families["needletail_recall_ratio"]?.samples.count == 3)
        #expect(try series(figures, limit: 0).families["needletail_recall_ratio"]?.samples.isEmpty == true)
    }

    @Test func collectionsThatAreNotOpenHaveNoFigures() throws {
        let figures = [
            CollectionFigures(name: "a", state: .loading), CollectionFigures(name: "b", state: .degraded),
            CollectionFigures(name: "c", state: .quarantined),
        ]
        let metrics = try series(figures, limit: 10)
        #expect(
            metrics.families["needletail_collection_points"]?.samples.map(\.labels) == [["collection": "b"]])
        for state in ["loading", "degraded", "quarantined"] {
            #expect(metrics["needletail_collections", ["state": state]] == 1)
        }
    }
}
