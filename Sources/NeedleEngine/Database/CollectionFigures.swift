// What is watched of a collection from outside: figures that are at hand, so that asking every few seconds costs nothing.

package import NeedleCore

/// A collection at one moment.
package struct CollectionFigures: Sendable {
    package var name: String
    package var state: CollectionState
    /// Points that were not deleted; those that have expired count until a merge leaves them out.
    package var points = 0
    package var growingSegments = 0
    package var sealedSegments = 0
    package var growingBytes = 0
    package var sealedBytes = 0
    /// Bytes of log that a start would read. While a write is being committed it is what it was before.
    package var logBytes = 0
    package var spaces: [SpaceFigures] = []

    package init(name: String, state: CollectionState) {
        self.name = name
        self.state = state
    }
}

/// A vector space of it.
package struct SpaceFigures: Sendable {
    /// Empty for the only, unnamed space.
    package var name: String
    /// Share of the ten nearest that searches at the standard recall found, by rows of the segments that were measured;
    /// `nil` until one was.
    package var recall: Double?
    /// The newest measurement of its vectors and answers.
    package var quality: QualityMeasurement?
    package var alerts: [QualityAlert.Kind]

    package init(
        name: String, recall: Double? = nil, quality: QualityMeasurement? = nil,
        alerts: [QualityAlert.Kind] = []
    ) {
        self.name = name
        self.recall = recall
        self.quality = quality
        self.alerts = alerts
    }
}
