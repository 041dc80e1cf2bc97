import NeedleCore

/// Writes sorted terms with what they share with the term before left out; every sixteenth is whole.
struct TermDictionaryWriter {
    private(set) var groups: [UInt8] = []
    private(set) var bytes: [UInt8] = []
    private var count = 0
    private var last: [UInt8] = []

    mutating func append(_ term: ArraySlice<UInt8>) {
        if count % TextIndexLayout.groupSize == 0 {
            var start = ByteWriter()
            start.append(UInt32(bytes.count))
            groups.append(contentsOf: start.bytes)
            last = []
        }
        let shared = zip(last, term).prefix { $0 == $1 }.count
        append(number: shared)
        append(number: term.count - shared)
        bytes.append(contentsOf: term.dropFirst(shared))
        last = Array(term)
        count += 1
    }

    /// Seven bits a byte, lowest first.
    private mutating func append(number: Int) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}

/// Reads the terms of an index where they lie. Every access is checked against the part's end.
struct TermDictionary {
    let groups: UnsafeRawBufferPointer
    let bytes: UnsafeRawBufferPointer
    let termCount: Int
    let file: String
    /// Where `bytes` begins in the file.
    let origin: Int

    /// The number of a term. O(log terms).
    func find(_ term: [UInt8]) throws(DatabaseError) -> Int? {
        let number = try lowerBound(term)
        guard number < termCount else { return nil }
        let walk = try Walk(self, from: number)
        return walk.term == term ? number : nil
    }

    /// The numbers of the terms that begin with these bytes. O(log terms).
    func range(withPrefix prefix: [UInt8]) throws(DatabaseError) -> Range<Int> {
        let start = try lowerBound(prefix)
        guard let end = Self.successor(of: prefix) else { return start..<termCount }
        return start..<(max(start, try lowerBound(end)))
    }

    /// The term of a number.
    func term(_ number: Int) throws(DatabaseError) -> [UInt8] {
        let walk = try Walk(self, from: number)
        return walk.term
    }

    /// The least string that is greater than all that begin with the prefix.
    private static func successor(of prefix: [UInt8]) -> [UInt8]? {
        guard let place = prefix.lastIndex(where: { $0 != 0xFF }) else { return nil }
        return prefix[..<place] + [prefix[place] + 1]
    }

    /// The number of the first term that is not less.
    private func lowerBound(_ term: [UInt8]) throws(DatabaseError) -> Int {
        var low = 0
        var high = groups.count / 4
        while low < high {
            let middle = (low + high) / 2
            let walk = try Walk(self, group: middle)
            if walk.term.lexicographicallyPrecedes(term) { low = middle + 1 } else { high = middle }
        }
        // The group before may hold terms that are not less.
        guard low > 0 else { return 0 }
        var number = (low - 1) * TextIndexLayout.groupSize
        let end = min(number + TextIndexLayout.groupSize, termCount)
        var walk = try Walk(self, group: low - 1)
        while number < end, walk.term.lexicographicallyPrecedes(term) {
            number += 1
            if number < end { try walk.advance() }
        }
        return number
    }

    /// Goes through the terms of a group.
    private struct Walk {
        let dictionary: TermDictionary
        var offset: Int
        var term: [UInt8] = []

        init(_ dictionary: TermDictionary, group: Int) throws(DatabaseError) {
            self.dictionary = dictionary
            let start = dictionary.groups.loadUnaligned(fromByteOffset: group * 4, as: UInt32.self)
            offset = Int(UInt32(littleEndian: start))
            try advance()
        }

        init(_ dictionary: TermDictionary, from number: Int) throws(DatabaseError) {
            precondition(number < dictionary.termCount, "a term of the dictionary")
            try self.init(dictionary, group: number / TextIndexLayout.groupSize)
            for _ in 0..<(number % TextIndexLayout.groupSize) { try advance() }
        }

        mutating func advance() throws(DatabaseError) {
            let shared = try readNumber()
            let added = try readNumber()
            guard shared <= term.count, added <= dictionary.bytes.count - offset else { throw damage() }
            term.removeLast(term.count - shared)
            term.append(contentsOf: dictionary.bytes[offset..<(offset + added)])
            offset += added
        }

        private mutating func readNumber() throws(DatabaseError) -> Int {
            var result = 0
            for shift in stride(from: 0, to: 35, by: 7) {
                guard offset < dictionary.bytes.count else { throw damage() }
                let byte = dictionary.bytes[offset]
                offset += 1
                result |= Int(byte & 0x7F) << shift
                if byte < 0x80 { return result }
            }
            throw damage()
        }

        private func damage() -> DatabaseError {
            .corruption(
                file: dictionary.file, offset: dictionary.origin + offset,
                what: "a term leads out of the index")
        }
    }
}
