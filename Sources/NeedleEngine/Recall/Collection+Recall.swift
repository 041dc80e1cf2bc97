import NeedleCore
import NeedleStorage
import NeedleVectors

// When a collection measures its own recall. A space of a segment is measured for the first time as soon as
// it is indexed, like a last part of indexing, and before a merged segment goes live. Everything after that
// takes idle time: a larger sample, the queries that clients ask, rows that were added or died. When nothing
// changes, nothing is measured.

extension Collection {
    /// Growth of a segment, and change of its share of living rows, that make a measurement old.
    private static let growth = 1.25
    private static let shareChange = 0.05

    private struct Due {
        let segment: any Segment
        let key: RecallKey
        let isRefined: Bool
    }

    /// Does a step of a first measurement, if one is due.
    func measureFirst(context: OperationContext) throws(DatabaseError) -> Bool {
        guard options.measureShare > 0 else { return false }
        let view = view()
        guard firstDue(in: view) != nil else { return false }
        return try measure(isPaced: false, view: view, context: context) { firstDue(in: view) }
    }

    /// Does a step of any other measurement, if one is due and idle time may be used.
    func measureInIdleTime(context: OperationContext) throws(DatabaseError) -> Bool {
        guard options.measureShare > 0 else { return false }
        let view = view()
        return try measure(isPaced: true, view: view, context: context) { idleDue(in: view) }
    }

    /// Nanoseconds until idle time may be used for a measurement that is due, at least a millisecond; `nil` when
    /// none is.
    var measurementPause: UInt64? {
        guard options.measureShare > 0 else { return nil }
        guard measurement.isRunning || idleDue(in: view()) != nil else { return nil }
        return max(measurement.pause, 1_000_000)
    }

    /// Whether some space of the segment has not been measured yet and can be.
    func awaitsFirstMeasurement(_ segment: any Segment, in view: ReadView) -> Bool {
        options.measureShare > 0 && firstDue(of: segment, in: view, table: measurement.table) != nil
    }

    private func measure(
        isPaced: Bool, view: ReadView, context: OperationContext, due: () -> Due?
    ) throws(DatabaseError) -> Bool {
        try measurement.step(
            isPaced: isPaced,
            isCurrent: {
                isPresent($0.segment, in: view) && (!isPaced || isInMemory($0.segment, space: $0.key.space))
            }, context: context
        ) { round in
            due().map { begin($0, view: view, round: round) }
        }
    }

    private func isPresent(_ segment: any Segment, in view: ReadView) -> Bool {
        maintenance.merge?.output === segment || view.set.newestFirst.contains { $0 === segment }
    }

    private func begin(_ due: Due, view: ReadView, round: UInt64) -> RecallMeasurement {
        let space = due.segment.space(due.key.space)
        let asked = measurement.reservoirs[due.key.space].sample
        let seed = SeededGenerator.mix(options.seed ^ due.key.segment &* 0x9E37_79B9_7F4A_7C15 &+ round)
        let sample =
            switch due.key.source {
            case .queries: RecallSample(queries: asked.queries)
            case .points:
                RecallSample.points(
                    due.isRefined ? options.recallSample : options.firstRecallSample, of: due.segment,
                    space: space, rows: graphRows(of: due.segment, space, in: view), view: view, seed: seed)
            }
        return RecallMeasurement(
            of: due.segment, key: due.key, config: config.spaces[due.key.space], sample: sample,
            isRefined: due.isRefined, sampled: asked.taken, view: view,
            scratches: scratches, seed: seed)
    }

    // MARK: What is due

    private func firstDue(in view: ReadView) -> Due? {
        let table = measurement.table
        if let output = maintenance.merge?.output, output.isIndexed,
            let due = firstDue(of: output, in: view, table: table)
        {
            return due
        }
        for segment in view.set.newestFirst {
            if let due = firstDue(of: segment, in: view, table: table) { return due }
        }
        return nil
    }

    private func firstDue(of segment: any Segment, in view: ReadView, table: RecallTable) -> Due? {
        for space in config.spaces.indices {
            let key = RecallKey(segment: segment.id, space: space, source: .points)
            guard isMeasurable(segment, space: space, in: view) else { continue }
            if table[key].map({ isOfAnotherGraph($0, segment, space: space, in: view) }) ?? true {
                return Due(segment: segment, key: key, isRefined: false)
            }
        }
        return nil
    }

    private func idleDue(in view: ReadView) -> Due? {
        let table = measurement.table
        for segment in view.set.newestFirst {
            for space in config.spaces.indices
            where isMeasurable(segment, space: space, in: view) && isInMemory(segment, space: space) {
                let points = RecallKey(segment: segment.id, space: space, source: .points)
                if let known = table[points],
                    !known.isRefined || isOld(known, segment, space: space, in: view)
                {
                    return Due(segment: segment, key: points, isRefined: true)
                }
                let queries = RecallKey(segment: segment.id, space: space, source: .queries)
                if isDue(table[queries], segment, space: space, in: view) {
                    return Due(segment: segment, key: queries, isRefined: true)
                }
            }
        }
        return nil
    }

