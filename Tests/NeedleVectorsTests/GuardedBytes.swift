import Glibc

/// Memory whose last byte is followed by a page that must not be touched: reading or writing past the end ends
/// the test process.
final class GuardedBytes {
    private let start: UnsafeMutableRawPointer
    private let mapped: Int
    private let end: UnsafeMutableRawPointer

    init(capacity: Int) {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let usable = (capacity + page - 1) / page * page
        mapped = usable + page
        guard
            let memory = mmap(nil, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            memory != MAP_FAILED, mprotect(memory + usable, page, PROT_NONE) == 0
        else { preconditionFailure("no memory for a test") }
        start = memory
        end = memory + usable
    }

    deinit { munmap(start, mapped) }

    /// Room for `count` elements that ends at the guard.
    func last<Element: BitwiseCopyable>(_ count: Int, _: Element.Type) -> UnsafeMutablePointer<Element> {
        (end - count * MemoryLayout<Element>.stride).bindMemory(to: Element.self, capacity: count)
    }
}
