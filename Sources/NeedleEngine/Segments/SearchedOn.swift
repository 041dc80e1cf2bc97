import NeedleVectors

/// What the traversal of a space computes on, as `collection.get` says it.
enum SearchedOn {
    /// - Parameter quantizer: of the graph; nil when it has none, or when there is no graph.
    static func name(of quantizer: Quantizer?) -> String {
        switch quantizer?.kind {
        case nil: "float32"
        case .int8: "int8"
        case .binary: "binary"
        }
    }
}
