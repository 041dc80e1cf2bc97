// What the normaliser does to one scalar, as one table look-up.
//
// `UnicodeTables` (ranges and progressions) is unpacked once into a two-stage table: blocks of 256 entries,
// equal blocks shared, about 150 KiB in all. An entry of zero means "kept as it is", which most of Unicode
// is.

/// One scalar's fate. The layout is private to this file's table.
struct CharacterEntry: Equatable {
    enum Action: UInt32 {
        /// Kept, or replaced by one scalar.
        case keep
        /// Removed before anything else; marks on either side of it meet.
        case drop
        /// A word boundary.
        case space
        /// An accent: removed, marks around it still sort across it.
        case strip
        /// An accent of combining class 0: removed, and nothing sorts across it.
        case stripBlocking
        /// Becomes several scalars, see `CharacterTable.multiple`.
        case expand
        /// A Hangul syllable: decomposed by arithmetic.
        case hangul
    }

    static let identity = CharacterEntry(bits: 0)
    private static let ideographBit: UInt32 = 1 << 24

    var bits: UInt32

    init(bits: UInt32) {
        self.bits = bits
    }

    init(_ action: Action, target: UInt32 = 0) {
        bits = action.rawValue << 21 | target
    }

    var action: Action { Action(rawValue: bits >> 21 & 7) ?? .keep }
    /// The replacing scalar; 0 for the scalar itself. For `expand`, an index.
    var target: UInt32 { bits & 0x1F_FFFF }
    /// Whether it is a CJK ideograph, which stands alone as a word.
    var isIdeograph: Bool { bits & Self.ideographBit != 0 }

    mutating func setIdeograph() {
        bits |= Self.ideographBit
    }
}

/// Immutable after `init`; safe from any thread.
final class CharacterTable: Sendable {
    static let shared = CharacterTable()

    private static let blockSize = 256
    /// Block number of each 256 scalars.
    private let blockOf: [UInt16]
    private let entries: [CharacterEntry]
    /// 1 for punctuation, otherwise the combining class of a kept mark. Sparse, for *normalised* scalars.
    private let traits: [UInt32: UInt8]
    private let punctuationBits: [UInt64]
    /// For `expand`: the entry's target indexes the count, its scalars follow.
    let multiple: [UInt32]

    init() {
        var builder = Builder()
        builder.fill(UnicodeTables.stripped, CharacterEntry(.strip))
        builder.fill(UnicodeTables.blocking, CharacterEntry(.stripBlocking))
        builder.fill([0xAC00, 0xD7A3], CharacterEntry(.hangul))
        builder.addProgressions()
        builder.addPacked()
        builder.addMultiple()
        builder.markIdeographs()
        builder.fill(UnicodeTables.space, CharacterEntry(.space))
        builder.fill([0x20, 0x20], CharacterEntry(.space))
        builder.fill(UnicodeTables.dropped, CharacterEntry(.drop))
        blockOf = builder.blockOf
        entries = builder.entries
        multiple = UnicodeTables.multiple

        var traits: [UInt32: UInt8] = [:]
        for index in stride(from: 0, to: UnicodeTables.kept.count, by: 3) {
            for scalar in UnicodeTables.kept[index]...UnicodeTables.kept[index + 1] {
                traits[scalar] = UInt8(UnicodeTables.kept[index + 2])
            }
        }
        self.traits = traits
        var bits = [UInt64](repeating: 0, count: 0x11_0000 / 64)
        for index in stride(from: 0, to: UnicodeTables.punctuation.count, by: 2) {
            for scalar in UnicodeTables.punctuation[index]...UnicodeTables.punctuation[index + 1] {
                bits[Int(scalar >> 6)] |= 1 << UInt64(scalar & 63)
            }
        }
        punctuationBits = bits
    }

    func entry(_ scalar: UInt32) -> CharacterEntry {
        entries[Int(blockOf[Int(scalar >> 8)]) * Self.blockSize + Int(scalar & 255)]
    }

