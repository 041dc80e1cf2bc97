// What the server asks of the process it is: files, signals, memory figures.

import Glibc

package enum ProcessSettings {
    /// Lets the process open as many files as the administrator allows at most: every connection is one.
    ///
    /// - Returns: how many that is.
    package static func raiseFileLimit() -> Int {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(resource, &limit) == 0 else { return 0 }
        if limit.rlim_cur < limit.rlim_max {
            var raised = limit
            raised.rlim_cur = limit.rlim_max
            setrlimit(resource, &raised)
        }
        return fileLimit()
    }

    /// A peer that has gone is an error of the write, not the end of the process.
    package static func ignoreBrokenPipes() {
        signal(SIGPIPE, SIG_IGN)
    }

    /// Gives large buffers back to the system when they are freed.
    ///
    /// By default glibc raises the size from which it does so up to 32 MiB as it sees large buffers freed, and
    /// what lies below stays with the process: after a burst of long lines, hundreds of megabytes.
    package static func returnLargeBuffers() {
        // `mallopt` is not in Swift's map of the C library; other C libraries have none, and then nothing is done.
        guard let symbol = dlsym(nil, "mallopt") else { return }
        // SAFETY: glibc's `int mallopt(int, int)`, called before other threads begin.
        let mallopt = unsafeBitCast(symbol, to: (@convention(c) (Int32, Int32) -> Int32).self)
        // M_MMAP_THRESHOLD; naming it also ends its adjustment.
        _ = mallopt(-3, 1 << 20)
    }

    /// Resident memory in bytes, from `/proc/self/statm`; 0 when it cannot be read.
    package static func residentBytes() -> Int {
        let fields = (try? TextFile.contents(of: "/proc/self/statm"))?.split(separator: " ") ?? []
        guard fields.count > 1, let pages = Int(fields[1]) else { return 0 }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// Processor time of all threads so far, in seconds.
    package static func processorSeconds() -> Double {
        var time = timespec()
        guard clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 else { return 0 }
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// How many files and sockets may be open.
    package static func fileLimit() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
        return limit.rlim_cur > rlim_t(Int.max) ? Int.max : Int(limit.rlim_cur)
    }

    /// How many are, from `/proc/self/fd`; 0 when it cannot be read.
    package static func openFiles() -> Int {
        guard let directory = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(directory) }
        var entries = 0
        while readdir(directory) != nil { entries += 1 }
        // The directory itself and its two dots.
        return max(0, entries - 3)
    }

    package static var cores: Int {
        max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    }
}
