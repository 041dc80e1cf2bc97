import NeedleCore
import Synchronization

/// A collection's knowledge of its own recall: recent queries, what was measured, and the measurement under
/// way.
///
/// Searches offer their queries and take the table of results; neither waits for a measurement. One thread
/// measures at a time; others find the place taken and go on. Safe to use from any thread.
final class SelfMeasurement: Sendable {
    let options: EngineOptions
    let reservoirs: [QueryReservoir]
    private let clock: any Clock
    private let results = Mutex(Results())
    private let work: Mutex<Work>

    private struct Results {
        var table = RecallTable()
        var hasUnsaved = false
    }

    private struct Work {
        var running: RecallMeasurement?
        var pace = IdlePace()
        var rounds: UInt64 = 0
    }

    init(config: CollectionConfig, options: EngineOptions, clock: any Clock) {
        self.options = options
        self.clock = clock
        reservoirs = config.spaces.enumerated().map { index, space in
            QueryReservoir(
                dimension: space.size, most: options.recallQueries,
                seed: SeededGenerator.mix(options.seed &+ UInt64(index)))
        }
        work = Mutex(Work())
    }

    // MARK: For searches

    /// What was measured.
    var table: RecallTable { results.withLock { $0.table } }

    /// Takes a query into the sample, perhaps.
    ///
    /// - Returns: whether enough new ones are there for a measurement, so that somebody should be woken.
    func offer(_ query: [Float], space: Int) -> Bool {
        guard let taken = reservoirs[space].offer(query) else { return false }
        return taken % RecallSample.fewest == 0
    }

    // MARK: Results

    func put(_ recall: SpaceRecall, for key: RecallKey, isSaved: Bool = false) {
        results.withLock { results in
            results.table[key] = recall
            results.hasUnsaved = results.hasUnsaved || !isSaved
        }
    }

    /// What was measured, if it changed since this was last asked.
    func takeUnsaved() -> RecallTable? {
        results.withLock { results in
            defer { results.hasUnsaved = false }
            return results.hasUnsaved ? results.table : nil
        }
    }

    /// Forgets segments that are gone.
    func keep(segments: Set<UInt64>) {
        results.withLock { $0.table.keep(segments: segments) }
    }

    // MARK: Measuring

    /// Nanoseconds until idle time may be used again: 0 when it may now.
    var pause: UInt64 {
        work.withLockIfAvailable { $0.pace.pause(at: clock.monotonicNanoseconds()) } ?? 0
    }

    /// Whether a measurement is under way. A thread that is at it now counts as none: it comes back by itself.
    var isRunning: Bool { work.withLockIfAvailable { $0.running != nil } ?? false }

    /// Does one step of the measurement under way, or of the one that `next` begins; no other thread
    /// measures meanwhile.
    ///
    /// - Parameters:
    ///   - isPaced: takes idle time only, no more than its share.
    ///   - isCurrent: whether a measurement begun earlier still makes sense.
    /// - Returns: whether something was done.
    func step(
        isPaced: Bool, isCurrent: (RecallMeasurement) -> Bool, context: OperationContext,
        next: (_ round: UInt64) -> RecallMeasurement?
    ) throws(DatabaseError) -> Bool {
        let outcome = work.withLockIfAvailable { work -> Result<Bool, DatabaseError> in
            Result { () throws(DatabaseError) in
                try step(&work, isPaced: isPaced, isCurrent: isCurrent, context: context, next: next)
            }
        }
        return try outcome?.get() ?? false
    }

    private func step(
        _ work: inout Work, isPaced: Bool, isCurrent: (RecallMeasurement) -> Bool, context: OperationContext,
        next: (_ round: UInt64) -> RecallMeasurement?
    ) throws(DatabaseError) -> Bool {
        let began = clock.monotonicNanoseconds()
        if isPaced, work.pace.pause(at: began) > 0 { return false }
        if let running = work.running, !isCurrent(running) { work.running = nil }
        if work.running == nil {
            work.running = next(work.rounds)
            work.rounds += 1
        }
        guard var running = work.running.take() else { return false }
        let step = Result { () throws(DatabaseError) in try running.step(context: context) }
        work.running = running
        if let curves = try Self.curves(of: step) {
            put(running.result(curves, at: clock.wallMilliseconds()), for: running.key)
            work.running = nil
        }
        if isPaced {
            work.pace.note(from: began, to: clock.monotonicNanoseconds(), share: options.measureShare)
        }
        return true
    }
}

extension SelfMeasurement {
    /// Curves when the measurement is over: none when the segment cannot be read, so that nobody tries for
    /// ever.
    private static func curves(
        of step: Result<[RecallCurve]?, DatabaseError>
    ) throws(DatabaseError) -> [RecallCurve]? {
        switch step {
        case .success(let curves): return curves
        case .failure(let error):
            if error.kind == .cancelled || error.kind == .deadline { throw error }
            return []
        }
    }
}

extension RecallMeasurement {
    func result(_ curves: [RecallCurve], at milliseconds: Int64) -> SpaceRecall {
        SpaceRecall(
            graph: graph, rows: rows, live: live, sampled: sampled, measuredMS: milliseconds,
            isRefined: isRefined, curves: curves)
    }
}
