/// Gathers rows and sets in any order: a bitmap for every 65,536 rows that anything was added to.
///
/// O(1) a row. Not thread safe.
package final class PointSetAccumulator {
    /// By the upper 16 bits of the rows.
    private var bitmaps: [UnsafeMutablePointer<UInt64>?] = []
    /// Rows that were added, some perhaps more than once.
    private var added = 0

    package init() {}

    deinit { for case let bitmap? in bitmaps { bitmap.deallocate() } }

    @inline(__always)
    package func insert(_ row: UInt32) {
        added += 1
        bitmap(Int(row >> 16))[Int(row & 0xFFFF) >> 6] |= 1 << UInt64(row & 63)
    }

    package func insert(_ set: PointSet) {
        added += set.count
        set.keepingAlive {
            for index in 0..<set.containerCount {
                set.container(at: index).or(into: bitmap(set.key(at: index)))
            }
        }
    }

    package func finish() -> PointSet {
        var builder = PointSetBuilder()
        for (key, bitmap) in bitmaps.enumerated() {
            if let bitmap { builder.append(key: key, bitmap: bitmap, most: added) }
        }
        return builder.finish()
    }

    @inline(__always)
    private func bitmap(_ key: Int) -> UnsafeMutablePointer<UInt64> {
        if key < bitmaps.count, let bitmap = bitmaps[key] { return bitmap }
        return add(key)
    }

    private func add(_ key: Int) -> UnsafeMutablePointer<UInt64> {
        while bitmaps.count <= key { bitmaps.append(nil) }
        let bitmap = UnsafeMutablePointer<UInt64>.allocate(capacity: Container.bitmapWords)
        bitmap.initialize(repeating: 0, count: Container.bitmapWords)
        bitmaps[key] = bitmap
        return bitmap
    }
}
