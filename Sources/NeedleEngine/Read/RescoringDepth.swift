import NeedleVectors

/// How many of the rows that a traversal on codes finds are compared again by their original vectors. The one
/// place where this is decided.
enum RescoringDepth {
    /// - Parameters:
    ///   - wanted: rows wanted of the segment.
    ///   - ef: width of the beam: who looks farther takes a second look at more, so that also where codes can
    ///     hardly tell rows apart a wider beam finds more.
    ///   - oversampling: how many times as many somebody asked for, if so.
    static func depth(wanted: Int, ef: Int, kind: CodeKind, oversampling: Double?) -> Int {
        if let oversampling {
            return max(wanted, Int((Double(wanted) * oversampling).rounded(.up)))
        }
        switch kind {
        case .int8: return max(24, 2 * wanted, ef / 4)
        case .binary: return max(100, 10 * wanted, ef / 2)
        }
    }
}
