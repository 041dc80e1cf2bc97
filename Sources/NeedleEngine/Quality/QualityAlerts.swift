package import NeedleCore

// What is worth telling an operator: a figure that differs from the baseline's by more than the configuration allows.

extension QualityRecord {
    /// - Parameter space: its name.
    package func alerts(of space: String, _ options: QualityOptions) -> [QualityAlert] {
        guard let newest, let baseline else { return [] }
        let comparison = Comparison(now: newest.figures, then: baseline.figures, options: options)
        let sentences: [(QualityAlert.Kind, String?)] = [
            (.normDrift, comparison.normDrift), (.centroidShift, comparison.centroidShift),
            (.nearDuplicates, comparison.nearDuplicates), (.coherence, comparison.coherence),
            (.hubness, comparison.hubness), (.lowConfidence, comparison.lowConfidence),
            (.latency, comparison.latency),
        ]
        return sentences.compactMap { kind, sentence in
            sentence.map { QualityAlert(kind: kind, space: space, message: $0) }
        }
    }

    /// A sentence for each figure that is beyond its bound.
    private struct Comparison {
        let now: QualityMeasurement
        let then: QualityMeasurement
        let options: QualityOptions

        var normDrift: String? {
            guard options.normDrift > 0, then.norm > 0 else { return nil }
            let ratio = now.norm / then.norm
            guard abs(ratio - 1) > options.normDrift else { return nil }
            return "the vectors are \(rounded(ratio)) times as long as the baseline's"
        }

        var centroidShift: String? {
            guard options.centroidShift > 0, now.centroidShift > options.centroidShift else { return nil }
            return "the centre of the vectors has moved by \(rounded(now.centroidShift)) of their spread"
        }

        var nearDuplicates: String? {
            let rise = now.nearDuplicates - then.nearDuplicates
            guard options.nearDuplicates > 0, rise > options.nearDuplicates else { return nil }
            return "\(percent(now.nearDuplicates)) of the vectors have a near duplicate, "
                + "of the baseline's \(percent(then.nearDuplicates))"
        }

        var coherence: String? {
            let fall = then.coherence - now.coherence
            guard options.coherence > 0, fall > options.coherence else { return nil }
            return "neighbours are less alike: coherence \(rounded(now.coherence)), "
                + "the baseline's \(rounded(then.coherence))"
        }

        var hubness: String? {
            guard options.hubness > 0, now.hubness - then.hubness > options.hubness else { return nil }
            return "few vectors are near to many others: hubness \(rounded(now.hubness)), "
                + "the baseline's \(rounded(then.hubness))"
        }

        var lowConfidence: String? {
            guard options.lowConfidence > 0, let share = now.lowConfidence, share > options.lowConfidence
            else { return nil }
            return "\(percent(share)) of the queries found nothing as near as 95 % of the baseline's did"
        }

        var latency: String? {
            guard options.p99MS > 0, let latency = now.latency, Double(latency.p99) > options.p99MS * 1_000
            else { return nil }
            return "one of 100 searches took \(rounded(Double(latency.p99) / 1_000)) ms or more"
        }

        private func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }

        private func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }
    }
}
