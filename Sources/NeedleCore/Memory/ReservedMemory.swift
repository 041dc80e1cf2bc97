import Glibc
package import Synchronization

/// A range of address space that is reserved at once and becomes memory page by page when it is first
/// written.
///
/// Growing structures (rows, graph links) live in such ranges, so that their addresses never move: readers
/// need no lock, and the layout is the one a sealed file has in its mapping. Unwritten bytes read as zero.
/// The owner frees the range when it goes; nothing that points into it may outlive it.
package final class ReservedMemory: Sendable {
    // SAFETY: the range is owned by this object alone, made in init and freed in deinit; who may write
    // which bytes when is the business of the structures built on it, each of which says so.
    package nonisolated(unsafe) let base: UnsafeMutableRawPointer
    /// Bytes reserved, a multiple of the page size.
    package let byteCount: Int
    /// So few bytes come from the heap: a mapping would cost system calls and a page table for them.
    private static let fewBytes = 8_192
    private var isMapped: Bool { byteCount > Self.fewBytes }

    /// - Throws: `memory_budget` when the system has no address space left for it.
    package init(byteCount: Int) throws(DatabaseError) {
        precondition(byteCount >= 0)
        let page = 4096
        let rounded = max(page, (byteCount + page - 1) / page * page)
        self.byteCount = rounded
        if rounded <= Self.fewBytes {
            base = .allocate(byteCount: rounded, alignment: 64)
            base.initializeMemory(as: UInt8.self, repeating: 0, count: rounded)
            return
        }
        let address = mmap(
            nil, rounded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let address, address != MAP_FAILED else {
            throw DatabaseError(
                .memoryBudget,
                "could not reserve \(rounded) bytes of address space: \(String(cString: strerror(errno)))")
        }
        base = address
    }

    deinit {
        if isMapped { munmap(base, byteCount) } else { base.deallocate() }
    }

    /// Asks the system for large pages wherever the range is used from now on, and to put what is used already
    /// together in the background. It may not; nothing but speed depends on it. A page written then costs two
    /// megabytes, so this is for ranges of which far more is used.
    package func adviseLargePages() {
        if isMapped { _ = madvise(base, byteCount, MADV_HUGEPAGE) }
    }

    /// The range as an array of `Element`, zero-initialised.
    package func bound<Element: BitwiseCopyable>(to type: Element.Type) -> UnsafeMutablePointer<Element> {
        base.bindMemory(to: type, capacity: byteCount / MemoryLayout<Element>.stride)
    }

    /// The range as an array of atomic words, zero-initialised.
    package func boundAtomically<Word>(to type: Word.Type) -> UnsafeMutablePointer<Atomic<Word>> {
        // SAFETY: `Atomic<Word>` has the representation of `Word`, for which all-zero bytes are a valid
        // value.
        base.bindMemory(to: Atomic<Word>.self, capacity: byteCount / MemoryLayout<Word>.stride)
    }
}
