package import NeedleCore
import NeedleStorage
import Synchronization

/// One pass of scrub over the files of a collection as they are when it begins: all blocks of its segments and of the
/// field indexes beside them, then the log, manifest and deletions. Segments that are replaced meanwhile are left
/// out; new ones are verified by themselves.
struct ScrubRun {
    let job: Job
    private var waiting: ArraySlice<SealedSegment>
    private var waitingIndexes: ArraySlice<(slot: FieldIndexSlot, index: LSN, file: FieldIndexFile)>
    private var nextBlock = 0
    /// Log files that begin up to here are done.
    private var loggedThrough = LSN.zero
    private var done = 0
    private let total: Int
    private(set) var isOver = false
    /// What was wrong, a line each.
    private var findings: [String] = []
    private static let mostFindings = 20

    private static let stepBytes = 1 << 20

    init(job: Job, segments: [SealedSegment]) {
        self.job = job
        waiting = segments[...]
        waitingIndexes =
            segments.flatMap { segment in
                segment.fieldIndexes.openFiles.map { (segment.fieldIndexes, $0.index, $0.file) }
            }[...]
        total = segments.reduce(0) { $0 + $1.reader.blockCount }
        job.report(phase: "segments", done: 0, total: total)
    }

    /// Checks some blocks.
    ///
    /// - Returns: bytes read; `nil` when only the log and the small files are left.
    mutating func checkBlocks() -> Int? {
        guard let segment = waiting.first else { return checkFieldIndex() }
        let count = segment.reader.blockCount
        let end = min(nextBlock + Self.stepBytes / segment.reader.blockBytes, count)
        let range = nextBlock..<end
        do throws(DatabaseError) {
            try segment.reader.scrub(range)
        } catch {
            if error.kind != .notFound { note(error.message) }
        }
        nextBlock = end
        done += range.count
        if nextBlock == count {
            segment.reader.closeFile()
            waiting.removeFirst()
            nextBlock = 0
        }
        job.report(phase: "segments", done: done, total: total)
        return range.count * segment.reader.blockBytes
    }

    private mutating func checkFieldIndex() -> Int? {
        guard let (slot, index, file) = waitingIndexes.popFirst() else { return nil }
        do throws(DatabaseError) {
            try file.scrub()
        } catch {
            if error.kind != .notFound { note(error.message) }
            if error.kind == .corruption { slot.noteDamage(error, of: index) }
        }
        return file.byteCount
    }

    /// Checks a file of the log. While nothing is trimmed.
    ///
    /// - Returns: what was found; `nil` when only the small files are left.
    mutating func checkLog(_ log: any CommitLog) -> ScrubbedLogFile? {
        do throws(DatabaseError) {
            guard let file = try log.scrubFile(behind: loggedThrough) else { return nil }
            loggedThrough = file.firstLSN
            if let damage = file.damage { note(damage.message) }
            return file
        } catch {
            note(error.description)
            return nil
        }
    }

    /// Gives the pass up.
    func cancel() {
        waiting.first?.reader.closeFile()
        job.end(.cancelled, error: nil)
    }

    private mutating func note(_ finding: String) {
        if findings.count < Self.mostFindings { findings.append(finding) }
    }

    /// Checks the small files and ends the job.
    mutating func finish(_ checkFiles: () throws(DatabaseError) -> [String]) {
        do throws(DatabaseError) {
            for finding in try checkFiles() { note(finding) }
        } catch {
            note(error.description)
        }
        isOver = true
        job.end(
            findings.isEmpty ? .done : .failed,
            error: findings.isEmpty ? nil : findings.joined(separator: "; "))
    }
}

extension Database {
    /// Begins to check all files of all collections that are open. Each is a job of kind `scrub`.
    package func scrub() -> [JobSnapshot] { readyCollections.map { $0.scrub() } }
}

extension Collection {
    /// Begins to check all files again, or joins the scrub that is at it. `maintain` drives it.
    package func scrub() -> JobSnapshot {
        let job = integrity.beginScrub(makeScrub)
        maintenance.wake()
        return job.snapshot()
    }

    private func cancelScrub() {
        integrity.cancelScrub(at: clock.monotonicNanoseconds())
    }

    private func makeScrub() -> ScrubRun {
        let job = maintenance.add { number in
            Job(
                id: "\(store.incarnation.hex.prefix(8))-\(number)", kind: "scrub", collection: name,
                phase: "segments", clock: clock
            ) { [weak self] in self?.cancelScrub() }
        }
        return ScrubRun(job: job, segments: segments.sealed)
    }

    /// A step of the scrub under way, or of one that is due.
    ///
    /// - Returns: whether there was something to do now.
    func scrubStep() -> Bool {
        let now = clock.monotonicNanoseconds()
        return integrity.stepScrub(at: now, make: makeScrub) { run in
            if let bytes = run.checkBlocks() {
                integrity.scrubbing.note(bytes, at: now)
                return true
            }
            // A checkpoint replaces and trims these files: not while one is written.
            return maintenance.exclusivelyIfFree {
                if let file = run.checkLog(writer.withLock { $0.log }) {
                    integrity.scrubbing.note(file.byteCount, at: now)
                    if let damage = file.damage { leaveLog(because: damage) }
                } else {
                    run.finish { () throws(DatabaseError) in try store.scrubSmallFiles(of: segments) }
                }
                return true
            } ?? false
        }
    }

    /// A file of the log is damaged, but memory holds all that it says: begins to write that to segments, so that a
    /// checkpoint lets the file go. Exclusive work.
    private func leaveLog(because damage: DatabaseError) {
        let through = writer.withLock { writer in
            do throws(DatabaseError) {
                // Neither the newest file nor the segment that takes writes may outlive this.
                try writer.log.leaveNewestFile()
                if writer.set.active.rowCount > 0 {
                    try writer.roll()
                    publishSegments(writer.set)
                }
            } catch {
                // No room, or a log that fails now: the next scrub, or its healing, comes back to it.
                noteStateOfWrites(writer)
            }
            return writer.lsn
        }
        integrity.noteLogDamage(damage, through: through)
        maintenance.owesCheckpoint = true
    }
}
