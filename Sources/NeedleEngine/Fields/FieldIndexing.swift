import NeedleCore
import NeedlePayloads
import NeedleStorage
import Synchronization

// Building field indexes: a step of the background work. There is no index that changes: one is built over rows that
// will not change any more, and joined with its neighbours by building it over all of their rows. What nobody built yet
// is looked at row by row, so nobody waits for this.

/// Who builds, and who waits for it. Safe to use from any thread.
final class FieldIndexing: Sendable {
    private let building = Mutex<Void>(())
    private let jobs = Mutex<[LSN: Job]>([:])

    func alone<Result>(_ body: () throws(DatabaseError) -> Result) throws(DatabaseError) -> Result? {
        var result: Result?
        _ = try building.withLockIfAvailable { (_) throws(DatabaseError) in result = try body() }
        return result
    }

    func add(_ job: Job, for index: LSN) { jobs.withLock { $0[index] = job } }

    func job(of index: LSN) -> Job? { jobs.withLock { $0[index] } }

    func end(_ index: LSN, _ state: JobSnapshot.State) {
        jobs.withLock { $0.removeValue(forKey: index) }?.end(state, error: nil)
    }

    var waiting: [LSN: Job] { jobs.withLock { $0 } }
}

/// A stripe that is to be built.
private struct FieldIndexTask {
    var segment: any Segment
    var record: FieldIndexRecord
    /// Stripes that stay as they are.
    var kept: [IndexStripe]
    var rows: Range<Int>
}

extension Collection {
    /// Builds one stripe of one index, if there is one to build.
    ///
    /// - Returns: whether there was something to do.
    func fieldIndexStep(context: OperationContext) throws(DatabaseError) -> Bool {
        let records = fieldIndexes.current
        guard !records.isEmpty else { return false }
        return try fieldIndexing.alone { () throws(DatabaseError) in
            guard let task = nextFieldIndexTask(records) else {
                endFieldIndexJobs(records)
                return false
            }
            try build(task, context: context)
            return true
        } ?? false
    }

    /// Changed payloads of so many rows, before their stripe is built again: each change costs every filter a look, and
    /// building costs one for every row.
    private func toleratedChanges(rows: Int) -> Int { max(options.stripeRows, rows / 32) }

    private func nextFieldIndexTask(_ records: [FieldIndexRecord]) -> FieldIndexTask? {
        let set = segments
        for record in records {
            for segment in set.sealed where !segment.fieldIndexes.isHopeless(record.lsn) {
                if let task = task(record, segment, rows: segment.rowCount, isComplete: true) { return task }
            }
            let filled = set.growing.dropLast() + (maintenance.merge.map { [$0.output] } ?? [])
            for segment in filled {
                if let task = task(record, segment, rows: segment.rowCount, isComplete: true) { return task }
            }
            if let task = task(record, set.active, rows: set.active.rowCount, isComplete: false) {
                return task
            }
        }
        return nil
    }

    private func task(
        _ record: FieldIndexRecord, _ segment: any Segment, rows: Int, isComplete: Bool
    ) -> FieldIndexTask? {
        var kept = segment.fieldIndexes.entry(record.lsn)?.stripes ?? []
        let indexed = kept.last?.rows.upperBound ?? 0
        let outdated = kept.firstIndex { stripe in
            segment.overlay.count(after: stripe.knownLSN)
                >= toleratedChanges(rows: stripe.rows.count)
        }
        if isComplete {
            guard rows > 0, indexed < rows || kept.count > 1 || outdated != nil else { return nil }
            return FieldIndexTask(segment: segment, record: record, kept: [], rows: 0..<rows)
        }
        if let outdated {
            return FieldIndexTask(
                segment: segment, record: record, kept: Array(kept[..<outdated]),
                rows: kept[outdated].rows.lowerBound..<rows)
        }
        guard rows - indexed >= options.stripeRows else { return nil }
        // Joining what is not much larger keeps the number of stripes, and of times that a row is read, logarithmic.
        var start = indexed
        while let last = kept.last, last.rows.count <= 2 * (rows - start) {
            start = last.rows.lowerBound
            kept.removeLast()
        }
        return FieldIndexTask(segment: segment, record: record, kept: kept, rows: start..<rows)
    }

    private func build(_ task: FieldIndexTask, context: OperationContext) throws(DatabaseError) {
        let segment = task.segment
        let origin = segment.columns.origin
        let lsn = visibleLSN
        // Looked up before anything is read: changes that come meanwhile are not counted as known.
        let knownLSN = segment.overlay.lastLSN(upTo: lsn)
        var builder = FieldIndexBuilder(task.record.definition, rows: task.rows)
        do throws(DatabaseError) {
            for row in task.rows {
                if row % 256 == 0 { try context.check() }
                let payload = try segment.payload(of: row, at: lsn)
                do throws(JSONError) {
                    try builder.add(payload: payload.span)
                } catch {
                    throw .corruption(
                        file: origin, offset: error.offset,
                        what: "payload of row \(row) is not JSON: \(error.message)")
                }
            }
            let memory = IndexMemory(try builder.finish())
            let stripe = try FieldIndex(
                opening: memory.bytes, rowLimit: task.rows.upperBound,
                analysis: TextAnalysis(task.record.definition.text), owner: memory, file: origin)
            task.segment.fieldIndexes.put(
                FieldIndexSlot.Entry(
                    path: task.record.definition.path,
                    stripes: task.kept + [IndexStripe(index: stripe, knownLSN: knownLSN)]),
                for: task.record.lsn)
        } catch {
            // A damaged payload: the rows are looked at one by one, and those that can be read are found.
            guard error.kind == .corruption else { throw error }
            task.segment.fieldIndexes.noteHopeless(task.record.lsn)
        }
        reportFieldIndexing(task.record)
    }

