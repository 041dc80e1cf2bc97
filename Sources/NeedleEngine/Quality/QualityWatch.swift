import NeedleCore
import Synchronization

/// A collection's knowledge of its own quality over time, and the measurement under way.
///
/// Searches tell what they found and wait for nobody. One thread measures at a time; others find the place taken and go
/// on. Safe to use from any thread.
final class QualityWatch: Sendable {
    let answers: [AnswerWatch]
    private let records: Mutex<Records>
    private let work: Mutex<Work>

    private struct Records {
        var bySpace: [QualityRecord]
        var hasUnsaved = false
    }

    private struct Work {
        var running: QualityMeasuring?
        var pace = IdlePace()
        /// By space, when it was last tried, in milliseconds since 1970: also without a result.
        var triedMS: [Int64?]
        var round: UInt64 = 0
    }

    init(spaces: Int, seed: UInt64) {
        answers = (0..<spaces).map { AnswerWatch(seed: SeededGenerator.mix(seed &+ UInt64($0))) }
        records = Mutex(Records(bySpace: [QualityRecord](repeating: QualityRecord(), count: spaces)))
        work = Mutex(Work(triedMS: [Int64?](repeating: nil, count: spaces)))
    }

    // MARK: What is known

    var bySpace: [QualityRecord] { records.withLock { $0.bySpace } }

    func put(_ record: QualityRecord, space: Int) {
        records.withLock { $0.bySpace[space] = record }
    }

    /// From now on, what was measured last is how it should be.
    func accept() {
        records.withLock { records in
            for space in records.bySpace.indices { records.bySpace[space].accept() }
            records.hasUnsaved = true
        }
    }

    /// What is known, if it changed since this was last asked.
    func takeUnsaved() -> [QualityRecord]? {
        records.withLock { records in
            defer { records.hasUnsaved = false }
            return records.hasUnsaved ? records.bySpace : nil
        }
    }

    // MARK: Measuring

    /// Nanoseconds until something can be done in idle time; `nil` when it is not for time alone to say.
    func pause(of collection: Collection) -> UInt64? {
        let now = collection.clock.monotonicNanoseconds()
        // A thread that is at it comes back by itself.
        return work.withLockIfAvailable { work -> UInt64? in
            guard work.running == nil else { return work.pace.pause(at: now) }
            return waits(work, collection).min().map { UInt64($0) * 1_000_000 }
        } ?? nil
    }

    /// By space, milliseconds until it is due. A clock that was set back makes nothing wait longer.
    private func waits(_ work: Work, _ collection: Collection) -> [Int64] {
        let now = collection.clock.wallMilliseconds()
        let interval = Int64(collection.options.quality.intervalMS)
        return zip(work.triedMS, bySpace).map { tried, record in
            let last = [tried, record.history.last?.atMS].compactMap(\.self).max()
            guard let last, (0..<interval).contains(now - last) else { return 0 }
            return last + interval - now
        }
    }

    /// Does one step of the measurement under way, or of the one that is due; no other thread measures meanwhile.
    ///
    /// - Returns: whether something was done.
    func step(of collection: Collection, context: OperationContext) throws(DatabaseError) -> Bool {
        let outcome = work.withLockIfAvailable { work -> Result<Bool, DatabaseError> in
            Result { () throws(DatabaseError) in
                do throws(DatabaseError) {
                    return try advance(&work, collection, context)
                } catch {
                    // What cannot be read is not tried again before its time.
                    work.running = nil
                    if error.kind == .cancelled || error.kind == .deadline { throw error }
                    return true
                }
            }
        }
        return try outcome?.get() ?? false
    }

    private func advance(
        _ work: inout Work, _ collection: Collection, _ context: OperationContext
    ) throws(DatabaseError) -> Bool {
        let began = collection.clock.monotonicNanoseconds()
        guard work.pace.pause(at: began) == 0 else { return false }
        if work.running == nil { try begin(&work, collection) }
        guard var running = work.running.take() else { return false }
        if try running.step(in: collection, context) {
            note(running, at: collection.clock.wallMilliseconds())
        } else {
            work.running = running
        }
        work.pace.note(
            from: began, to: collection.clock.monotonicNanoseconds(), share: collection.options.measureShare)
        return true
    }

    /// Begins what is due, if anything is.
    private func begin(_ work: inout Work, _ collection: Collection) throws(DatabaseError) {
        let now = collection.clock.wallMilliseconds()
        for (space, wait) in waits(work, collection).enumerated() where wait == 0 {
            let view = collection.view()
            // Too few yet: that more come is for those who write them to say.
            guard view.liveRows >= collection.options.quality.sample else { continue }
            work.triedMS[space] = now
            work.round += 1
            let seed = SeededGenerator.mix(collection.options.seed ^ UInt64(bitPattern: now) &+ work.round)
            work.running = try QualityMeasuring(space: space, of: collection, view: view, seed: seed)
            if work.running != nil { return }
        }
    }

    private func note(_ measuring: QualityMeasuring, at milliseconds: Int64) {
        let baseline = records.withLock { $0.bySpace[measuring.space].baseline }
        let figures = answers[measuring.space].take(lowScore: baseline?.lowScore)
        records.withLock { records in
            records.bySpace[measuring.space].add(
                measuring.result(comparedWith: baseline, answers: figures, atMS: milliseconds))
            records.hasUnsaved = true
        }
    }
}
