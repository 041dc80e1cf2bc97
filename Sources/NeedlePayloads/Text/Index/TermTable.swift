/// Numbers terms as they come: a hash table over bytes in one buffer, for building.
struct TermTable {
    private var bytes: [UInt8] = []
    private var starts: [Int] = [0]
    private var hashes: [UInt32] = []
    /// Term + 1, or 0; a power of two of them, at most half full.
    private var slots = [UInt32](repeating: 0, count: 1024)

    var count: Int { hashes.count }

    /// The bytes of a term.
    func term(_ number: Int) -> ArraySlice<UInt8> { bytes[starts[number]..<starts[number + 1]] }

    /// The number of a term, a new one if it is new. O(bytes).
    mutating func number(of term: ArraySlice<UInt8>) -> Int {
        let hash = Self.hash(term)
        var slot = Int(hash) & (slots.count - 1)
        while slots[slot] != 0 {
            let number = Int(slots[slot] - 1)
            if hashes[number] == hash, self.term(number).elementsEqual(term) { return number }
            slot = (slot + 1) & (slots.count - 1)
        }
        bytes.append(contentsOf: term)
        starts.append(bytes.count)
        hashes.append(hash)
        slots[slot] = UInt32(count)
        if 2 * count > slots.count { grow() }
        return count - 1
    }

    private mutating func grow() {
        slots = [UInt32](repeating: 0, count: 2 * slots.count)
        for (number, hash) in hashes.enumerated() {
            var slot = Int(hash) & (slots.count - 1)
            while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = UInt32(number + 1)
        }
    }

    /// FNV-1a, folded to 32 bits.
    private static func hash(_ term: ArraySlice<UInt8>) -> UInt32 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in term { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return UInt32(truncatingIfNeeded: hash ^ hash >> 32)
    }
}
