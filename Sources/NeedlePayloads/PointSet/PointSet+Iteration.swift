extension PointSet: Sequence {
    /// Calls with each row, rising: faster than an iterator.
    @inline(__always)
    package func forEachRow<Failure: Error>(_ body: (UInt32) throws(Failure) -> Void) throws(Failure) {
        try withExtendedLifetime(self) { () throws(Failure) in
            for index in 0..<containerCount {
                let high = UInt32(key(at: index)) << 16
                try container(at: index).forEach { (low) throws(Failure) in try body(high | UInt32(low)) }
            }
        }
    }

    package func makeIterator() -> Iterator { Iterator(self) }

    package var underestimatedCount: Int { 0 }

    /// The rows, rising.
    package struct Iterator: IteratorProtocol {
        private let set: PointSet
        private var index = -1
        private var container: Container?
        private var high: UInt32 = 0
        /// Value of a list, word of a bitmap, run.
        private var place = 0
        /// Bits of a bitmap's word that are left.
        private var word: UInt64 = 0
        /// Next row of a run.
        private var row = -1

        init(_ set: PointSet) { self.set = set }

        package mutating func next() -> UInt32? {
            while true {
                if let container, let low = nextLow(container) { return high | UInt32(low) }
                index += 1
                guard index < set.containerCount else { return nil }
                let opened = set.container(at: index)
                container = opened
                high = UInt32(set.key(at: index)) << 16
                place = 0
                row = -1
                word = opened.kind == .bitmap ? opened.bitmap[0] : 0
            }
        }

        private mutating func nextLow(_ container: Container) -> Int? {
            switch container.kind {
            case .list:
                guard place < container.elements else { return nil }
                defer { place += 1 }
                return Int(container.list[place])
            case .bitmap:
                while word == 0 {
                    place += 1
                    guard place < Container.bitmapWords else { return nil }
                    word = container.bitmap[place]
                }
                defer { word &= word - 1 }
                return place << 6 | word.trailingZeroBitCount
            case .runs:
                guard place < container.elements else { return nil }
                let run = container.run(at: place)
                row = row < 0 ? run.lowerBound : row + 1
                let result = row
                if row == run.upperBound {
                    place += 1
                    row = -1
                }
                return result
            }
        }
    }
}
