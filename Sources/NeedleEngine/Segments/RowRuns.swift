import Synchronization

/// Rows handed out in runs to any number of threads, and how far the work on them is.
///
/// `done` is the end of the prefix that is finished, whatever order the runs finish in. Safe to use from any
/// thread; the lock is held for a few instructions.
final class RowRuns: Sendable {
    private let prefix = Atomic<Int>(0)
    private let state = Mutex(State())

    private struct State {
        var claimed = 0
        /// Runs that were broken off: they are claimed again.
        var givenBack: [Range<Int>] = []
        /// Runs done ahead of the prefix, by their first row.
        var ahead: [Int: Int] = [:]
    }

    /// Rows taken at once: about a hundredth of a second of work.
    private static let runRows = 32

    /// Rows [0, done) are finished. Whoever reads this sees what was done to them.
    var done: Int { prefix.load(ordering: .acquiring) }

    /// Whether some of the first `rows` rows are nobody's yet.
    func hasUnclaimed(of rows: Int) -> Bool {
        state.withLock { $0.claimed < rows || !$0.givenBack.isEmpty }
    }

    /// The next run of the first `rows` rows; `nil` when all are somebody's. End it with `finish` or
    /// `giveBack`.
    func claim(of rows: Int) -> Range<Int>? {
        state.withLock { state in
            if let again = state.givenBack.popLast() { return again }
            guard state.claimed < rows else { return nil }
            let end = min(rows, state.claimed + Self.runRows)
            defer { state.claimed = end }
            return state.claimed..<end
        }
    }

    func finish(_ run: Range<Int>) {
        guard !run.isEmpty else { return }
        state.withLock { state in
            state.ahead[run.lowerBound] = run.upperBound
            var end = prefix.load(ordering: .relaxed)
            while let next = state.ahead.removeValue(forKey: end) { end = next }
            prefix.store(end, ordering: .releasing)
        }
    }

    /// Ends a run before `row`: the rest will be claimed again.
    func giveBack(_ run: Range<Int>, from row: Int) {
        state.withLock { $0.givenBack.append(row..<run.upperBound) }
        finish(run.lowerBound..<row)
    }

    /// Does `body` for each row of one run; false when there is none to claim.
    ///
    /// - Throws: what the body throws; the rows it did not do are claimed again.
    func doRun<Failure: Error>(
        of rows: Int, _ body: (Int) throws(Failure) -> Void
    ) throws(Failure) -> Bool {
        guard let run = claim(of: rows) else { return false }
        for row in run {
            do throws(Failure) {
                try body(row)
            } catch {
                giveBack(run, from: row)
                throw error
            }
        }
        finish(run)
        return true
    }
}
