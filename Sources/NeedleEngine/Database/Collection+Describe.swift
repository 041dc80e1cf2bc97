package import NeedleCore
import NeedleStorage
import Synchronization

extension Collection {
    /// The answer of `collection.get`. O(rows) in segments that have deletions or expiring rows.
    package func describe() -> CollectionDescription {
        let view = view()
        let segments = view.set.newestFirst.reversed().map { segment in
            segment.describe(points: livePoints(of: segment, in: view), config: config)
        }
        let indexed = view.set.newestFirst.reduce(0) { $0 + indexedPoints(of: $1, in: view) }
        let summary = summarize()
        return CollectionDescription(
            name: name, config: config, points: summary.points, indexedPoints: indexed, segments: segments,
            state: summary.state,
            bytesOnDisk: store.bytesOnDisk(
                view.set, logBytes: writer.withLock { $0.log.tail.byteCount }),
            bytesInMemory: view.set.growing.reduce(0) { $0 + $1.residentBytes }
                + view.set.sealed.reduce(0) { $0 + $1.residentBytes }
                + view.set.newestFirst.reduce(0) { $0 + $1.fieldIndexes.residentBytes }, lsn: view.lsn,
            recall: describeRecall(of: segments, in: view))
    }

    func summarize() -> CollectionSummary {
        let view = view()
        let reasons = reasonsOfDegradation + damageReport(of: view.set)
        guard !reasons.isEmpty else {
            return CollectionSummary(name: name, points: view.count, state: .ready, alerts: qualityAlerts)
        }
        return CollectionSummary(
            name: name, points: view.count, state: .degraded, reason: reasons.joined(separator: "; "),
            alerts: qualityAlerts)
    }

    private func livePoints(of segment: any Segment, in view: ReadView) -> Int {
        let rows = segment.visibleRows(at: view.lsn)
        if segment.deletions.count == 0, !segment.hasExpiringRows { return rows }
        return (0..<rows).count { view.isVisible($0, in: segment) }
    }

    /// Visible points that wait for an indexer in no space.
    private func indexedPoints(of segment: any Segment, in view: ReadView) -> Int {
        let rows = segment.visibleRows(at: view.lsn)
        let reached = config.spaces.indices.reduce(rows) { min($0, segment.settledRows(space: $1)) }
        if segment.deletions.count == 0, !segment.hasExpiringRows { return reached }
        return (0..<reached).count { view.isVisible($0, in: segment) }
    }

    // MARK: Jobs

    /// Begins to index everything and to merge segments, or joins the job that is at it. `maintain` drives
    /// it.
    package func optimize() -> JobSnapshot {
        let job = maintenance.beginOptimize { number in
            Job(
                id: "\(store.incarnation.hex.prefix(8))-\(number)", kind: "optimize", collection: name,
                phase: "indexing", clock: clock, onCancel: { [maintenance] in maintenance.cancelOptimize() })
        }
        maintenance.wake()
        return job.snapshot()
    }

    package func job(_ id: String) -> JobSnapshot? {
        maintenance.job(id)?.snapshot()
    }

    /// Calls back once when the job has ended, at once if it has or is not known.
    package func whenJobEnds(_ id: String, _ body: @escaping @Sendable (JobSnapshot?) -> Void) {
        guard let job = maintenance.job(id) else { return body(nil) }
        job.whenEnded { body($0) }
    }

    // MARK: The end

    /// Takes no more writes: the collection was dropped, or the server stops. Syncs and closes the log.
    func retire() {
        writer.withLock { writer in
            writer.failure = DatabaseError(
                .notFound, "collection \"\(name)\" was dropped or the server is stopping", at: "collection")
            // A log that cannot be closed cleanly is recovered at the next start like after a crash.
            do throws(DatabaseError) { try writer.log.close() } catch { return }
        }
    }
}
