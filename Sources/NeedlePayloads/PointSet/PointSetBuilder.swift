// Writes sets: containers one after the other, each in its smallest form, then the table. The form depends on the
// rows only, so that equal sets have equal bytes.

/// Memory of a set that was made here.
final class PointSetMemory {
    private(set) var words: UnsafeMutablePointer<UInt64>
    private(set) var count = 0
    private var capacity: Int

    init(capacity: Int) {
        self.capacity = capacity
        words = .allocate(capacity: capacity)
    }

    deinit { words.deallocate() }

    /// Room for more words at the end, not initialised.
    func extend(by more: Int) -> UnsafeMutablePointer<UInt64> {
        if count + more > capacity {
            capacity = max(2 * capacity, count + more)
            let larger = UnsafeMutablePointer<UInt64>.allocate(capacity: capacity)
            larger.update(from: words, count: count)
            words.deallocate()
            words = larger
        }
        defer { count += more }
        return words + count
    }
}

struct PointSetBuilder {
    private let memory = PointSetMemory(capacity: 32)
    private var table: [(UInt64, UInt64)] = []
    private var total = 0

    init() {
        let header = memory.extend(by: PointSet.headerWords)
        header.update(repeating: 0, count: PointSet.headerWords)
    }

    // MARK: Containers, by rising keys

    mutating func append(key: Int, run: ClosedRange<Int>) {
        if run.count <= 2 {
            let rows = run.map { UInt16($0) }
            return rows.withUnsafeBufferPointer { append(key: key, list: $0) }
        }
        begin(key, .runs, elements: 1, count: run.count, words: 1)[0] =
            UInt64(run.lowerBound) | UInt64(run.upperBound) << 16
    }

    mutating func append(key: Int, copy container: Container) {
        begin(
            key, container.kind, elements: container.elements, count: container.count,
            words: container.wordCount
        )
        .update(
            from: container.payload.assumingMemoryBound(to: UInt64.self), count: container.wordCount)
    }

    /// - Parameter list: rising; nothing is appended for an empty one.
    mutating func append(key: Int, list: UnsafeBufferPointer<UInt16>) {
        guard let first = list.first else { return }
        var runs = 1
        for index in 1..<list.count where Int(list[index]) != Int(list[index - 1]) + 1 { runs += 1 }
        switch Self.smallestKind(rows: list.count, runs: runs) {
        case .list:
            let words = (list.count + 3) / 4
            let target = begin(key, .list, elements: list.count, count: list.count, words: words)
            target[words - 1] = 0
            UnsafeMutableRawPointer(target).copyMemory(
                from: UnsafeRawPointer(list.baseAddress.unsafelyUnwrapped), byteCount: list.count * 2)
        case .runs:
            appendRuns(key, runs: runs, rows: list.count) { write in
                var start = Int(first)
                var last = start
                for row in list.dropFirst() {
                    if Int(row) != last + 1 {
                        write(start...last)
                        start = Int(row)
                    }
                    last = Int(row)
                }
                write(start...last)
            }
        case .bitmap:
            let target = begin(
                key, .bitmap, elements: Container.bitmapWords, count: list.count, words: Container.bitmapWords
            )
            target.update(repeating: 0, count: Container.bitmapWords)
            for row in list { target[Int(row >> 6)] |= 1 << UInt64(row & 63) }
        }
    }

    /// - Parameters:
    ///   - bitmap: 1024 words; nothing is appended for an empty one.
    ///   - most: no more rows are expected in it.
    mutating func append(key: Int, bitmap: UnsafePointer<UInt64>, most: Int = 1 << 16) {
        // Counting rows and runs takes as long as going through some thousand rows.
        if most <= Container.longestList, appendList(key, of: bitmap, most: most) { return }
        var rows = 0
        var runs = 0
        var carry: UInt64 = 0
        for index in 0..<Container.bitmapWords {
            let word = bitmap[index]
            rows += word.nonzeroBitCount
            runs += (word & ~(word << 1 | carry)).nonzeroBitCount
            carry = word >> 63
        }
        guard rows > 0 else { return }
        switch Self.smallestKind(rows: rows, runs: runs) {
        case .bitmap:
            begin(
                key, .bitmap, elements: Container.bitmapWords, count: rows, words: Container.bitmapWords
            )
            .update(from: bitmap, count: Container.bitmapWords)
        case .list:
            let words = (rows + 3) / 4
            let target = begin(key, .list, elements: rows, count: rows, words: words)
            target[words - 1] = 0
            let list = UnsafeMutableRawPointer(target).assumingMemoryBound(to: UInt16.self)
            var place = 0
            Self.rows(of: bitmap) { row in
                list[place] = UInt16(row)
                place += 1
            }
        case .runs:
            appendRuns(key, runs: runs, rows: rows) { write in
                var start = -1
                var last = -1
                Self.rows(of: bitmap) { row in
                    if row != last + 1 || start < 0 {
                        if start >= 0 { write(start...last) }
                        start = row
                    }
                    last = row
                }
                write(start...last)
            }
        }
    }

