import NeedleVectors

/// How many of the rows that a traversal on codes finds are compared again by their original vectors. The one
/// place where this is decided.
///
/// Measured on 62,666 MiniLM vectors of 384 dimensions, ten wanted (`recall-benchmark FILE --quantization KIND
/// --rescore DEPTH`). int8, ef 64: 10 rescored give a recall of 0.961, 16 to 48 give 0.970, so 24 leaves room for
/// harder data. binary, ef 200: 24 give 0.900, 100 give 0.987, 200 give 0.991, at 5 % more time than 100; with a
/// beam of 400 and 100 rescored 0.991 takes half as long again.
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
        case .binary: return max(100, 10 * wanted, ef)
        }
    }
}
