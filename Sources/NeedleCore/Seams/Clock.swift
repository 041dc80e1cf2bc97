/// The only source of time below the network line, so that tests and replays decide what time it is.
///
/// Implementations are safe to call from any thread.
package protocol Clock: AnyObject, Sendable {
    /// Milliseconds since 1970, as the system believes. May jump; the log never lets it go backwards.
    func wallMilliseconds() -> Int64
    /// Nanoseconds since an arbitrary start, never going backwards. For deadlines and durations.
    func monotonicNanoseconds() -> UInt64
}
