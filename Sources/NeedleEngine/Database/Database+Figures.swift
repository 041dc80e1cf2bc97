import NeedleCore
import NeedleStorage
import Synchronization

extension Database {
    /// What was counted since the start.
    package var meters: EngineMeters { environment.meters }

    /// Every collection that clients can name, by name. O(collections + segments); waits for no writer.
    package func figures() -> [CollectionFigures] {
        let states = entries.withLock { entries in
            entries.filter { !Catalogue.Reembedding.isShadow($0.key) }.map { ($0.key, $0.value.state) }
        }
        return states.sorted { $0.0 < $1.0 }.map { name, state in
            switch state {
            case .loading: CollectionFigures(name: name, state: .loading)
            case .quarantined: CollectionFigures(name: name, state: .quarantined)
            case .ready(let collection): collection.figures()
            }
        }
    }

    /// How many collections are still being opened, and how many there are.
    package var loadingCounts: (loading: Int, all: Int) {
        entries.withLock { entries in
            let loading = entries.values.count {
                if case .loading = $0.state { true } else { false }
            }
            return (loading, entries.count)
        }
    }
}

extension Collection {
    func figures() -> CollectionFigures {
        let view = view()
        let isWell = reasonsOfDegradation.isEmpty && damageReport(of: view.set).isEmpty
        var figures = CollectionFigures(name: name, state: isWell ? .ready : .degraded)
        figures.points = view.liveRows
        figures.growingSegments = view.set.growing.count
        figures.sealedSegments = view.set.sealed.count + view.set.unreadable.count
        figures.growingBytes = view.set.growing.reduce(0) { $0 + $1.residentBytes }
        figures.sealedBytes = view.set.sealed.reduce(0) { $0 + $1.fileBytes }
        figures.logBytes = logBytes
        figures.spaces = zip(config.spaces, quality.bySpace).enumerated().map { index, item in
            let (space, record) = item
            return SpaceFigures(
                name: space.name, recall: measuredRecall(space: index, in: view),
                quality: record.history.last,
                alerts: record.alerts(of: space.name, options.quality).map(\.kind))
        }
        return figures
    }

    private var logBytes: Int {
        // A writer may hold its lock across a sync.
        if let bytes = writer.withLockIfAvailable({ $0.log.tail.byteCount }) {
            knownLogBytes.store(bytes, ordering: .relaxed)
        }
        return knownLogBytes.load(ordering: .relaxed)
    }

    /// The recall at the efforts that are chosen now, of the queries that clients asked where those were measured, else
    /// of stored points.
    private func measuredRecall(space: Int, in view: ReadView) -> Double? {
        let table = measurement.table
        let choice = EffortChoice(config: config.spaces[space], defaultEF: options.defaultEF, table: table)
        let k = EffortLadder.depths.min() ?? 1
        var (found, rows) = (0.0, 0)
        for segment in view.set.newestFirst {
            let sources: [RecallSource] = [.queries, .points]
            let known = sources.lazy.compactMap {
                table[RecallKey(segment: segment.id, space: space, source: $0)]
            }.first { !$0.curves.isEmpty }
            guard let known, let curve = known.curve(wanted: k) else { continue }
            let part = EffortChoice.part(
                of: segment, segment.space(space), index: space,
                visibleRows: segment.visibleRows(at: view.lsn))
            let effort = choice.effort(target: EffortChoice.standardRecall, wanted: k, part: part)
            found += Double(known.rows) * Self.recall(of: curve, at: effort?.ef)
            rows += known.rows
        }
        return rows > 0 ? found / Double(rows) : nil
    }

    /// The mean of the widest beam measured that is not wider; without a beam every row is compared.
    private static func recall(of curve: RecallCurve, at ef: Int?) -> Double {
        guard let ef else { return 1 }
        return (curve.points.last { $0.ef <= ef } ?? curve.points.first)?.mean ?? 1
    }
}
