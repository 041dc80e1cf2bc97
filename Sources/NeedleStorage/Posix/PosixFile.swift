import Glibc
package import NeedleCore
import Synchronization

/// A file of the operating system, by its descriptor.
///
/// Interrupted calls are repeated, short reads and writes continued. `close` must not run while another
/// call on the same object is under way: the number of the descriptor may be given to another file at once.
package final class PosixFile: StorageFile {
    package let path: String
    private let descriptor: Atomic<Int32>

    init(path: String, descriptor: Int32) {
        self.path = path
        self.descriptor = Atomic(descriptor)
    }

    deinit {
        close()
    }

    package func close() {
        let number = descriptor.exchange(-1, ordering: .sequentiallyConsistent)
        // Linux frees the descriptor even when close fails; what mattered was synced before.
        if number >= 0 { _ = Glibc.close(number) }
    }

    private func open(for operation: String) throws(DatabaseError) -> Int32 {
        let number = descriptor.load(ordering: .acquiring)
        guard number >= 0 else { throw PosixError.make(operation, path, EBADF) }
        return number
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(DatabaseError) -> Int
    {
        precondition(offset >= 0, "an offset inside a file")
        let number = try open(for: "read")
        guard let base = buffer.baseAddress else { return 0 }
        var done = 0
        while done < buffer.count {
            let got = try retryingInterrupts("read", path) {
                pread(number, base + done, buffer.count - done, off_t(offset + done))
            }
            if got == 0 { break }
            done += got
        }
        return done
    }

    package func write(_ bytes: RawSpan, at offset: Int) throws(DatabaseError) {
        precondition(offset >= 0, "an offset inside a file")
        let number = try open(for: "write")
        var failure: DatabaseError?
        bytes.withUnsafeBytes { source in
            guard let base = source.baseAddress else { return }
            var done = 0
            while done < source.count {
                do throws(DatabaseError) {
                    done += try retryingInterrupts("write", path) {
                        pwrite(number, base + done, source.count - done, off_t(offset + done))
                    }
                } catch {
                    failure = error
                    return
                }
            }
        }
        if let failure { throw failure }
    }

    package func sync() throws(DatabaseError) {
        // Not repeated after EINTR: a sync that did not say "done" is a failed sync.
        let number = try open(for: "sync")
        if fdatasync(number) != 0 { throw PosixError.make("sync", path, errno) }
    }

    package func size() throws(DatabaseError) -> Int {
        let number = try open(for: "stat")
        var status = stat()
        _ = try retryingInterrupts("stat", path) { fstat(number, &status) }
        return Int(status.st_size)
    }

    package func preallocate(_ byteCount: Int) throws(DatabaseError) {
        let number = try open(for: "preallocate")
        // Returns its error instead of setting errno, and writes zeros itself where the file system cannot
        // reserve.
        let code = posix_fallocate(number, 0, off_t(byteCount))
        if code != 0 { throw PosixError.make("preallocate", path, code) }
    }

    package func truncate(to byteCount: Int) throws(DatabaseError) {
        precondition(byteCount >= 0, "a size")
        let number = try open(for: "truncate")
        _ = try retryingInterrupts("truncate", path) { ftruncate(number, off_t(byteCount)) }
    }

    package func map() throws(DatabaseError) -> MappedRegion {
        let number = try open(for: "map")
        let count = try size()
        guard count > 0 else { return Self.emptyRegion() }
        guard let address = mmap(nil, count, PROT_READ, MAP_SHARED, number, 0), address != MAP_FAILED else {
            throw PosixError.make("map", path, errno)
        }
        // Evicting goes by a descriptor, and the region outlives the file's. Without one nothing is evicted.
        let descriptor = fcntl(number, F_DUPFD_CLOEXEC, 0)
        // SAFETY: the region owns the mapping [base, base + count) and unmaps it once; the closures only
        // name it.
        nonisolated(unsafe) let base = address
        return MappedRegion(
            base: UnsafeRawPointer(base), count: count,
            advise: { range, advice in
                let start = range.lowerBound / 4096 * 4096
                // Advice is only advice: a kernel that refuses it changes nothing.
                _ = madvise(base + start, range.upperBound - start, Self.number(of: advice))
                if advice == .evict {
                    // Unmapped above; the page cache lets go of pages that nobody maps. MADV_PAGEOUT would do
                    // both, but leaves large folios where they are (seen with ext4 on Linux 6.18).
                    _ = posix_fadvise(
                        descriptor, off_t(start), off_t(range.upperBound - start), POSIX_FADV_DONTNEED)
                }
            },
            residency: { range in Self.residentBytes(of: range, in: base) },
            release: {
                munmap(base, count)
                if descriptor >= 0 { _ = Glibc.close(descriptor) }
            })
    }

    private static func emptyRegion() -> MappedRegion {
        // SAFETY: never read, since its count is 0; any aligned address will do.
        // swift-format-ignore: NeverForceUnwrap
        let address = UnsafeRawPointer(bitPattern: 4096)!
        return MappedRegion(base: address, count: 0, advise: { _, _ in }, release: {})
    }

    private static func number(of advice: MappingAdvice) -> Int32 {
        switch advice {
        case .normal: Int32(MADV_NORMAL)
        case .random: Int32(MADV_RANDOM)
        case .sequential: Int32(MADV_SEQUENTIAL)
        case .willNeed: Int32(MADV_WILLNEED)
        case .dontNeed: Int32(MADV_DONTNEED)
        // The pages are clean: what is mapped was synced before it was named.
        case .evict: Int32(MADV_DONTNEED)
        }
    }

    /// Pages asked about at once.
    private static let askedPages = 1 << 16

    /// What `mincore` says of the pages that the range touches.
    private static func residentBytes(of range: Range<Int>, in base: UnsafeMutableRawPointer) -> Int {
        var page = range.lowerBound / 4096
        let end = (range.upperBound + 4095) / 4096
        var states = [UInt8](repeating: 0, count: min(askedPages, end - page))
        var resident = 0
        while page < end {
            let count = min(states.count, end - page)
            guard mincore(base + page * 4096, count * 4096, &states) == 0 else { break }
            resident += states[..<count].count { $0 & 1 != 0 }
            page += count
        }
        return resident * 4096
    }
}
