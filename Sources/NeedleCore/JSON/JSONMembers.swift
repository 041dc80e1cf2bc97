// Which names an object has had so far, for refusing duplicates.
//
// Up to sixteen names are compared one by one (objects of the protocol have few); beyond that a hash table
// with the standard library's seeded hash takes over, so that no choice of names makes reading an object
// quadratic. Only hash and offset of a name are kept: the names themselves stay in the text.

/// Where the reader is within an object.
package struct JSONMembers: ~Copyable {
    private static let inlineCapacity = 16

    /// Number of members begun so far.
    package private(set) var count = 0
    /// Each entry: the low 32 bits of a hash, and above them the offset of the first byte of the name.
    private var entries = InlineArray<16, UInt64>(repeating: 0)
    private var table: [UInt64] = []

    var isEmpty: Bool { count == 0 }

    init() {}

    /// Notes a name; false if the object has had it.
    mutating func insert(_ name: JSONText) -> Bool {
        if count < JSONMembers.inlineCapacity {
            let entry = UInt64(JSONMembers.quickHash(name)) | UInt64(name.start) << 32
            for index in 0..<count
            where UInt32(truncatingIfNeeded: entries[index]) == UInt32(truncatingIfNeeded: entry) {
                if name.isSameName(at: Int(entries[index] >> 32)) { return false }
            }
            entries[count] = entry
            count += 1
            return true
        }
        if table.isEmpty { moveToTable(name.bytes) }
        guard insertIntoTable(name) else { return false }
        count += 1
        return true
    }

    private mutating func moveToTable(_ bytes: JSONBytes) {
        table = [UInt64](repeating: JSONMembers.vacant, count: 64)
        for index in 0..<JSONMembers.inlineCapacity {
            let name = JSONText(bytes, reopening: Int(entries[index] >> 32))
            _ = insertIntoTable(name)
        }
    }

    /// Marks an empty slot; no name begins at this offset, texts are shorter than 2^32 bytes.
    private static let vacant = UInt64.max

    private mutating func insertIntoTable(_ name: JSONText) -> Bool {
        if (count + 1) * 2 > table.count { growTable() }
        let hash = JSONMembers.seededHash(name)
        let mask = table.count - 1
        var slot = Int(hash) & mask
        while table[slot] != JSONMembers.vacant {
            let sameHash = UInt32(truncatingIfNeeded: table[slot]) == hash
            if sameHash, name.isSameName(at: Int(table[slot] >> 32)) { return false }
            slot = (slot + 1) & mask
        }
        table[slot] = UInt64(hash) | UInt64(name.start) << 32
        return true
    }

    private mutating func growTable() {
        var larger = [UInt64](repeating: JSONMembers.vacant, count: table.count * 4)
        let mask = larger.count - 1
        for entry in table where entry != JSONMembers.vacant {
            var slot = Int(UInt32(truncatingIfNeeded: entry)) & mask
            while larger[slot] != JSONMembers.vacant { slot = (slot + 1) & mask }
            larger[slot] = entry
        }
        table = larger
    }

    /// Length, first and last bytes, mixed: enough to tell a few names apart.
    private static func quickHash(_ name: JSONText) -> UInt32 {
        if name.hasEscapes { return foldedHash(of: name.utf8) }
        return foldedHash(of: name.bytes.buffer(name.start, name.end))
    }

    private static func foldedHash(of bytes: some RandomAccessCollection<UInt8>) -> UInt32 {
        var hash: UInt32 = 2_166_136_261
        for byte in bytes { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        return hash
    }

    private static func seededHash(_ name: JSONText) -> UInt32 {
        var hasher = Hasher()
        if name.hasEscapes {
            name.utf8.withUnsafeBytes { hasher.combine(bytes: $0) }
        } else {
            hasher.combine(bytes: UnsafeRawBufferPointer(name.bytes.buffer(name.start, name.end)))
        }
        return UInt32(truncatingIfNeeded: hasher.finalize())
    }
}

extension JSONText {
    /// The string whose first byte after the opening quote is at `start`; it was validated before.
    @_lifetime(copy bytes)
    init(_ bytes: JSONBytes, reopening start: Int) {
        var end = start
        var escapes = false
        while bytes[end] != UInt8(ascii: "\""), end < bytes.count {
            if bytes[end] == UInt8(ascii: "\\") {
                escapes = true
                end += 1
            }
            end += 1
        }
        self.init(bytes, start: start, end: min(end, bytes.count), hasEscapes: escapes)
    }

    /// Whether the validated string that begins at `start` says the same as this one.
    func isSameName(at start: Int) -> Bool {
        let other = JSONText(bytes, reopening: start)
        if hasEscapes || other.hasEscapes { return utf8 == other.utf8 }
        return end - self.start == other.end - other.start
            && bytes.equal(self.start, other.start, length: end - self.start)
    }
}
