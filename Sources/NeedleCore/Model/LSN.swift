/// A log sequence number: the position of a write in its collection's log.
///
/// It belongs to one collection, rises with every write and is never given twice, also after a crash. A point's
/// `version` is the LSN of the write that last changed it. `zero` is the state before the first write.
package struct LSN: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let value: UInt64

    @inlinable
    package init(_ value: UInt64) {
        self.value = value
    }

    package static let zero = LSN(0)
    /// "Never": the deletion LSN of a row that is alive.
    package static let infinity = LSN(.max)

    @inlinable
    package static func < (left: LSN, right: LSN) -> Bool {
        left.value < right.value
    }

    package var next: LSN { LSN(value + 1) }

    package var description: String { String(value) }
}
