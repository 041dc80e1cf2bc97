package import NeedleCore
import Synchronization

/// What the searches of a space found, and how long they took, since somebody last asked. Safe to use from any thread.
///
/// A search pays one addition, and another with a sample's lock that it does not wait for.
package final class AnswerWatch: Sendable {
    /// Fewer searches than this say nothing.
    package static let fewest = 100
    private static let most = 1_024

    package let latency = LatencyHistogram()
    private let sample: Mutex<Sample>

    private struct Sample {
        var generator: SeededGenerator
        var answers: [Answer] = []
        var seen = 0
    }

    /// Of one search. Better is higher, whatever the metric.
    private struct Answer {
        var best: Double
        var gap: Double
    }

    package init(seed: UInt64) {
        sample = Mutex(Sample(generator: SeededGenerator(seed: seed)))
    }

    /// Shows it the answer to a search by vectors alone, without a filter.
    package func note(_ hits: [SearchHit], metric: Metric) {
        guard let first = hits.first, let last = hits.prefix(10).last else { return }
        let sign: Double = metric == .euclid ? -1 : 1
        let answer = Answer(best: sign * first.score, gap: sign * (first.score - last.score))
        // A sample may miss some; a search waits for nobody.
        _ = sample.withLockIfAvailable { sample in
            sample.seen += 1
            guard sample.answers.count == Self.most else { return sample.answers.append(answer) }
            // Every answer of the time is as likely to stay (Vitter, 1985).
            let place = Int.random(in: 0..<sample.seen, using: &sample.generator)
            if place < Self.most { sample.answers[place] = answer }
        }
    }

    /// Everything since this was last asked.
    ///
    /// - Parameter lowScore: what only a twentieth of the baseline's searches did worse than.
    package func take(lowScore: Double?) -> AnswerFigures {
        let counts = latency.take()
        let (answers, seen) = sample.withLock { sample in
            defer { (sample.answers, sample.seen) = ([], 0) }
            return (sample.answers, sample.seen)
        }
        var figures = AnswerFigures(queries: seen)
        if let p50 = counts.quantile(0.5), let p95 = counts.quantile(0.95), let p99 = counts.quantile(0.99) {
            figures.latency = QualityMeasurement.Latency(p50: p50, p95: p95, p99: p99)
        }
        guard answers.count >= Self.fewest else { return figures }
        let best = answers.map(\.best).sorted()
        let low = lowScore ?? best[best.count / 20]
        figures.lowScore = best[best.count / 20]
        figures.lowConfidence = Double(best.count { $0 < low }) / Double(best.count)
        figures.scoreGap = answers.map(\.gap).sorted()[answers.count / 2]
        return figures
    }
}

/// What a watch has seen in some time; `nil` for too little.
package struct AnswerFigures {
    package var queries: Int
    /// What a twentieth did worse than. Better is higher, whatever the metric.
    package var lowScore: Double?
    package var lowConfidence: Double?
    package var scoreGap: Double?
    package var latency: QualityMeasurement.Latency?
}
