import Glibc

/// The score of a row for the words of a query: Okapi BM25 (Robertson and Zaragoza, "The Probabilistic Relevance
/// Framework: BM25 and Beyond", 2009) with k1 = 1.2, b = 0.75 and the inverse document frequency of Lucene, which is
/// never negative:
///
///     Σ ln(1 + (N − df + 0.5) / (df + 0.5)) · (k1 + 1) · tf / (tf + k1 · (1 − b + b · length / average length))
///
/// Several fields: the sum of their scores. Sums are taken in the order of the slots, in double precision, and
/// given to float32 precision, so that a score does not depend on how a row was found. A value type; safe to share.
package struct BM25: Sendable {
    package static let k1 = 1.2
    package static let b = 0.75

    private let fieldOfSlot: [Int]
    private let weights: [Double]
    /// Of the slot's field.
    private let averageLengths: [Double]

    package init(_ query: KeywordQuery, _ statistics: KeywordStatistics) {
        var fieldOfSlot: [Int] = []
        for (number, field) in query.fields.enumerated() {
            fieldOfSlot += repeatElement(number, count: field.terms.count)
        }
        self.fieldOfSlot = fieldOfSlot
        averageLengths = fieldOfSlot.map { number in
            let field = statistics.fields[number]
            return field.documents > 0 ? Double(field.totalLength) / Double(field.documents) : 1
        }
        weights = statistics.documentFrequencies.enumerated().map { slot, frequency in
            let documents = Double(statistics.fields[fieldOfSlot[slot]].documents)
            let df = Double(frequency)
            return log(1 + (documents - df + 0.5) / (df + 0.5)) * (Self.k1 + 1)
        }
    }

    @inline(__always)
    private static func norm(_ length: Int, _ average: Double) -> Double {
        k1 * (1 - b + b * Double(length) / average)
    }

    /// What a term adds to the score of a row.
    @inline(__always)
    func contribution(slot: Int, frequency: UInt32, length: Int) -> Double {
        let tf = Double(frequency)
        return weights[slot] * tf / (tf + Self.norm(length, averageLengths[slot]))
    }

    /// What the rows of a block can be given at most by a term.
    func bound(slot: Int, block: PostingBlock) -> Double {
        var bound = 0.0
        if block.shortestOnce != .max {
            bound = contribution(slot: slot, frequency: 1, length: Int(block.shortestOnce))
        }
        if block.shortestMore != .max {
            let more = contribution(
                slot: slot, frequency: block.highestFrequency, length: Int(block.shortestMore))
            bound = max(bound, more)
        }
        return bound
    }

    /// The contribution but for rounding, faster for a single occurrence in a row that is not long.
    @inline(__always)
    func estimate(slot: Int, frequency: UInt32, length: Int, _ table: UnsafeBufferPointer<Double>) -> Double {
        if frequency == 1, length < table.count { return table[length] }
        return contribution(slot: slot, frequency: frequency, length: length)
    }

    /// What a single occurrence adds, by the row's length.
    func table(slot: Int) -> [Double] {
        (0..<256).map { contribution(slot: slot, frequency: 1, length: $0) }
    }

    /// The score as it is given and compared.
    static func reported(_ score: Double) -> Double { Double(Float(score)) }

    /// The score of a row that was read; 0 when it holds none of the words.
    package func score(_ row: ScannedRow) -> Double {
        var score = 0.0
        for (slot, frequency) in row.frequencies.enumerated() where frequency > 0 {
            let length = Int(row.lengths[fieldOfSlot[slot]])
            score += contribution(slot: slot, frequency: frequency, length: length)
        }
        return Self.reported(score)
    }
}
