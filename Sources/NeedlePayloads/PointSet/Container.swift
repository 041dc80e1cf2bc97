// The rows of a set that share their upper 16 bits: where they lie and how they are written.

/// Raw values are in files: never change them.
enum ContainerKind: UInt8 {
    /// The lower 16 bits of each row, rising (u16).
    case list = 1
    /// 1024 words; bit i % 64 of word i / 64 is row i.
    case bitmap = 2
    /// First and last row of each run (u16 each), rising, with a gap between them.
    case runs = 3
}

/// A borrowed container. Whoever uses it keeps its set alive.
struct Container {
    /// Words of a bitmap.
    static let bitmapWords = 1024
    /// A list of more rows is longer than a bitmap.
    static let longestList = 4096

    let kind: ContainerKind
    /// Values of a list, words of a bitmap, runs.
    let elements: Int
    /// Rows.
    let count: Int
    // SAFETY: `wordCount` words that belong to a set, checked when the set was opened.
    let payload: UnsafeRawPointer

    var wordCount: Int {
        switch kind {
        case .list: (elements + 3) / 4
        case .bitmap: elements
        case .runs: (elements + 1) / 2
        }
    }

    var isFull: Bool { count == 1 << 16 }

    var list: UnsafeBufferPointer<UInt16> {
        UnsafeBufferPointer(start: payload.assumingMemoryBound(to: UInt16.self), count: elements)
    }

    var bitmap: UnsafePointer<UInt64> { payload.assumingMemoryBound(to: UInt64.self) }

    /// First and last row of a run; a damaged one is cut to what a container can hold.
    func run(at index: Int) -> ClosedRange<Int> {
        let bounds = payload.assumingMemoryBound(to: UInt16.self)
        let first = Int(bounds[2 * index])
        return first...max(first, Int(bounds[2 * index + 1]))
    }

    /// The greatest row, also of a damaged container, whose rows may not rise; 0 if it has none. O(elements).
    var greatest: Int {
        switch kind {
        case .list: return Int(list.max() ?? 0)
        case .runs: return (0..<elements).reduce(0) { max($0, run(at: $1).upperBound) }
        case .bitmap:
            var word = Self.bitmapWords - 1
            while word > 0, bitmap[word] == 0 { word -= 1 }
            return word << 6 | (63 - min(63, bitmap[word].leadingZeroBitCount))
        }
    }

    func contains(_ low: Int) -> Bool {
        switch kind {
        case .bitmap:
            return bitmap[low >> 6] >> UInt64(low & 63) & 1 != 0
        case .list:
            let place = lowerBound(elements) { Int(list[$0]) < low }
            return place < elements && Int(list[place]) == low
        case .runs:
            let place = lowerBound(elements) { run(at: $0).upperBound < low }
            return place < elements && run(at: place).contains(low)
        }
    }

    private func lowerBound(_ count: Int, _ isBefore: (Int) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if isBefore(middle) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Calls with each row, rising.
    @inline(__always)
    func forEach<Failure: Error>(_ body: (Int) throws(Failure) -> Void) throws(Failure) {
        switch kind {
        case .list:
            for index in 0..<elements { try body(Int(list[index])) }
        case .runs:
            for index in 0..<elements { for row in run(at: index) { try body(row) } }
        case .bitmap:
            for index in 0..<Self.bitmapWords {
                var word = bitmap[index]
                while word != 0 {
                    try body(index << 6 | word.trailingZeroBitCount)
                    word &= word - 1
                }
            }
        }
    }

    // MARK: Onto a bitmap

    /// Adds the rows to a bitmap of 1024 words.
    func or(into target: UnsafeMutablePointer<UInt64>) {
        switch kind {
        case .list: for row in list { target[Int(row >> 6)] |= 1 << UInt64(row & 63) }
        case .bitmap: for index in 0..<Self.bitmapWords { target[index] |= bitmap[index] }
        case .runs: for index in 0..<elements { Bits.set(run(at: index), in: target) }
        }
    }

    /// Removes the rows from a bitmap of 1024 words.
    func remove(from target: UnsafeMutablePointer<UInt64>) {
        switch kind {
        case .list: for row in list { target[Int(row >> 6)] &= ~(1 << UInt64(row & 63)) }
        case .bitmap: for index in 0..<Self.bitmapWords { target[index] &= ~bitmap[index] }
        case .runs: for index in 0..<elements { Bits.clear(run(at: index), in: target) }
        }
    }
}

/// Runs of bits in a bitmap of 1024 words.
enum Bits {
    static func set(_ run: ClosedRange<Int>, in target: UnsafeMutablePointer<UInt64>) {
        eachWord(of: run) { target[$0] |= $1 }
    }

    static func clear(_ run: ClosedRange<Int>, in target: UnsafeMutablePointer<UInt64>) {
        eachWord(of: run) { target[$0] &= ~$1 }
    }

    /// The number of a word and the mask of the run's bits in it.
    @inline(__always)
    static func eachWord(of run: ClosedRange<Int>, _ body: (Int, UInt64) -> Void) {
        let first = run.lowerBound >> 6
        let last = run.upperBound >> 6
        let head = UInt64.max << UInt64(run.lowerBound & 63)
        let tail = UInt64.max >> UInt64(63 - run.upperBound & 63)
        guard first < last else { return body(first, head & tail) }
        body(first, head)
        for word in (first + 1)..<last { body(word, .max) }
        body(last, tail)
    }
}
