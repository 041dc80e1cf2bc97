// Bounded selection of the nearest rows.

/// The k nearest of the rows offered so far.
///
/// A binary heap with the worst on top: an offer that is not better costs one comparison, a better one O(log
/// k). Rows at exactly equal distances are ordered by `precedes`, which the caller supplies (ties go to the
/// smaller point id, which only the caller knows) and which is consulted only then. The result does not
/// depend on the order of the offers.
package struct TopK {
    package let capacity: Int
    private var heap: [Neighbour] = []

    /// - Parameter capacity: k; 0 keeps nothing.
    package init(capacity: Int) {
        precondition(capacity >= 0)
        self.capacity = capacity
        heap.reserveCapacity(min(capacity, 1024))
    }

    package var count: Int { heap.count }

    /// Distances above this one need not be offered: +∞ until k rows are held, −∞ for k = 0.
    package var bound: Double {
        if heap.count < capacity { return .infinity }
        return heap.first?.distance ?? -.infinity
    }

    /// Takes the row if it belongs to the k nearest. `precedes(a, b)`: whether row a goes before row b at
    /// equal distance.
    package mutating func offer(
        _ candidate: Neighbour, precedes: (UInt32, UInt32) -> Bool
    ) {
        if heap.count < capacity {
            heap.append(candidate)
            siftUp(precedes)
        } else if let worst = heap.first, Self.isBefore(candidate, worst, precedes) {
            heap[0] = candidate
            siftDown(precedes)
        }
    }

    /// Offers a whole block: distance i belongs to row `first + i`.
    package mutating func offer(
        _ distances: Span<Float>, from first: UInt32, precedes: (UInt32, UInt32) -> Bool
    ) {
        for i in distances.indices {
            let distance = Double(distances[unchecked: i])
            if distance <= bound {
                offer(Neighbour(distance: distance, row: first + UInt32(i)), precedes: precedes)
            }
        }
    }

    /// Everything held, nearest first. - Complexity: O(k log k).
    package func sorted(precedes: (UInt32, UInt32) -> Bool) -> [Neighbour] {
        heap.sorted { Self.isBefore($0, $1, precedes) }
    }

    @inline(__always)
    private static func isBefore(_ a: Neighbour, _ b: Neighbour, _ precedes: (UInt32, UInt32) -> Bool) -> Bool
    {
        if a.distance != b.distance { return a.distance < b.distance }
        return precedes(a.row, b.row)
    }

    private mutating func siftUp(_ precedes: (UInt32, UInt32) -> Bool) {
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard Self.isBefore(heap[parent], heap[child], precedes) else { return }
            heap.swapAt(parent, child)
            child = parent
        }
    }

    private mutating func siftDown(_ precedes: (UInt32, UInt32) -> Bool) {
        var parent = 0
        while true {
            let left = 2 * parent + 1
            var worst = parent
            if left < heap.count, Self.isBefore(heap[worst], heap[left], precedes) { worst = left }
            if left + 1 < heap.count, Self.isBefore(heap[worst], heap[left + 1], precedes) {
                worst = left + 1
            }
            if worst == parent { return }
            heap.swapAt(parent, worst)
            parent = worst
        }
    }
}
