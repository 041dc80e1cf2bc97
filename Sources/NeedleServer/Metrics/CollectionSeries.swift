// Figures by collection. Collections are made by users, and each series costs whoever stores it, so only so many get
// series of their own: the first by name. What the others have is added up under `.other`, a name that no collection
// can have; figures that cannot be added up are left out for them.

import NeedleCore
package import NeedleEngine

package struct CollectionSeries: Sendable {
    package static let other = ".other"

    private let all: [CollectionFigures]
    /// Those with series of their own, and one for the rest if there is any.
    private let shown: [CollectionFigures]
    private let spaces: [(collection: String, space: SpaceFigures)]

    /// - Parameters:
    ///   - figures: by name.
    ///   - limit: collections with series of their own, and as many of their spaces.
    package init(_ figures: [CollectionFigures], limit: Int) {
        all = figures
        let named = figures.prefix(limit)
        let rest = figures.dropFirst(limit)
        shown = Array(named) + (rest.isEmpty ? [] : [Self.sum(Array(rest))])
        let spaces = named.flatMap { figures in
            figures.spaces.map { (collection: figures.name, space: $0) }
        }
        self.spaces = Array(spaces.prefix(limit))
    }

    private static func sum(_ figures: [CollectionFigures]) -> CollectionFigures {
        var sum = CollectionFigures(name: other, state: .ready)
        for one in figures {
            sum.points += one.points
            sum.growingSegments += one.growingSegments
            sum.sealedSegments += one.sealedSegments
            sum.growingBytes += one.growingBytes
            sum.sealedBytes += one.sealedBytes
            sum.logBytes += one.logBytes
        }
        return sum
    }

    package func add(to text: inout MetricsText) {
        text.family(.collections) { samples in
            for state in [CollectionState.ready, .loading, .degraded, .quarantined] {
                samples.add([(name: "state", value: state.rawValue)], all.count { $0.state == state })
            }
        }
        byCollection(.points, &text) { $0.points }
        byKind(.segments, &text, growing: { $0.growingSegments }, sealed: { $0.sealedSegments })
        byKind(.segmentBytes, &text, growing: { $0.growingBytes }, sealed: { $0.sealedBytes })
        byCollection(.logBytes, &text) { $0.logBytes }
        bySpace(.recall, &text) { $0.recall }
        bySpace(.qualityNorm, &text) { $0.quality?.norm }
        bySpace(.qualityShift, &text) { $0.quality?.centroidShift }
        bySpace(.qualityDuplicates, &text) { $0.quality?.nearDuplicates }
        bySpace(.qualityCoherence, &text) { $0.quality?.coherence }
        bySpace(.qualityHubness, &text) { $0.quality?.hubness }
        bySpace(.qualityLowConfidence, &text) { $0.quality?.lowConfidence }
        bySpace(.qualityScoreGap, &text) { $0.quality?.scoreGap }
        bySpace(.qualityMeasured, &text) { $0.quality.map { Double($0.atMS) / 1_000 } }
        addAlerts(&text)
    }

    private func byCollection(
        _ family: MetricFamily, _ text: inout MetricsText, _ value: (CollectionFigures) -> Int
    ) {
        text.family(family) { samples in
            for one in shown where Self.isOpen(one) { samples.add([Self.label(one.name)], value(one)) }
        }
    }

    private func byKind(
        _ family: MetricFamily, _ text: inout MetricsText, growing: (CollectionFigures) -> Int,
        sealed: (CollectionFigures) -> Int
    ) {
        text.family(family) { samples in
            for one in shown where Self.isOpen(one) {
                samples.add([Self.label(one.name), (name: "kind", value: "growing")], growing(one))
                samples.add([Self.label(one.name), (name: "kind", value: "sealed")], sealed(one))
            }
        }
    }

    private func bySpace(
        _ family: MetricFamily, _ text: inout MetricsText, _ value: (SpaceFigures) -> Double?
    ) {
        text.family(family) { samples in
            for (collection, space) in spaces {
                guard let value = value(space) else { continue }
                samples.add([Self.label(collection), (name: "space", value: space.name)], value)
            }
        }
    }

    private func addAlerts(_ text: inout MetricsText) {
        text.family(.qualityAlerts) { samples in
            for (collection, space) in spaces {
                for kind in QualityAlert.Kind.allCases where space.alerts.contains(kind) {
                    let labels = [Self.label(collection), (name: "space", value: space.name)]
                    samples.add(labels + [(name: "kind", value: kind.rawValue)], 1)
                }
            }
        }
    }

    private static func label(_ collection: String) -> (name: String, value: String) {
        (name: "collection", value: collection)
    }

    /// Of one that is not, nothing is known.
    private static func isOpen(_ figures: CollectionFigures) -> Bool {
        figures.state == .ready || figures.state == .degraded
    }
}