    /// Whether a normalised scalar stands alone as a word.
    func isPunctuation(_ scalar: UInt32) -> Bool {
        punctuationBits[Int(scalar >> 6)] >> UInt64(scalar & 63) & 1 != 0
    }

    /// Canonical combining class of a normalised scalar: 0 for all but some fifty marks.
    func combiningClass(_ scalar: UInt32) -> UInt8 {
        scalar < 0x300 ? 0 : traits[scalar] ?? 0
    }

    /// Grows blocks only where something differs; whole blocks with one answer share one.
    private struct Builder {
        var blockOf = [UInt16](repeating: 0, count: 0x11_0000 / CharacterTable.blockSize)
        var entries = [CharacterEntry](repeating: .identity, count: CharacterTable.blockSize)
        private var uniform: [UInt32: UInt16] = [CharacterEntry.identity.bits: 0]

        mutating func fill(_ ranges: [UInt32], _ entry: CharacterEntry) {
            for index in stride(from: 0, to: ranges.count, by: 2) {
                var scalar = ranges[index]
                while scalar <= ranges[index + 1] {
                    if scalar & 255 == 0, scalar + 255 <= ranges[index + 1] {
                        blockOf[Int(scalar >> 8)] = uniformBlock(entry)
                        scalar += 256
                    } else {
                        set(scalar, entry)
                        scalar += 1
                    }
                }
            }
        }

        mutating func set(_ scalar: UInt32, _ entry: CharacterEntry) {
            var block = blockOf[Int(scalar >> 8)]
            let isShared = uniform.values.contains(block)
            if isShared {
                let start = Int(block) * CharacterTable.blockSize
                block = UInt16(entries.count / CharacterTable.blockSize)
                entries.append(contentsOf: Array(entries[start..<start + CharacterTable.blockSize]))
                blockOf[Int(scalar >> 8)] = block
            }
            entries[Int(block) * CharacterTable.blockSize + Int(scalar & 255)] = entry
        }

        private mutating func uniformBlock(_ entry: CharacterEntry) -> UInt16 {
            if let block = uniform[entry.bits] { return block }
            let block = UInt16(entries.count / CharacterTable.blockSize)
            entries.append(contentsOf: repeatElement(entry, count: CharacterTable.blockSize))
            uniform[entry.bits] = block
            return block
        }

        private func entry(_ scalar: UInt32) -> CharacterEntry {
            entries[Int(blockOf[Int(scalar >> 8)]) * CharacterTable.blockSize + Int(scalar & 255)]
        }

        mutating func addProgressions() {
            let list = UnicodeTables.progressions
            for index in stride(from: 0, to: list.count, by: 4) {
                let (step, slope) = (list[index + 3] >> 1, list[index + 3] & 1)
                for member in 0..<list[index + 2] {
                    let target = list[index + 1] + member * step * slope
                    set(list[index] + member * step, CharacterEntry(.keep, target: target))
                }
            }
        }

        mutating func addPacked() {
            let list = UnicodeTables.packed
            var index = 0
            while index < list.count {
                let (first, count) = (list[index], Int(list[index + 1]))
                for member in 0..<count {
                    set(first + UInt32(member), CharacterEntry(.keep, target: list[index + 2 + member]))
                }
                index += 2 + count
            }
        }

        mutating func addMultiple() {
            let list = UnicodeTables.multiple
            var index = 0
            while index < list.count {
                set(list[index], CharacterEntry(.expand, target: UInt32(index + 1)))
                index += 2 + Int(list[index + 1])
            }
        }

        mutating func markIdeographs() {
            let list = UnicodeTables.ideograph
            for index in stride(from: 0, to: list.count, by: 2) {
                var scalar = list[index]
                while scalar <= list[index + 1] {
                    var marked = entry(scalar)
                    marked.setIdeograph()
                    let isWhole = scalar & 255 == 0 && scalar + 255 <= list[index + 1]
                    if isWhole, blockOf[Int(scalar >> 8)] == 0 {
                        blockOf[Int(scalar >> 8)] = uniformBlock(marked)
                        scalar += 256
                    } else {
                        set(scalar, marked)
                        scalar += 1
                    }
                }
            }
        }
    }
}
