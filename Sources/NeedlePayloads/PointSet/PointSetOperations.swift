// Intersection, union, difference, and "at least n of these". Two containers of lists, or a list and a bitmap, are
// combined as they lie; all others by way of a bitmap of 8 KiB. O(containers), each at most 1024 words.

extension PointSet {
    package func intersection(_ other: PointSet) -> PointSet {
        if isEmpty || other.isEmpty { return .empty }
        return combined(with: other) { $0.intersect($1, $2, into: &$3) }
    }

    package func union(_ other: PointSet) -> PointSet {
        if isEmpty { return other }
        if other.isEmpty { return self }
        return combined(with: other, keepingLeft: true, keepingRight: true) { $0.unite($1, $2, into: &$3) }
    }

    package func subtracting(_ other: PointSet) -> PointSet {
        if isEmpty || other.isEmpty { return self }
        return combined(with: other, keepingLeft: true) { $0.subtract($1, $2, into: &$3) }
    }

    /// Rows [0, rows) that are not in the set.
    package func complement(within rows: Int) -> PointSet {
        PointSet(0..<rows).subtracting(self)
    }

    /// Whether there are no rows but below `rows`, also where the set is damaged. O(elements of the last container).
    package func isWithin(_ rows: Int) -> Bool {
        keepingAlive { greatest.map { Int($0) < rows } ?? true }
    }

    /// Rows below `rows`: the set itself if it has no others.
    package func clamped(below rows: Int) -> PointSet {
        isWithin(rows) ? self : intersection(PointSet(0..<rows))
    }

    private var greatest: UInt32? {
        guard containerCount > 0 else { return nil }
        let container = container(at: containerCount - 1)
        return UInt32(key(at: containerCount - 1)) << 16 | UInt32(truncatingIfNeeded: container.greatest)
    }

    /// Bit `row % 64` of word `row / 64` for each row below `rows`.
    ///
    /// - Complexity: O(rows / 64 + containers).
    package func bitmap(below rows: Int) -> [UInt64] {
        let containers = (rows + 0xFFFF) >> 16
        let size = containers * Container.bitmapWords
        let words = [UInt64](unsafeUninitializedCapacity: size) { words, count in
            guard let base = words.baseAddress else { return }
            base.update(repeating: 0, count: size)
            keepingAlive {
                for index in 0..<containerCount where key(at: index) < containers {
                    container(at: index).or(into: base + key(at: index) * Container.bitmapWords)
                }
            }
            count = (rows + 63) / 64
            if rows % 64 > 0 { base[count - 1] &= 1 << UInt64(rows % 64) - 1 }
        }
        return words
    }

    /// How many rows both have, without making the set.
    package func intersectionCount(_ other: PointSet) -> Int {
        if isEmpty || other.isEmpty { return 0 }
        var total = 0
        let scratch = ContainerScratch()
        walk(other) { _, left, right in
            if let left, let right { total += scratch.intersectionCount(left, right) }
        }
        return total
    }

    /// O(log containers + log container).
    package func contains(_ row: UInt32) -> Bool {
        keepingAlive { find(key: Int(row >> 16))?.contains(Int(row & 0xFFFF)) ?? false }
    }

    /// Rows that at least `minimum` of the sets have. O(rows of all sets).
    package static func atLeast(_ minimum: Int, of sets: [PointSet]) -> PointSet {
        precondition(minimum > 0, "at least none is every row, which a set does not know")
        guard minimum <= sets.count else { return .empty }
        if minimum == 1 { return union(of: sets) }
        let keys = Set(sets.flatMap { set in (0..<set.containerCount).map(set.key) }).sorted()
        var builder = PointSetBuilder()
        var counts = [UInt32](repeating: 0, count: 1 << 16)
        var rows: [UInt16] = []
        for key in keys {
            for index in counts.indices { counts[index] = 0 }
            for set in sets { set.keepingAlive { set.find(key: key)?.forEach { counts[$0] += 1 } } }
            rows.removeAll(keepingCapacity: true)
            for (row, count) in counts.enumerated() where count >= minimum { rows.append(UInt16(row)) }
            rows.withUnsafeBufferPointer { builder.append(key: key, list: $0) }
        }
        return builder.finish()
    }

    /// Rows that any of the sets has.
    package static func union(of sets: [PointSet]) -> PointSet {
        switch sets.count {
        case 0: return .empty
        case 1: return sets[0]
        case 2: return sets[0].union(sets[1])
        default:
            let all = PointSetAccumulator()
            for set in sets { all.insert(set) }
            return all.finish()
        }
    }

    // MARK: Walking two sets side by side

    private func combined(
        with other: PointSet, keepingLeft: Bool = false, keepingRight: Bool = false,
        _ combine: (ContainerScratch, Container, Container, inout (PointSetBuilder, key: Int)) -> Void
    ) -> PointSet {
        let scratch = ContainerScratch()
        var output = (PointSetBuilder(), key: 0)
        walk(other) { key, left, right in
            output.key = key
            switch (left, right) {
            case (let left?, let right?): combine(scratch, left, right, &output)
            case (let left?, nil): if keepingLeft { output.0.append(key: key, copy: left) }
            case (nil, let right?): if keepingRight { output.0.append(key: key, copy: right) }
            case (nil, nil): break
            }
        }
        return output.0.finish()
    }