    private func reportFieldIndexing(_ record: FieldIndexRecord) {
        guard let job = fieldIndexing.job(of: record.lsn) else { return }
        let (done, total) = indexedRows(record)
        job.report(phase: "building", done: done, total: total)
    }

    private func endFieldIndexJobs(_ records: [FieldIndexRecord]) {
        for (lsn, _) in fieldIndexing.waiting {
            fieldIndexing.end(lsn, records.contains { $0.lsn == lsn } ? .done : .cancelled)
        }
    }

    /// Rows that an index covers, and all rows.
    func indexedRows(_ record: FieldIndexRecord) -> (done: Int, total: Int) {
        let set = segments
        var done = 0
        var total = 0
        for segment in set.newestFirst {
            done += segment.fieldIndexes.entry(record.lsn)?.rows ?? 0
            total += segment.visibleRows(at: .infinity)
        }
        return (done, total)
    }

    /// Writes the indexes of sealed segments to files that are not there yet. Exclusive work.
    ///
    /// - Returns: whether there were any; a checkpoint has to name them.
    func writeFieldIndexFiles() throws(DatabaseError) -> Bool {
        var didWrite = false
        let records = fieldIndexes.current
        for segment in segments.sealed {
            segment.fieldIndexes.keep(Set(records.map(\.lsn)))
            for record in records {
                guard let entry = segment.fieldIndexes.entry(record.lsn), entry.file == nil,
                    entry.stripes.count == 1, entry.rows == segment.rowCount
                else { continue }
                let written = try store.write(entry, of: record, beside: segment)
                segment.fieldIndexes.put(written, for: record.lsn)
                didWrite = true
            }
        }
        return didWrite
    }
}

extension CollectionStore {
    /// Writes an index to its file and opens that.
    fileprivate func write(
        _ entry: FieldIndexSlot.Entry, of record: FieldIndexRecord, beside segment: SealedSegment
    ) throws(DatabaseError) -> FieldIndexSlot.Entry {
        let knownLSN = entry.stripes[0].knownLSN
        let name = FieldIndexFile.name(segmentID: segment.id, index: record.lsn, knownLSN: knownLSN)
        try entry.stripes[0].index.withBytes { (bytes) throws(DatabaseError) in
            try FieldIndexFile.write(
                bytes, to: "\(directory)/\(name)", fileSystem, incarnation: segment.reader.header.incarnation,
                segmentID: segment.id, rowCount: segment.rowCount, knownLSN: knownLSN)
        }
        let opened = try open(name, of: record, beside: segment)
        try opened.file?.verify()
        return opened
    }

    private func open(
        _ name: String, of record: FieldIndexRecord, beside segment: SealedSegment
    ) throws(DatabaseError) -> FieldIndexSlot.Entry {
        let file = try FieldIndexFile(
            fileSystem, path: "\(directory)/\(name)", incarnation: segment.reader.header.incarnation,
            segmentID: segment.id, rowCount: segment.rowCount)
        return FieldIndexSlot.Entry(
            path: record.definition.path,
            stripes: [
                IndexStripe(
                    index: try file.index(record.definition, rows: segment.rowCount),
                    knownLSN: file.knownLSN)
            ],
            file: file)
    }

    /// Takes the files that a manifest names beside segments, once the log has said which indexes there are. What
    /// cannot be opened is built again.
    func openFieldIndexes(of manifest: Manifest, _ records: [FieldIndexRecord], in set: SegmentSet) {
        for segment in set.sealed {
            for name in manifest.segments.first(where: { $0.id == segment.id })?.overlays ?? [] {
                guard let lsn = FieldIndexFile.index(ofFile: name),
                    let record = records.first(where: { $0.lsn == lsn })
                else { continue }
                do throws(DatabaseError) {
                    let entry = try open(name, of: record, beside: segment)
                    segment.fieldIndexes.put(entry, for: lsn, isVerified: false)
                } catch {
                    segment.fieldIndexes.noteDamage(error, of: lsn)
                }
            }
        }
    }
}

extension FieldIndexFile {
    /// The index where it lies in the mapping.
    fileprivate func index(
        _ definition: FieldIndexDefinition, rows rowCount: Int
    ) throws(DatabaseError) -> FieldIndex {
        let index = try FieldIndex(
            opening: bytes, rowLimit: rowCount, analysis: TextAnalysis(definition.text), owner: self,
            file: path)
        guard index.rows == 0..<rowCount else {
            throw .corruption(file: path, offset: 0, what: "it covers rows \(index.rows) of \(rowCount)")
        }
        return index
    }
}
