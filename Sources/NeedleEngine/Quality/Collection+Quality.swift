package import NeedleCore

// How good vectors and answers are over time: measured in idle time at most once an interval (docs/quality.md), kept in the
// file QUALITY, told by `collection.get` and, when something has become worse, by `server.health`.

extension Collection {
    private var measuresQuality: Bool { options.quality.intervalMS > 0 && options.measureShare > 0 }

    /// Does a step of a measurement, if one is due and idle time may be used.
    func measureQuality(context: OperationContext) throws(DatabaseError) -> Bool {
        guard measuresQuality else { return false }
        return try quality.step(of: self, context: context)
    }

    /// Nanoseconds until a step may be due, at least a millisecond; `nil` when none will be.
    var qualityPause: UInt64? {
        guard measuresQuality, view().liveRows >= options.quality.sample else { return nil }
        return quality.pause(of: self).map { max($0, 1_000_000) }
    }

    /// Tells the watch what clients were answered.
    func noteQuality(_ query: SearchQuery, _ result: SearchResult, space: Int) {
        let watch = quality.answers[space]
        watch.latency.add(microseconds: result.tookMicroseconds)
        guard query.isByVectorsAlone, query.filter == nil, query.offset == 0, query.scoreThreshold == nil,
            query.target.points.isEmpty
        else { return }
        watch.note(result.hits, metric: config.spaces[space].metric)
    }

    // MARK: For people

    /// Every space over time.
    package func describeQuality() -> [QualityDescription] {
        zip(config.spaces, quality.bySpace).map { space, record in
            QualityDescription(
                space: space.name, baseline: record.baseline?.figures, history: record.history,
                alerts: record.alerts(of: space.name, options.quality))
        }
    }

    /// From now on, what was measured last is how every space should be.
    package func acceptQuality() {
        quality.accept()
        maintenance.wake()
    }

    var qualityAlerts: [QualityAlert] {
        zip(config.spaces, quality.bySpace).flatMap { $1.alerts(of: $0.name, options.quality) }
    }

    // MARK: Over restarts

    func saveQualityIfChanged() -> Bool {
        guard let records = quality.takeUnsaved() else { return false }
        store.keep(QualityFile(incarnation: store.incarnation, spaces: records))
        return true
    }

    func loadQuality() {
        guard let file = store.kept(QualityFile.self), file.spaces.count == config.spaces.count else {
            return
        }
        for (index, record) in file.spaces.enumerated() {
            let size = config.spaces[index].size
            let centroids = [record.baseline, record.newest].compactMap { $0?.centroid.count }
            guard centroids.allSatisfy({ $0 == size }) else { continue }
            quality.put(record, space: index)
        }
    }
}
