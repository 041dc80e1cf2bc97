import NeedleVectors

/// How many of the rows that a traversal on codes finds are compared again by their original vectors. The one
/// place where this is decided.
enum RescoringDepth {
    /// - Parameters:
    ///   - wanted: rows wanted of the segment.
    ///   - oversampling: how many times as many somebody asked for, if so.
    static func depth(wanted: Int, kind: CodeKind, oversampling: Double?) -> Int {
        if let oversampling {
            return max(wanted, Int((Double(wanted) * oversampling).rounded(.up)))
        }
        switch kind {
        case .int8: return max(24, 2 * wanted)
        case .binary: return max(100, 10 * wanted)
        }
    }
}
