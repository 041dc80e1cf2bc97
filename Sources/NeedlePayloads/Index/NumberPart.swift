import NeedleCore

// Numbers or moments with their rows, in the order of the numbers. Every 1024 of them, and every 32,768, have a set of
// their rows, so that a wide range is the union of a few sets and at most 2048 single rows.
//
// Parts: numbers (i64, see NumberKeys); rows (u32); where the sets begin (u64: those of the blocks, then of the groups);
// sets.

private let blockPairs = 1024
private let groupPairs = 32 * blockPairs

/// While the index is built.
struct NumberValues {
    static let parts = 4
    private let keys: NumberKeys
    private var pairs: [(key: Int64, row: UInt32)] = []

    init(_ type: FieldIndexType) { keys = NumberKeys(type: type) }

    mutating func add(_ value: JSONValue, row: UInt32) -> Bool {
        guard let key = keys.key(of: value) else { return false }
        pairs.append((key, row))
        return true
    }

    func write(to writer: inout IndexWriter) {
        var sorted: [(key: Int64, row: UInt32)] = []
        for pair in pairs.sorted(by: { ($0.key, $0.row) < ($1.key, $1.row) }) {
            if let last = sorted.last, last == pair { continue }
            sorted.append(pair)
        }
        writer.append(sorted.map(\.key))
        writer.append(sorted.map(\.row))
        var offsets: [UInt64] = []
        var sets: [UInt8] = []
        for size in [blockPairs, groupPairs] {
            for start in stride(from: 0, to: sorted.count / size * size, by: size) {
                offsets.append(UInt64(sets.count))
                let set = PointSet(sorted[start..<(start + size)].map(\.row))
                set.keepingAlive { sets.append(contentsOf: set.bytes) }
            }
        }
        writer.append(offsets)
        writer.append(sets)
    }
}

/// Where the index lies.
struct NumberPart: @unchecked Sendable {
    private let parts: IndexParts
    private let first: Int
    private let numbers: NumberKeys
    // SAFETY: lie in the bytes that `parts` keeps.
    private let keys: UnsafeBufferPointer<Int64>
    private let rows: UnsafeBufferPointer<UInt32>
    private let setOffsets: UnsafeBufferPointer<UInt64>

    init(_ parts: IndexParts, from first: Int) throws(DatabaseError) {
        self.parts = parts
        self.first = first
        numbers = NumberKeys(type: parts.type)
        keys = try parts.column(first, as: Int64.self)
        rows = try parts.column(first + 1, as: UInt32.self)
        setOffsets = try parts.column(first + 2, as: UInt64.self)
        guard keys.count == rows.count, setOffsets.count == keys.count / blockPairs + keys.count / groupPairs
        else {
            throw parts.damage("numbers, rows and sets do not belong together")
        }
    }

    private func number(at index: Int) throws(DatabaseError) -> ExactNumber {
        guard let number = numbers.number(of: keys[index]) else {
            throw parts.damage("number \(index) is none")
        }
        return number
    }

    /// The first number that is not before the bound. O(log numbers).
    private func place(_ isBefore: (ExactNumber) -> Bool) throws(DatabaseError) -> Int {
        var low = 0
        var high = keys.count
        while low < high {
            let middle = (low + high) / 2
            if isBefore(try number(at: middle)) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func places(_ range: RangeTest) throws(DatabaseError) -> Range<Int> {
        var start = 0
        var end = keys.count
        if let lower = range.lower {
            start = try place { $0 < lower.value || ($0 == lower.value && !lower.isInclusive) }
        }
        if let upper = range.upper {
            end = try place { $0 < upper.value || ($0 == upper.value && upper.isInclusive) }
        }
        return start..<max(start, end)
    }

    private func insert(_ places: Range<Int>, into all: PointSetAccumulator) throws(DatabaseError) {
        let blocks = keys.count / blockPairs
        var place = places.lowerBound
        while place < places.upperBound {
            let left = places.upperBound - place
            if place % groupPairs == 0, left >= groupPairs {
                all.insert(try set(blocks + place / groupPairs))
                place += groupPairs
            } else if place % blockPairs == 0, left >= blockPairs {
                all.insert(try set(place / blockPairs))
                place += blockPairs
            } else {
                try parts.check(rows[place])
                all.insert(rows[place])
                place += 1
            }
        }
    }

    private func set(_ index: Int) throws(DatabaseError) -> PointSet {
        guard setOffsets[index] <= UInt64(parts.bytes(first + 3).count) else {
            throw parts.damage("a set lies outside")
        }
        return try parts.set(first + 3, at: Int(setOffsets[index]))
    }

    // MARK: Conditions

    /// So few rows are sorted; a bitmap of all rows costs more.
    private static let mostListed = 128

    func rows(in range: RangeTest) throws(DatabaseError) -> PointSet {
        let places = try places(range)
        if places.count <= Self.mostListed {
            for place in places { try parts.check(rows[place]) }
            return PointSet(rows[places])
        }
        let all = PointSetAccumulator()
        try insert(places, into: all)
        return all.finish()
    }

    func rows(equalToAny numbers: [ExactNumber]) throws(DatabaseError) -> PointSet {
        let all = PointSetAccumulator()
        for number in numbers { try insert(try places(Self.exactly(number)), into: all) }
        return all.finish()
    }

    /// Rows that have a number other than these.
    func rows(otherThan numbers: [ExactNumber]) throws(DatabaseError) -> PointSet {
        let all = PointSetAccumulator()
        var start = 0
        for number in Set(numbers).sorted() {
            let unwanted = try places(Self.exactly(number))
            if unwanted.lowerBound > start { try insert(start..<unwanted.lowerBound, into: all) }
            start = max(start, unwanted.upperBound)
        }
        if start < keys.count { try insert(start..<keys.count, into: all) }
        return all.finish()
    }

    private static func exactly(_ number: ExactNumber) -> RangeTest {
        let bound = RangeTest.Bound(value: number, isInclusive: true)
        return RangeTest(kind: .number, lower: bound, upper: bound)
    }
}