    /// With clients' queries: when they asked enough for the first time, whenever a sample's worth of others
    /// came, and when the segment changed.
    private func isDue(_ known: SpaceRecall?, _ segment: any Segment, space: Int, in view: ReadView) -> Bool {
        let reservoir = measurement.reservoirs[space]
        let taken = reservoir.taken
        guard min(taken, reservoir.capacity) >= RecallSample.fewest else { return false }
        guard let known else { return true }
        return taken - known.sampled >= reservoir.capacity
            || isOld(known, segment, space: space, in: view)
            || isOfAnotherGraph(known, segment, space: space, in: view)
    }

    /// The same rows, linked or coded otherwise: what was measured says nothing any more.
    private func isOfAnotherGraph(
        _ known: SpaceRecall, _ segment: any Segment, space: Int, in view: ReadView
    ) -> Bool {
        let columns = segment.space(space)
        guard let graph = columns.graph else { return false }
        if graph.header.codeKind != known.graph.codeKind { return true }
        // Where rows come in, links change all the time; growth tells there.
        if segment === view.set.active { return false }
        // Soon it will be another again.
        let ledger = store.environment.residence
        if let sealed = segment as? SealedSegment, sealed.awaitsSketches(ledger) { return false }
        let rows = graphRows(of: segment, columns, in: view)
        return rows == known.rows && GraphStamp(graph, rows: rows) != known.graph
    }

    private func isOld(_ known: SpaceRecall, _ segment: any Segment, space: Int, in view: ReadView) -> Bool {
        let rows = graphRows(of: segment, segment.space(space), in: view)
        let live = max(0, rows - segment.deletions.count)
        let share = Double(live) / Double(max(1, rows))
        let shareThen = Double(known.live) / Double(max(1, known.rows))
        return Double(rows) > Self.growth * Double(known.rows) || abs(share - shareThen) > Self.shareChange
    }

    /// Worth measuring: searched by graph at all, and by more than a scan costs.
    private func isMeasurable(_ segment: any Segment, space: Int, in view: ReadView) -> Bool {
        let columns = segment.space(space)
        let rows = graphRows(of: segment, columns, in: view)
        guard segment.isVerified, columns.graph?.isEmpty == false, !columns.hasWideRows,
            columns.indexed >= options.exactRows
        else { return false }
        let narrowest = EffortLadder.depths.min() ?? 1
        return !EffortLadder.isScanCheaper(ef: narrowest, m: config.spaces[space].hnsw.m, rows: rows)
    }

    /// Going through all vectors of a segment that does not fit into memory would push out what searches need, for
    /// each sixteen queries once. What was measured when it was sealed must do.
    private func isInMemory(_ segment: any Segment, space: Int) -> Bool {
        segment.space(space).originals?.areResident(at: clock.monotonicNanoseconds()) ?? true
    }

    private func graphRows(of segment: any Segment, _ space: SearchableSpace, in view: ReadView) -> Int {
        min(space.indexed, segment.visibleRows(at: view.lsn))
    }

    // MARK: For people

    /// Every curve there is, by segment, space, source and depth.
    func describeRecall(of segments: [SegmentDescription], in view: ReadView) -> [RecallDescription] {
        let table = measurement.table
        var result: [RecallDescription] = []
        for (segment, description) in zip(view.set.newestFirst.reversed(), segments) {
            for space in config.spaces.indices {
                for source in RecallSource.allCases {
                    let key = RecallKey(segment: segment.id, space: space, source: source)
                    guard let known = table[key] else { continue }
                    result += describe(
                        known, key, of: segment, searchedOn: description.spaces[space].searchedOn,
                        table: table, in: view)
                }
            }
        }
        return result
    }

    private func describe(
        _ known: SpaceRecall, _ key: RecallKey, of segment: any Segment, searchedOn: String,
        table: RecallTable, in view: ReadView
    ) -> [RecallDescription] {
        let space = config.spaces[key.space]
        let choice = EffortChoice(config: space, defaultEF: options.defaultEF, table: table)
        let part = EffortChoice.part(
            of: segment, segment.space(key.space), index: key.space,
            visibleRows: segment.visibleRows(at: view.lsn))
        return known.curves.map { curve in
            let standard = choice.effort(target: EffortChoice.standardRecall, wanted: curve.k, part: part)
            return RecallDescription(
                space: space.name, segment: key.segment, searchedOn: searchedOn,
                filter: known.filterClass.name, k: curve.k, source: key.source.name, queries: known.queries,
                rows: known.rows, measuredMS: known.measuredMS, standardEF: standard?.ef,
                points: curve.points.map(RecallDescription.Point.init))
        }
    }

    // MARK: Over restarts

    /// Keeps what was measured on sealed segments.
    func saveRecallIfChanged() -> Bool {
        guard let table = measurement.takeUnsaved() else { return false }
        let sealed = Set(view().set.sealed.map(\.id))
        store.keep(
            RecallFile(
                incarnation: store.incarnation,
                entries: table.entries.filter { sealed.contains($0.key.segment) }))
        return true
    }

    /// Takes what an earlier life measured on the segments that are still there.
    func loadRecall() {
        guard let file = store.kept(RecallFile.self) else { return }
        let rows = Dictionary(uniqueKeysWithValues: view().set.sealed.map { ($0.id, $0.rowCount) })
        for (key, recall) in file.entries where config.spaces.indices.contains(key.space) {
            guard let count = rows[key.segment], recall.rows <= count else { continue }
            measurement.put(recall, for: key, isSaved: true)
        }
    }
}
