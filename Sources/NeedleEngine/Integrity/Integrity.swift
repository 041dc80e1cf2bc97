import NeedleCore
import Synchronization

/// The checking of a collection's files: how fast it may read, and the scrub under way or the next one due.
///
/// One thread scrubs at a time; others find the place taken and go on. Safe to use from any thread.
final class Integrity: Sendable {
    let verification: ReadPace
    let scrubbing: ReadPace
    private let interval: UInt64
    private let state: Mutex<State>
    /// Of blocks that the disk did not give.
    private let retries = Mutex(Backoff())
    private let damagedLog = Mutex<(error: DatabaseError, through: LSN)?>(nil)

    struct State {
        var run: ScrubRun?
        /// Nanoseconds of the monotonic clock.
        var dueAt: UInt64
    }

    /// The pass over all blocks after opening counts as a scrub, so the first one is due an interval later.
    init(options: EngineOptions, now: UInt64) {
        verification = ReadPace(bytesPerSecond: options.verifyBytesPerSecond)
        scrubbing = ReadPace(bytesPerSecond: options.scrubBytesPerSecond)
        interval = UInt64(options.scrubIntervalMS) * 1_000_000
        state = Mutex(State(dueAt: interval > 0 ? now + interval : .max))
    }

    /// The job under way, or the one that `make` begins now.
    func beginScrub(_ make: () -> ScrubRun) -> Job {
        state.withLock { state in
            if let run = state.run { return run.job }
            let run = make()
            state.run = run
            return run.job
        }
    }

    func cancelScrub(at now: UInt64) {
        let run = state.withLock { state in
            if state.run != nil { state.dueAt = interval > 0 ? now + interval : .max }
            return state.run.take()
        }
        run?.cancel()
    }

    /// Does a step of the scrub under way, or of the one that `make` begins because it is due.
    ///
    /// - Parameter step: false when there is nothing it can do now.
    func stepScrub(
        at now: UInt64, make: () -> ScrubRun, step: (inout ScrubRun) -> Bool
    ) -> Bool {
        guard scrubbing.pause(at: now) == 0 else { return false }
        return state.withLockIfAvailable { state in
            if state.run == nil, now >= state.dueAt { state.run = make() }
            guard var run = state.run.take() else { return false }
            let did = step(&run)
            if run.isOver {
                state.dueAt = interval > 0 ? now + interval : .max
            } else {
                state.run = run
            }
            return did
        } ?? false
    }

    /// Nanoseconds until the next step of a scrub; `nil` when none is due.
    func scrubPause(at now: UInt64) -> UInt64? {
        let (isRunning, dueAt) = state.withLockIfAvailable { ($0.run != nil, $0.dueAt) } ?? (false, .max)
        if isRunning { return max(scrubbing.pause(at: now), 1_000_000) }
        return dueAt == .max ? nil : max(dueAt, now + 1_000_000) - now
    }

    // MARK: The log

    /// What is wrong with a log file that is still needed, if so.
    var logDamage: DatabaseError? { damagedLog.withLock { $0?.error } }

    /// - Parameter lsn: a checkpoint up to here lets the damaged file go.
    func noteLogDamage(_ error: DatabaseError, through lsn: LSN) {
        damagedLog.withLock { $0 = ($0?.error ?? error, lsn) }
    }

    func noteCheckpoint(at lsn: LSN) {
        damagedLog.withLock { damage in
            if let through = damage?.through, lsn >= through { damage = nil }
        }
    }

    // MARK: Blocks that could not be read

    /// Nanoseconds until they may be tried again; 0: now.
    func retryPause(at now: UInt64) -> UInt64 { retries.withLock { $0.pause(now: now) } }

    func noteRetry(succeeded: Bool, at now: UInt64) {
        retries.withLock { if succeeded { $0.noteSuccess() } else { $0.noteFailure(now: now) } }
    }
}
