// Which pieces of a section go into one chunk.
//
// Content-defined boundaries, as in deduplicating storage (Muthitacharoen, Chen and Mazières, "A low-bandwidth network
// file system", 2001; Xia et al., "FastCDC", 2016): of the places where a chunk may end, between half of its room and all
// of it, the one is taken before which a block ends and after which the text has the least hash. Filling each chunk to
// the brim would move every boundary behind an insertion.

import NeedleCore

/// A sentence, a line or a word, with its tokens.
struct TextPiece: Hashable {
    var range: Range<Int>
    var tokens: Int
    var beginsBlock: Bool
}

struct ChunkPacking {
    let pieces: [TextPiece]
    /// Tokens of a chunk. A piece that has more is a chunk by itself.
    let room: Int
    /// Tokens at the beginning of a chunk that repeat the one before, at most.
    let overlap: Int

    /// Byte ranges of the chunks.
    func ranges(of text: Span<UInt8>) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var start = 0
        while start < pieces.count {
            var (first, repeated) = overlapping(start)
            if repeated + pieces[start].tokens > room { (first, repeated) = (start, 0) }
            let end = end(from: start, room: room - repeated, text)
            ranges.append(pieces[first].range.lowerBound..<pieces[end - 1].range.upperBound)
            start = end
        }
        return ranges
    }

    /// Whole pieces before `start` that are repeated, and their tokens.
    private func overlapping(_ start: Int) -> (first: Int, tokens: Int) {
        var (first, tokens) = (start, 0)
        while first > 0, tokens + pieces[first - 1].tokens <= overlap {
            first -= 1
            tokens += pieces[first].tokens
        }
        return (first, tokens)
    }

    private func end(from start: Int, room: Int, _ text: Span<UInt8>) -> Int {
        var tokens = pieces[start].tokens
        var end = start + 1
        var best: (end: Int, beginsBlock: Bool, hash: UInt64)?
        while end < pieces.count {
            if tokens >= room / 2 {
                let hash = Self.hash(text.extracting(pieces[end].range))
                let begins = pieces[end].beginsBlock
                if best.map({ begins == $0.beginsBlock ? hash < $0.hash : begins }) ?? true {
                    best = (end, begins, hash)
                }
            }
            tokens += pieces[end].tokens
            if tokens > room { return best?.end ?? end }
            end += 1
        }
        return end
    }

    /// FNV-1a, mixed (Fowler, Noll and Vo).
    private static func hash(_ text: Span<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in text.indices { hash = (hash ^ UInt64(text[index])) &* 0x100_0000_01B3 }
        return SeededGenerator.mix(hash)
    }
}