    private func walk(_ other: PointSet, _ body: (Int, Container?, Container?) -> Void) {
        keepingAlive {
            other.keepingAlive {
                var i = 0
                var j = 0
                while i < containerCount || j < other.containerCount {
                    let left = i < containerCount ? key(at: i) : .max
                    let right = j < other.containerCount ? other.key(at: j) : .max
                    body(
                        Swift.min(left, right), left <= right ? container(at: i) : nil,
                        right <= left ? other.container(at: j) : nil)
                    if left <= right { i += 1 }
                    if right <= left { j += 1 }
                }
            }
        }
    }
}

/// Room for one container while two are combined. Not thread safe.
private final class ContainerScratch {
    private let bitmap = UnsafeMutablePointer<UInt64>.allocate(capacity: Container.bitmapWords)
    /// A row more than the longest list, for the element that is written before it is known whether it counts.
    private let list = UnsafeMutablePointer<UInt16>.allocate(capacity: 2 * Container.longestList + 1)

    deinit {
        bitmap.deallocate()
        list.deallocate()
    }

    typealias Output = (PointSetBuilder, key: Int)

    func intersect(_ left: Container, _ right: Container, into output: inout Output) {
        if left.isFull { return output.0.append(key: output.key, copy: right) }
        if right.isFull { return output.0.append(key: output.key, copy: left) }
        if let short = Self.shortList(left, right) {
            let kept = keep(short.list, of: short.other, where: true)
            return output.0.append(key: output.key, list: UnsafeBufferPointer(start: list, count: kept))
        }
        intersectBitmaps(left, right)
        output.0.append(key: output.key, bitmap: bitmap)
    }

    func intersectionCount(_ left: Container, _ right: Container) -> Int {
        if left.isFull { return right.count }
        if right.isFull { return left.count }
        if let short = Self.shortList(left, right) { return keep(short.list, of: short.other, where: true) }
        intersectBitmaps(left, right)
        var total = 0
        for index in 0..<Container.bitmapWords { total += bitmap[index].nonzeroBitCount }
        return total
    }

    func unite(_ left: Container, _ right: Container, into output: inout Output) {
        if left.isFull { return output.0.append(key: output.key, copy: left) }
        if right.isFull { return output.0.append(key: output.key, copy: right) }
        expand(left)
        right.or(into: bitmap)
        output.0.append(key: output.key, bitmap: bitmap)
    }

    func subtract(_ left: Container, _ right: Container, into output: inout Output) {
        if right.isFull { return }
        if left.kind == .list, left.elements <= Container.longestList {
            let kept = keep(left.list, of: right, where: false)
            return output.0.append(key: output.key, list: UnsafeBufferPointer(start: list, count: kept))
        }
        expand(left)
        right.remove(from: bitmap)
        output.0.append(key: output.key, bitmap: bitmap)
    }

    // MARK: Steps

    /// The shorter one of two of which at least one is a list.
    private static func shortList(
        _ left: Container, _ right: Container
    ) -> (list: UnsafeBufferPointer<UInt16>, other: Container)? {
        func fits(_ container: Container) -> Bool {
            container.kind == .list && container.elements <= Container.longestList
        }
        switch (fits(left), fits(right)) {
        case (true, true): return left.count <= right.count ? (left.list, right) : (right.list, left)
        case (true, false): return (left.list, right)
        case (false, true): return (right.list, left)
        case (false, false): return nil
        }
    }

    /// Writes the rows that the container has, or has not, to `list`.
    ///
    /// - Returns: how many.
    private func keep(_ rows: UnsafeBufferPointer<UInt16>, of other: Container, where wanted: Bool) -> Int {
        var kept = 0
        switch other.kind {
        case .bitmap:
            let bits = other.bitmap
            let flip: UInt64 = wanted ? 0 : 1
            for row in rows {
                list[kept] = row
                kept += Int(bits[Int(row >> 6)] >> UInt64(row & 63) & 1 ^ flip)
            }
        case .list where other.elements < 32 * rows.count:
            let others = other.list
            var place = 0
            for row in rows {
                while place < others.count, others[place] < row { place += 1 }
                list[kept] = row
                if (place < others.count && others[place] == row) == wanted { kept += 1 }
            }
        case .list, .runs:
            for row in rows {
                list[kept] = row
                if other.contains(Int(row)) == wanted { kept += 1 }
            }
        }
        return kept
    }

    private func expand(_ container: Container) {
        if container.kind == .bitmap {
            bitmap.update(from: container.bitmap, count: Container.bitmapWords)
        } else {
            bitmap.update(repeating: 0, count: Container.bitmapWords)
            container.or(into: bitmap)
        }
    }

    private func intersectBitmaps(_ left: Container, _ right: Container) {
        guard right.kind == .bitmap else {
            guard left.kind == .bitmap else { return intersectRuns(left, right) }
            return intersectBitmaps(right, left)
        }
        expand(left)
        let other = right.bitmap
        for index in 0..<Container.bitmapWords { bitmap[index] &= other[index] }
    }

    /// Two containers of runs.
    private func intersectRuns(_ left: Container, _ right: Container) {
        bitmap.update(repeating: 0, count: Container.bitmapWords)
        var i = 0
        var j = 0
        while i < left.elements, j < right.elements {
            let a = left.run(at: i)
            let b = right.run(at: j)
            if a.overlaps(b) { Bits.set(a.clamped(to: b), in: bitmap) }
            if a.upperBound < b.upperBound { i += 1 } else { j += 1 }
        }
    }
}
