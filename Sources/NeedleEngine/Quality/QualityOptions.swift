/// When the quality of vectors and answers is measured, and what is worth an alert. Defaults are those of
/// `config.example.toml`.
package struct QualityOptions: Sendable {
    /// Milliseconds between two measurements of a space; 0 measures nothing.
    package var intervalMS = 3_600_000
    /// Vectors that are looked at. A space of fewer is not measured: figures of different samples cannot be compared.
    package var sample = 1_000

    // What may change from the baseline without an alert; 0 for no alert.

    /// Share by which the mean length may differ.
    package var normDrift = 0.1
    /// See `QualityMeasurement.centroidShift`.
    package var centroidShift = 0.25
    /// Rise of the share of near duplicates.
    package var nearDuplicates = 0.1
    /// Fall of the coherence.
    package var coherence = 0.1
    /// Rise of the hubness.
    package var hubness = 3.0
    /// Share of queries that may find nothing better than the worst twentieth of the baseline's did.
    package var lowConfidence = 0.2
    /// Milliseconds that the slowest of 100 searches may take.
    package var p99MS = 0.0

    package init() {}
}
