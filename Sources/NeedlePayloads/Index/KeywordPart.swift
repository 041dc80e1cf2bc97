import NeedleCore

// Distinct values in the order of their keys, each with the rows that have it: up to sixteen rows as a list, more as
// a set.
//
// Parts: entries (24 bytes: offset and bytes of the key, rows, where they lie); keys; lists of rows (u32); sets.

private let longestList = 16

/// One distinct value.
private struct KeywordEntry: BitwiseCopyable {
    var keyOffset: UInt64
    var keyLength: UInt32
    var rowCount: UInt32
    /// Element of the lists, or byte of the sets.
    var rows: UInt64
}

/// While the index is built.
struct KeywordValues {
    static let parts = 4
    let onlyBooleans: Bool
    private var rows: [[UInt8]: [UInt32]] = [:]

    init(onlyBooleans: Bool) { self.onlyBooleans = onlyBooleans }

    mutating func add(_ value: JSONValue, row: UInt32) -> Bool {
        guard let scalar = MatchValue(value) else { return false }
        if onlyBooleans, case .bool = value {} else if onlyBooleans { return false }
        let key = scalar.indexKey
        if rows[key]?.last != row { rows[key, default: []].append(row) }
        return true
    }

    func write(to writer: inout IndexWriter) {
        var entries: [KeywordEntry] = []
        var keys: [UInt8] = []
        var lists: [UInt32] = []
        var sets: [UInt8] = []
        for (key, rows) in rows.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            let isList = rows.count <= longestList
            entries.append(
                KeywordEntry(
                    keyOffset: UInt64(keys.count), keyLength: UInt32(key.count), rowCount: UInt32(rows.count),
                    rows: UInt64(isList ? lists.count : sets.count)))
            keys += key
            if isList {
                lists += rows
            } else {
                var builder = PointSetBuilder()
                builder.append(rising: rows)
                let set = builder.finish()
                set.keepingAlive { sets.append(contentsOf: set.bytes) }
            }
        }
        entries.withUnsafeBytes { writer.append($0) }
        writer.append(keys)
        writer.append(lists)
        writer.append(sets)
    }
}

/// Where the index lies.
struct KeywordPart: @unchecked Sendable {
    private let parts: IndexParts
    private let first: Int
    // SAFETY: lie in the bytes that `parts` keeps.
    private let entries: UnsafeBufferPointer<KeywordEntry>
    private let keys: UnsafeRawBufferPointer
    private let lists: UnsafeBufferPointer<UInt32>

    init(_ parts: IndexParts, from first: Int) throws(DatabaseError) {
        self.parts = parts
        self.first = first
        entries = try parts.column(first, as: KeywordEntry.self)
        keys = parts.bytes(first + 1)
        lists = try parts.column(first + 2, as: UInt32.self)
    }

    /// Distinct values.
    var count: Int { entries.count }

    func value(at index: Int) throws(DatabaseError) -> MatchValue {
        guard let value = MatchValue(indexKey: try key(at: index)) else {
            throw parts.damage("value \(index) is none")
        }
        return value
    }

    private func key(at index: Int) throws(DatabaseError) -> UnsafeRawBufferPointer {
        let entry = entries[index]
        guard entry.keyOffset <= UInt64(keys.count),
            UInt64(entry.keyLength) <= UInt64(keys.count) - entry.keyOffset
        else { throw parts.damage("the key of value \(index) lies outside") }
        let start = Int(entry.keyOffset)
        return UnsafeRawBufferPointer(rebasing: keys[start..<(start + Int(entry.keyLength))])
    }

    /// Rows that have the value.
    func rows(at index: Int) throws(DatabaseError) -> PointSet {
        let entry = entries[index]
        guard entry.rowCount <= longestList else {
            guard entry.rows <= UInt64(parts.bytes(first + 3).count) else {
                throw parts.damage("a set lies outside")
            }
            return try parts.set(first + 3, at: Int(entry.rows))
        }
        return PointSet(try list(entry))
    }

    func insertRows(at index: Int, into all: PointSetAccumulator) throws(DatabaseError) {
        guard entries[index].rowCount <= longestList else { return all.insert(try rows(at: index)) }
        for row in try list(entries[index]) {
            try parts.check(row)
            all.insert(row)
        }
    }

    private func list(_ entry: KeywordEntry) throws(DatabaseError) -> UnsafeBufferPointer<UInt32> {
        guard entry.rows <= UInt64(lists.count), UInt64(entry.rowCount) <= UInt64(lists.count) - entry.rows
        else {
            throw parts.damage("a list of rows lies outside")
        }
        return UnsafeBufferPointer(rebasing: lists[Int(entry.rows)..<(Int(entry.rows) + Int(entry.rowCount))])
    }

    /// Rows that have the value, as an upper bound that costs nothing.
    func rowCount(at index: Int) -> Int { Int(entries[index].rowCount) }

    /// Rows of all values together, a row once for each.
    var pairCount: Int { entries.reduce(0) { $0 + Int($1.rowCount) } }

    /// O(log values).
    func find(_ value: MatchValue) throws(DatabaseError) -> Int? {
        let wanted = value.indexKey
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if try key(at: middle).lexicographicallyPrecedes(wanted) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        guard low < entries.count, try key(at: low).elementsEqual(wanted) else { return nil }
        return low
    }

    // MARK: Conditions

    func rows(equalToAny values: [MatchValue]) throws(DatabaseError) -> PointSet {
        var found: [PointSet] = []
        for value in values {
            if let index = try find(value) { found.append(try rows(at: index)) }
        }
        return PointSet.union(of: found)
    }

    /// - Parameter own: rows that have a value.
    func rows(otherThan values: [MatchValue], own: PointSet) throws(DatabaseError) -> PointSet {
        // With one value a row, those that have none of these have another.
        if pairCount == own.count { return own.subtracting(try rows(equalToAny: values)) }
        var unwanted: Set<Int> = []
        for value in values { if let index = try find(value) { unwanted.insert(index) } }
        let all = PointSetAccumulator()
        for index in entries.indices where !unwanted.contains(index) { try insertRows(at: index, into: all) }
        return all.finish()
    }

    /// Rows that have a value for which the test holds. O(values).
    func rows(where test: (JSONValue) -> Bool) throws(DatabaseError) -> PointSet {
        let all = PointSetAccumulator()
        for index in entries.indices where test(try value(at: index).jsonValue) {
            try insertRows(at: index, into: all)
        }
        return all.finish()
    }
}
