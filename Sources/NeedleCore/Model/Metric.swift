/// How nearness of two vectors is measured. The raw values are part of the segment format: never change them.
package enum Metric: UInt8, Sendable, CaseIterable {
    /// Cosine of the angle, higher is better.
    case cosine = 1
    /// Inner product, higher is better.
    case dot = 2
    /// Euclidean distance (not squared), lower is better.
    case euclid = 3

    /// The name on the wire.
    package var name: String {
        switch self {
        case .cosine: "cosine"
        case .dot: "dot"
        case .euclid: "euclid"
        }
    }

    package init?(name: String) {
        guard let metric = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = metric
    }
}
