import NeedleCore

/// What is known of the rows of one window while it is searched.
private final class WindowMemory {
    static let size = 2048

    // SAFETY: allocated for the object's life; indices are rows less the window's start, below `size`.
    let estimates: UnsafeMutablePointer<Double>
    /// Bits of the rows that have an estimate.
    let touched: UnsafeMutablePointer<UInt64>
    /// Of each term and row.
    let frequencies: UnsafeMutablePointer<UInt32>
    private let terms: Int

    init(terms: Int) {
        self.terms = terms
        estimates = .allocate(capacity: Self.size)
        estimates.initialize(repeating: 0, count: Self.size)
        touched = .allocate(capacity: Self.size / 64)
        touched.initialize(repeating: 0, count: Self.size / 64)
        frequencies = .allocate(capacity: Self.size * terms)
        frequencies.initialize(repeating: 0, count: Self.size * terms)
    }

    deinit {
        estimates.deallocate()
        touched.deallocate()
        frequencies.deallocate()
    }

    func frequency(_ term: Int, _ place: Int) -> UnsafeMutablePointer<UInt32> {
        frequencies + (term * Self.size + place)
    }

    func clear(_ place: Int) {
        estimates[place] = 0
        for term in 0..<terms { frequency(term, place).pointee = 0 }
    }
}

extension KeywordSearch {
    /// Searches rows window by window.
    mutating func scan(
        _ rows: Range<Int>, _ cursors: [TermCursor], _ admission: Admission
    ) throws(DatabaseError) {
        let memory = WindowMemory(terms: cursors.count)
        let tables = cursors.map { scores.table(slot: $0.slot) }
        var start = rows.lowerBound
        while start < rows.upperBound {
            try context.check()
            let window = start..<min(start + WindowMemory.size, rows.upperBound)
            if let plan = WindowPlan(cursors, window, scores, bar: bar) {
                for term in plan.essential {
                    try collect(term, cursors[term], tables[term], window, memory)
                }
                try examine(window, plan, cursors, memory, admission)
            }
            start = window.upperBound
        }
    }

    /// Sums below this cannot enter. A little lower than the threshold, since scores are rounded to float32 and
    /// estimates are summed in another order.
    private var bar: Double {
        let threshold = best.threshold
        return threshold == -.infinity ? threshold : Double(Float(threshold).nextDown) * (1 - 1e-9)
    }

    /// Adds what a term gives to the rows of a window.
    private func collect(
        _ term: Int, _ cursor: TermCursor, _ table: [Double], _ window: Range<Int>, _ memory: WindowMemory
    ) throws(DatabaseError) {
        let (estimates, touched) = (memory.estimates, memory.touched)
        let frequencies = memory.frequency(term, 0)
        let (scores, slot, start) = (scores, cursor.slot, window.lowerBound)
        try table.withUnsafeBufferPointer { table throws(DatabaseError) in
            try cursor.forEach(in: window) { row, frequency, length in
                let place = row - start
                estimates[place] += scores.estimate(slot: slot, frequency: frequency, length: length, table)
                touched[place >> 6] |= 1 << UInt64(place & 63)
                frequencies[place] = frequency
            }
        }
    }

    /// Offers the rows of a window whose sum can be high enough.
    private mutating func examine(
        _ window: Range<Int>, _ plan: WindowPlan, _ cursors: [TermCursor], _ memory: WindowMemory,
        _ admission: Admission
    ) throws(DatabaseError) {
        var bar = bar
        for word in 0..<(window.count + 63) / 64 {
            var bits = memory.touched[word]
            memory.touched[word] = 0
            while bits != 0 {
                let place = word << 6 | bits.trailingZeroBitCount
                bits &= bits - 1
                if memory.estimates[place] + plan.otherBound >= bar {
                    try examine(window.lowerBound + place, place, plan, cursors, memory, admission, bar)
                    bar = self.bar
                }
                memory.clear(place)
            }
        }
    }

    private mutating func examine(
        _ row: Int, _ place: Int, _ plan: WindowPlan, _ cursors: [TermCursor], _ memory: WindowMemory,
        _ admission: Admission, _ bar: Double
    ) throws(DatabaseError) {
        if let restriction = admission.restriction, !restriction.contains(UInt32(row)) { return }
        var estimate = memory.estimates[place]
        var rest = plan.otherBound
        for (term, bound) in plan.others {
            guard estimate + rest >= bar else { return }
            rest -= bound
            let cursor = cursors[term]
            let frequency = try cursor.frequency(of: row)
            guard frequency > 0 else { continue }
            memory.frequency(term, place).pointee = frequency
            estimate += scores.contribution(
                slot: cursor.slot, frequency: frequency, length: cursor.length(of: row))
        }
        guard estimate >= bar else { return }
        try offer(row, place, cursors, memory, admission)
    }

    /// The sum in the order of the slots.
    private mutating func offer(
        _ row: Int, _ place: Int, _ cursors: [TermCursor], _ memory: WindowMemory, _ admission: Admission
    ) throws(DatabaseError) {
        var sum = 0.0
        for (term, cursor) in cursors.enumerated() {
            let frequency = memory.frequency(term, place).pointee
            guard frequency > 0 else { continue }
            sum += scores.contribution(
                slot: cursor.slot, frequency: frequency, length: cursor.length(of: row))
        }
        let score = BM25.reported(sum)
        guard score >= best.threshold, try admission.allowsIndexed(UInt32(row)) else { return }
        best.offer(RankedRow(segment: admission.segment, row: UInt32(row), score: score))
    }
}

/// Which terms of a window have to be gone through, and which are only looked up.
private struct WindowPlan {
    /// A row without any of these cannot enter.
    let essential: [Int]
    /// The others with what they can add at most, highest first.
    let others: [(term: Int, bound: Double)]
    /// What they can add together.
    let otherBound: Double

    /// Nothing when no row of the window can enter.
    init?(_ cursors: [TermCursor], _ window: Range<Int>, _ scores: BM25, bar: Double) {
        var bounds: [(term: Int, bound: Double)] = []
        for (term, cursor) in cursors.enumerated() {
            let bound = cursor.bound(in: window, scores)
            if bound > 0 { bounds.append((term, bound)) }
        }
        bounds.sort { ($0.bound, $0.term) < ($1.bound, $1.term) }
        var sum = 0.0
        var count = 0
        while count < bounds.count, sum + bounds[count].bound < bar {
            sum += bounds[count].bound
            count += 1
        }
        guard count < bounds.count else { return nil }
        essential = bounds[count...].map(\.term)
        others = bounds[..<count].reversed()
        otherBound = sum
    }
}
