// Threads of background work give way to threads that somebody waits for.
//
// A low priority alone is not enough: Linux (since 6.6) lets a thread finish its slice, some milliseconds,
// before one that has just woken may take its place, whatever their priorities. A thread with a longer slice
// than the other's (since 6.12) has no such protection. Measured on one core with a busy thread at nice 10: a thread
// that wakes waits 3.8 ms in one of a thousand cases, and 0.2 ms when the busy one asked for a long slice.

import Glibc

/// Lowers the calling thread's priority.
package func lowerThreadPriority() {
    if !askForBackgroundScheduling() {
        // On Linux "process" 0 is the calling thread alone.
        _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
    }
}

/// `struct sched_attr` of the first version: 48 bytes.
private struct SchedulingAttributes {
    var size: UInt32 = 48
    /// SCHED_BATCH: waking up, it takes nobody's place.
    var policy: UInt32 = 3
    var flags: UInt64 = 0
    var nice: Int32 = 10
    var priority: UInt32 = 0
    /// The slice in nanoseconds; older kernels ignore it.
    var runtime: UInt64 = 20_000_000
    var deadline: UInt64 = 0
    var period: UInt64 = 0
}

/// - Returns: false when the kernel, or a filter of system calls, does not want to.
private func askForBackgroundScheduling() -> Bool {
    #if arch(x86_64)
        let number = 314
    #elseif arch(arm64)
        let number = 274
    #else
        return false
    #endif
    // The C library has had no function for this call until lately, and `syscall` is variadic.
    guard let symbol = dlsym(nil, "syscall") else { return false }
    // SAFETY: `long syscall(long, …)`; both architectures pass variadic integers and pointers like others on Linux. The
    // kernel reads `size` bytes of the attributes, which are laid out as C would.
    typealias Call = @convention(c) (Int, Int, UnsafeRawPointer, Int) -> Int
    let call = unsafeBitCast(symbol, to: Call.self)
    let attributes = SchedulingAttributes()
    return withUnsafePointer(to: attributes) { call(number, 0, UnsafeRawPointer($0), 0) == 0 }
}
