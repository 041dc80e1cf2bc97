import NeedleCore
import NeedleEngine
import Testing

@Suite struct QualityRecordTests {
    private func figures(
        at: Int64 = 0, points: Int = 1_000, _ change: (inout QualityMeasurement) -> Void = { _ in }
    ) -> QualityMeasurement {
        var figures = QualityMeasurement(
            atMS: at, points: points, sampled: 1_000, norm: 1, normDeviation: 0.01, centroidShift: 0,
            nearDuplicates: 0.02, coherence: 0.5, hubness: 1.5, queries: 500, lowConfidence: 0.05,
            scoreGap: 0.1, latency: .init(p50: 100, p95: 200, p99: 900))
        change(&figures)
        return figures
    }

    private func reference(_ figures: QualityMeasurement, low: Double? = 0.3) -> QualityRecord.Reference {
        QualityRecord.Reference(figures: figures, centroid: [1, 0], spread: 1, lowScore: low)
    }

    private func alerts(
        options: QualityOptions = QualityOptions(), _ change: (inout QualityMeasurement) -> Void
    ) -> [QualityAlert] {
        var record = QualityRecord()
        record.add(reference(figures()))
        record.add(reference(figures(at: 1, change)))
        return record.alerts(of: "s", options)
    }

    // MARK: The baseline

    @Test func aCollectionThatIsBeingFilledGetsAnotherBaseline() {
        var record = QualityRecord()
        record.add(reference(figures(at: 0, points: 1_000)))
        record.add(reference(figures(at: 1, points: 1_900)))
        #expect(record.baseline?.figures.points == 1_000)
        record.add(reference(figures(at: 2, points: 2_000)))
        #expect(record.baseline?.figures.points == 2_000)
        record.add(reference(figures(at: 2 + QualityRecord.fillingMS, points: 9_000)))
        #expect(record.baseline?.figures.points == 2_000)
    }

    @Test func whatSearchesFoundJoinsTheBaselineWhenThereAreEnough() {
        var record = QualityRecord()
        record.add(reference(figures(), low: nil))
        record.add(reference(figures(at: 1), low: 0.4))
        record.add(reference(figures(at: 2), low: 0.6))
        #expect(record.baseline?.lowScore == 0.4)
        #expect(record.baseline?.figures.atMS == 0)
    }

    @Test func acceptingMakesTheNewestTheBaseline() {
        var record = QualityRecord()
        record.accept()
        #expect(record.baseline == nil)
        record.add(reference(figures()))
        record.add(reference(figures(at: 1) { $0.centroidShift = 2 }))
        #expect(record.alerts(of: "", QualityOptions()).map(\.kind) == [.centroidShift])
        record.accept()
        #expect(record.baseline?.figures.atMS == 1)
        #expect(record.alerts(of: "", QualityOptions()).isEmpty)
    }

    @Test func historyIsThinnedWhereItIsOld() {
        var record = QualityRecord()
        for hour in 0..<2_000 { record.add(reference(figures(at: Int64(hour)))) }
        let times = record.history.map(\.atMS)
        #expect(times.count < QualityRecord.most)
        #expect(times == times.sorted() && times.last == 1_999 && times.first == 0)
        #expect(times.suffix(100) == Array(1_900..<2_000))
    }

    // MARK: Alerts

    @Test func nothingIsSaidOfWhatIsAsItWas() {
        #expect(alerts { _ in }.isEmpty)
        #expect(QualityRecord().alerts(of: "", QualityOptions()).isEmpty)
        var record = QualityRecord()
        record.add(reference(figures { $0.nearDuplicates = 1 }))
        #expect(record.alerts(of: "", QualityOptions()).isEmpty)
    }

    @Test(arguments: QualityAlert.Kind.allCases)
    func eachFigureHasItsBound(_ kind: QualityAlert.Kind) {
        var options = QualityOptions()
        options.p99MS = 1
        func alerts(beyond: Bool) -> [QualityAlert] {
            self.alerts(options: options) { figures in
                switch kind {
                case .normDrift: figures.norm = beyond ? 0.89 : 0.91
                case .centroidShift: figures.centroidShift = beyond ? 0.26 : 0.24
                case .nearDuplicates: figures.nearDuplicates = beyond ? 0.13 : 0.11
                case .coherence: figures.coherence = beyond ? 0.39 : 0.41
                case .hubness: figures.hubness = beyond ? 4.6 : 4.4
                case .lowConfidence: figures.lowConfidence = beyond ? 0.21 : 0.19
                case .latency: figures.latency = .init(p50: 1, p95: 2, p99: beyond ? 1_001 : 999)
                }
            }
        }
        #expect(alerts(beyond: false).isEmpty)
        #expect(alerts(beyond: true).map(\.kind) == [kind])
        #expect(alerts(beyond: true).allSatisfy { $0.space == "s" && !$0.message.isEmpty })
    }

    @Test func aBoundOfZeroIsNone() {
        var options = QualityOptions()
        options.normDrift = 0
        options.centroidShift = 0
        options.nearDuplicates = 0
        options.coherence = 0
        options.hubness = 0
        options.lowConfidence = 0
        let found = alerts(options: options) { figures in
            figures.norm = 7
            figures.centroidShift = 3
            figures.nearDuplicates = 1
            figures.coherence = 0
            figures.hubness = 90
            figures.lowConfidence = 1
            figures.latency = .init(p50: 1, p95: 1, p99: .max)
        }
        #expect(found.isEmpty)
    }
}
