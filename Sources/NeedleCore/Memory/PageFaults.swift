import Glibc

/// What the system counts of a thread's page faults.
package enum PageFaults {
    /// Faults of the calling thread so far that had to wait for a disk. About 0.3 µs.
    package static func waitedForDisk() -> Int {
        // RUSAGE_THREAD, which Swift's map of the C library leaves out.
        let thread: Int32 = 1
        var usage = rusage()
        guard getrusage(thread, &usage) == 0 else { return 0 }
        return usage.ru_majflt
    }
}
