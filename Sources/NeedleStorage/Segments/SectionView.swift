/// The elements of a section, where they lie in the mapping.
///
/// Unsafe in two ways, which is why it is marked so: it must not outlive the `SegmentReader` that gave it,
/// and the subscript does not check its index in release builds. What it points at may be damaged (see
/// `SegmentReader.verify`); numbers read from it that are used as indexes are checked by whoever uses them.
@unsafe
package struct SectionView<Element: BitwiseCopyable>: @unchecked Sendable {
    // SAFETY: points into a read-only mapping at a multiple of 64 bytes, with `count` elements behind it;
    // both were checked when the segment was opened. Read-only memory may be shared between threads.
    package let base: UnsafePointer<Element>
    package let count: Int

    @inlinable
    package init(base: UnsafePointer<Element>, count: Int) {
        unsafe self.base = base
        self.count = count
    }

    @inlinable
    package subscript(index: Int) -> Element {
        unsafe assert(index >= 0 && index < count, "an element of the section")
        return unsafe base[index]
    }
}
