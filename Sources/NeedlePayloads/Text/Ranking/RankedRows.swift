/// A row of a segment with its score.
package struct RankedRow: Equatable, Sendable {
    /// The number that the caller gave to the segment.
    package let segment: Int
    package let row: UInt32
    package let score: Double

    package init(segment: Int, row: UInt32, score: Double) {
        self.segment = segment
        self.row = row
        self.score = score
    }
}

/// The best rows of those offered so far: a heap with the worst on top.
///
/// Higher scores first; equal ones in the caller's order (ties go to the smaller id), which is asked only then. The
/// outcome does not depend on the order of the offers.
struct RankedRows {
    private let capacity: Int
    private let precedes: (RankedRow, RankedRow) -> Bool
    private var heap: [RankedRow] = []

    init(capacity: Int, precedes: @escaping (RankedRow, RankedRow) -> Bool) {
        precondition(capacity > 0, "room for at least one row")
        self.capacity = capacity
        self.precedes = precedes
    }

    /// A score that does not reach this cannot enter any more.
    var threshold: Double { heap.count < capacity ? -.infinity : heap[0].score }

    mutating func offer(_ row: RankedRow) {
        if heap.count < capacity {
            heap.append(row)
            siftUp(heap.count - 1)
        } else if isBetter(row, heap[0]) {
            heap[0] = row
            siftDown(0)
        }
    }

    /// Best first.
    consuming func sorted() -> [RankedRow] {
        let precedes = precedes
        return heap.sorted { left, right in
            left.score != right.score ? left.score > right.score : precedes(left, right)
        }
    }

    private func isBetter(_ left: RankedRow, _ right: RankedRow) -> Bool {
        left.score != right.score ? left.score > right.score : precedes(left, right)
    }

    private mutating func siftUp(_ start: Int) {
        var child = start
        while child > 0 {
            let parent = (child - 1) / 2
            guard isBetter(heap[parent], heap[child]) else { return }
            heap.swapAt(parent, child)
            child = parent
        }
    }

    private mutating func siftDown(_ start: Int) {
        var parent = start
        while true {
            var worst = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if isBetter(heap[worst], heap[child]) { worst = child }
            }
            guard worst != parent else { return }
            heap.swapAt(parent, worst)
            parent = worst
        }
    }
}
