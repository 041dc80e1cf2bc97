package import NeedleCore
import NeedleStorage

/// One pass of scrub over the files of a collection as they are when it begins: all blocks of its segments, then
/// manifest and deletions. Segments that are replaced meanwhile are left out; new ones are verified by themselves.
struct ScrubRun {
    let job: Job
    private var waiting: ArraySlice<SealedSegment>
    private var nextBlock = 0
    private var done = 0
    private let total: Int
    private(set) var isOver = false
    /// What was wrong, a line each.
    private var findings: [String] = []
    private static let mostFindings = 20

    /// Blocks of a step: 1 MiB.
    private static let blocks = 16

    init(job: Job, segments: [SealedSegment]) {
        self.job = job
        waiting = segments[...]
        total = segments.reduce(0) { $0 + $1.reader.blockCount }
        job.report(phase: "segments", done: 0, total: total)
    }

    /// Checks some blocks.
    ///
    /// - Returns: bytes read; `nil` when only the small files are left.
    mutating func checkBlocks() -> Int? {
        guard let segment = waiting.first else { return nil }
        let count = segment.reader.blockCount
        let end = min(nextBlock + Self.blocks, count)
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
        return range.count * SegmentReader.blockBytes
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
            // A checkpoint replaces these files: not while one is written.
            return maintenance.exclusivelyIfFree {
                run.finish { () throws(DatabaseError) in try store.scrubSmallFiles(of: segments) }
                return true
            } ?? false
        }
    }
}