    /// - Returns: false, and nothing is appended, when there are more rows than expected: a damaged set may say less than it
    ///   holds.
    private mutating func appendList(_ key: Int, of bitmap: UnsafePointer<UInt64>, most: Int) -> Bool {
        withUnsafeTemporaryAllocation(of: UInt16.self, capacity: most) { list in
            var count = 0
            Self.rows(of: bitmap) { row in
                if count < most { list[count] = UInt16(row) }
                count += 1
            }
            guard count <= most else { return false }
            append(key: key, list: UnsafeBufferPointer(rebasing: list[..<count]))
            return true
        }
    }

    /// Rows of any keys, rising; repeated ones count once.
    mutating func append(rising rows: [UInt32]) {
        var lows: [UInt16] = []
        var index = 0
        while index < rows.count {
            let key = rows[index] >> 16
            lows.removeAll(keepingCapacity: true)
            while index < rows.count, rows[index] >> 16 == key {
                let low = UInt16(truncatingIfNeeded: rows[index])
                if lows.last != low { lows.append(low) }
                index += 1
            }
            lows.withUnsafeBufferPointer { append(key: Int(key), list: $0) }
        }
    }

    consuming func finish() -> PointSet {
        let tableStart = memory.count
        let target = memory.extend(by: 2 * table.count)
        for (index, entry) in table.enumerated() {
            target[2 * index] = entry.0
            target[2 * index + 1] = entry.1
        }
        memory.words[0] = UInt64(table.count) | UInt64(tableStart) << 32
        memory.words[1] = UInt64(total)
        return PointSet(words: memory.words, wordCount: memory.count, owner: memory)
    }

    // MARK: Parts

    private static func smallestKind(rows: Int, runs: Int) -> ContainerKind {
        let asList = rows <= Container.longestList ? 2 * rows : .max
        let asBitmap = Container.bitmapWords * 8
        if 4 * runs < min(asList, asBitmap) { return .runs }
        return asList <= asBitmap ? .list : .bitmap
    }

    private mutating func begin(
        _ key: Int, _ kind: ContainerKind, elements: Int, count: Int, words: Int
    ) -> UnsafeMutablePointer<UInt64> {
        table.append(
            (
                UInt64(key) | UInt64(kind.rawValue) << 16 | UInt64(elements) << 32,
                UInt64(memory.count) | UInt64(count) << 32
            ))
        total += count
        return memory.extend(by: words)
    }

    private mutating func appendRuns(
        _ key: Int, runs: Int, rows: Int, _ each: ((ClosedRange<Int>) -> Void) -> Void
    ) {
        let words = (runs + 1) / 2
        let target = begin(key, .runs, elements: runs, count: rows, words: words)
        target[words - 1] = 0
        let bounds = UnsafeMutableRawPointer(target).assumingMemoryBound(to: UInt16.self)
        var place = 0
        each { run in
            bounds[place] = UInt16(run.lowerBound)
            bounds[place + 1] = UInt16(run.upperBound)
            place += 2
        }
    }

    @inline(__always)
    private static func rows(of bitmap: UnsafePointer<UInt64>, _ body: (Int) -> Void) {
        for index in 0..<Container.bitmapWords {
            var word = bitmap[index]
            while word != 0 {
                body(index << 6 | word.trailingZeroBitCount)
                word &= word - 1
            }
        }
    }
}
