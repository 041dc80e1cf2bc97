// Everything that can be read, compared with the model.

import NeedleCore
import NeedleEngine
import SimulationKit

/// A scroll that goes on while the collection changes: all of its pages show the moment it began.
struct OpenScroll {
    var cursor: String
    var rest: [(id: PointID, point: ModelPoint)]
}

extension World {
    // MARK: After a start

    /// Which collections there are, and which of their states they are in.
    func checkAfter(_ end: End) throws {
        let names = Set(database?.summaries().map(\.name) ?? [])
        for number in collections.indices {
            let isThere = names.contains(Setup.name(of: number))
            switch collections[number].presence {
            case .present where !isThere: throw Violation(what: "collection \(number) is lost")
            case .absent where isThere:
                throw Violation(what: "collection \(number) is back after it was dropped")
            default: break
            }
            collections[number].presence = isThere ? .present : .absent
            if isThere { try settleAfter(end, number) }
        }
        try settleSnapshots()
        try settleAliases()
    }

    private func settleAfter(_ end: End, _ number: Int) throws {
        guard let collection = collection(number) else {
            throw Violation(what: "collection \(number) is listed but not there")
        }
        let timeline = collections[number].timeline
        let floor =
            switch end {
            case .orderly: timeline.answered
            case .killed: config(number).durability == .memory ? timeline.durable : timeline.answered
            case .power: timeline.durable
            }
        try settle(number, collection, from: floor, isDurable: true)
        guard try collection.count(nil, context: OperationContext()) == newest(number).count else {
            throw Violation(what: "collection \(number) counts wrong after a start")
        }
    }

    /// The visible points of the newest state.
    func newest(_ number: Int) -> [PointID: ModelPoint] {
        collections[number].timeline.newest.visible(at: now)
    }

    /// Notices that a failed write has become visible after all, if it has.
    func observe(_ number: Int, _ collection: Collection) throws {
        let timeline = collections[number].timeline
        guard timeline.hasUnanswered, collection.visibleLSN > timeline.knownLSN else { return }
        try settle(
            number, collection, from: timeline.answered + 1,
            isDurable: config(number).durability == .fsync)
    }

    private func settle(_ number: Int, _ collection: Collection, from floor: Int, isDurable: Bool) throws {
        let timeline = collections[number].timeline
        let found = try read(collection)
        let lsn = collection.visibleLSN
        let candidates = timeline.states.indices[min(floor, timeline.states.count)...].reversed().filter {
            isPossible(timeline, $0, lsn)
                && difference(found, timeline.states[$0], timeline.knownLSN, number) == nil
                && indexes(of: collection) == timeline.states[$0].indexes
        }
        guard let index = candidates.first(where: { agrees(collection, timeline, $0, candidates) }) else {
            throw Violation(what: explanation(number, timeline, found, lsn, floor))
        }
        let versions = Dictionary(uniqueKeysWithValues: found.map { ($0.id, $0.version) })
        collections[number].timeline.settle(at: index, found: versions, lsn: lsn, isDurable: isDurable)
        let known = timeline.states[index].lsn ?? timeline.knownLSN
        update { $0.forget(behind: known, of: number) }
    }

    /// Several prefixes of what was attempted may hold the same points: then the op_keys that are remembered tell which it
    /// is. Asked by a write that would find nothing to do, so that nothing changes.
    private func agrees(
        _ collection: Collection, _ timeline: Timeline, _ index: Int, _ candidates: [Int]
    ) -> Bool {
        guard candidates.count > 1 else { return true }
        let states = candidates.map { timeline.states[$0] }
        let doubtful = Set(states.flatMap(\.answers.keys)).filter { key in
            Set(states.map { counts($0.answers[key]) }).count > 1
        }
        return doubtful.allSatisfy { key in
            guard
                let write = try? collection.prepare(
                    .delete(.ids([PointID("nobody")])), model: nil, opKey: Array("key-\(key)".utf8),
                    context: OperationContext()),
                let receipt = try? collection.commit([write])[0].get()
            else { return true }
            return counts(timeline.states[index].answers[key])
                == [receipt.created, receipt.updated, receipt.deleted]
        }
    }

    private func counts(_ answer: ModelAnswer?) -> [Int] {
        guard let answer, now - answer.timeMS < Int64(setup.options.limits.opKeyMS) else { return [0, 0, 0] }
        return [answer.created, answer.updated, answer.deleted]
    }

    /// Whether a collection at an LSN can be in a state.
    private func isPossible(_ timeline: Timeline, _ index: Int, _ lsn: LSN) -> Bool {
        guard let known = timeline.states[index].lsn else { return lsn > timeline.knownLSN }
        let next = index + 1 < timeline.states.count ? timeline.states[index + 1].lsn : nil
        return known <= lsn && (next.map { lsn < $0 } ?? true)
    }

    private func explanation(
        _ number: Int, _ timeline: Timeline, _ found: [PointRecord], _ lsn: LSN, _ floor: Int
    ) -> String {
        var text = "collection \(number) (\(config(number).durability)): at LSN \(lsn) with "
        text += "\(found.count) points it is in none of the states from \(floor) on;"
        for index in timeline.states.indices.suffix(6) {
            let state = timeline.states[index]
            text += "\n  state \(index) at LSN \(state.lsn?.description ?? "?")"
            text += index == timeline.durable ? ", durable" : ""
            text += index == timeline.answered ? ", answered" : ""
            text += ": \(difference(found, state, timeline.knownLSN, number) ?? "the same points")"
            text += ", indexes \(state.indexes)"
        }
        return text
    }

    // MARK: Reading

    /// The field indexes that the collection tells of, by key.
    func indexes(of collection: Collection) -> [Int: Index] {
        let known = collection.listIndexes().compactMap { Index($0.definition) }
        return Dictionary(known.map { ($0.key, $0) }) { $1 }
    }

    func read(_ collection: Collection, limit: Int = 64) throws -> [PointRecord] {
        var request = ScrollRequest(
            filter: nil, limit: limit, selection: PointSelection(payload: .all, withVector: true))
        var records: [PointRecord] = []
        repeat {
            let page = try collection.scroll(request, context: OperationContext())
            records += page.points
            request.cursor = page.cursor
        } while request.cursor != nil
        return records
    }

    /// What distinguishes points found from a state, `nil` when nothing does.
    func difference(_ found: [PointRecord], _ state: ModelState, _ knownLSN: LSN, _ number: Int)
        -> String?
    {
        let expected = state.visible(at: now)
        let ids = found.map(\.id)
        guard ids == expected.keys.sorted() else {
            let missing = Set(expected.keys).subtracting(ids).sorted()
            let surplus = Set(ids).subtracting(expected.keys).sorted()
            return "without \(missing), with \(surplus)"
                + (missing.isEmpty && surplus.isEmpty ? ", disordered" : "")
        }
        for record in found {
            if let what = expected[record.id].flatMap({ difference(record, $0, knownLSN, number) }) {
                return what
            }
        }
        return nil
    }

    private func difference(_ record: PointRecord, _ point: ModelPoint, _ knownLSN: LSN, _ number: Int)
        -> String?
    {
        guard let contents = Contents.shared[config(number).spaces[0].size] else {
            return "no such size"
        }
        if let version = point.version, version != record.version {
            return "\(record.id) has version \(record.version), not \(version)"
        }
        if point.version == nil, record.version <= knownLSN {
            return "\(record.id) has version \(record.version)"
        }
        guard record.expiresAt ?? 0 == point.expiresAt, record.payload == contents.payloads[point.payload],
            record.vectors?.map(\.vector) == [contents.vectors[point.content]]
        else { return "\(record.id) holds something else than \(point)" }
        return nil
    }

    func expectAbsent(_ number: Int) throws {
        guard collections[number].presence != .present else {
            throw Violation(what: "collection \(number) is not there")
        }
    }

    // MARK: Everything

    /// All reads of all collections.
    func checkEverything() throws {
        for number in collections.indices {
            guard let collection = collection(number) else {
                try expectAbsent(number)
                continue
            }
            try observe(number, collection)
            let state = collections[number].timeline.newest
            if let what = difference(try read(collection, limit: 7), state, .zero, number) {
                throw Violation(what: "collection \(number), scrolled: \(what)")
            }
            guard indexes(of: collection) == state.indexes else {
                throw Violation(what: "collection \(number) has not the indexes \(state.indexes)")
            }
            try checkCounts(number, collection)
            try checkGet(number, collection)
            try checkSearch(number, content: state.points.count, limit: 7)
        }
        try checkSnapshotList()
        try checkAliases()
    }

    private func checkCounts(_ number: Int, _ collection: Collection) throws {
        let expected = newest(number)
        let question = Question(expected.count % Question.count)
        let matching = expected.values.count { question.matches($0.payload) }
        let description = collection.describe()
        guard try collection.count(nil, context: OperationContext()) == expected.count,
            try collection.count(question.filter, context: OperationContext()) == matching,
            description.points == expected.count, description.indexedPoints <= expected.count,
            description.segments.reduce(0, { $0 + $1.points }) == expected.count
        else {
            throw Violation(
                what:
                    "collection \(number) counts wrong: \(description), expected \(expected.count), \(matching) of \(question.filter)"
            )
        }
    }

    private func checkGet(_ number: Int, _ collection: Collection) throws {
        let expected = newest(number)
        let ids = (0..<40).map(Contents.id)
        let (found, missing) = try collection.get(
            ids, selection: PointSelection(payload: .all, withVector: true), context: OperationContext())
        guard missing == ids.filter({ expected[$0] == nil }),
            found.map(\.id) == ids.filter({ expected[$0] != nil })
        else { throw Violation(what: "collection \(number): get does not find \(missing)") }
        for record in found {
            if let what = expected[record.id].flatMap({ difference(record, $0, .zero, number) }) {
                throw Violation(what: "collection \(number), got: \(what)")
            }
        }
    }

    /// Notes all points and an exact search of every collection.
    func observeEverything() throws {
        for number in collections.indices {
            guard let collection = collection(number),
                let contents = Contents.shared[collection.config.spaces[0].size]
            else {
                observations.append("\(number) is not there")
                continue
            }
            let isExact = observed == .everything
            let points = try read(collection).map {
                "\($0.id)=\($0.vectors?.map(\.vector) ?? [])" + (isExact ? "@\($0.version)" : "")
            }
            let now = isExact ? " at \(collection.visibleLSN)" : ""
            let hits = try collection.search(
                SearchQuery(target: .vector(contents.vectors[7]), limit: 9, effort: .exact),
                context: OperationContext())
            observations.append("\(number)\(now): \(points)")
            observations.append("\(number) near 7: \(hits.hits.map { "\($0.record.id)/\($0.score)" })")
        }
    }

    // MARK: Searching

    func checkSearch(_ number: Int, content: Int, limit: Int) throws {
        guard let collection = collection(number) else { return try expectAbsent(number) }
        try observe(number, collection)
        let space = config(number).spaces[0]
        guard let contents = Contents.shared[space.size] else { return }
        let query = contents.vectors[content % Contents.count]
        let scores = newest(number).mapValues { space.metric.score(query, contents.vectors[$0.content]) }
        let sign: Double = space.metric == .euclid ? 1 : -1
        // Points whose scores are answered as equal come by id.
        let expected = scores.sorted {
            (sign * Double(Float($0.value)), $0.key) < (sign * Double(Float($1.value)), $1.key)
        }.prefix(limit)
        let exact = try collection.search(
            SearchQuery(target: .vector(query), limit: limit, effort: .exact), context: OperationContext())
        if !exact.complete, hasHadFaults {
            throw DatabaseError(.storageFailed, "part of it could not be read")
        }
        guard exact.complete, exact.hits.count == expected.count,
            zip(exact.hits, expected).allSatisfy({ $0.record.id == $1.key && isNear($0.score, $1.value) })
        else {
            throw Violation(
                what:
                    "exact search in \(number): \(exact.hits.map { ($0.record.id, $0.score) }), not \(Array(expected))"
            )
        }
        let quick = try collection.search(
            SearchQuery(target: .vector(query), limit: limit), context: OperationContext())
        let ids = Set(quick.hits.map(\.record.id))
        guard quick.complete, quick.hits.count == expected.count, ids.count == quick.hits.count,
            quick.hits.allSatisfy({ hit in scores[hit.record.id].map { isNear(hit.score, $0) } ?? false })
        else {
            throw Violation(
                what: "search in \(number): \(quick.hits.map { ($0.record.id, $0.score) }) of \(scores.count)"
            )
        }
        try checkFilteredSearch(number, collection, content: content, limit: limit, scores)
    }

    /// The points that a filter leaves, whatever indexes there are.
    private func checkFilteredSearch(
        _ number: Int, _ collection: Collection, content: Int, limit: Int, _ scores: [PointID: Double]
    ) throws {
        let question = Question(content % Question.count)
        let points = newest(number).filter { question.matches($0.value.payload) }
        let query = SearchQuery(
            target: .vector(
                Contents.shared[config(number).spaces[0].size]?.vectors[content % Contents.count] ?? []),
            limit: limit, filter: question.filter)
        let result = try collection.search(query, context: OperationContext())
        let ids = Set(result.hits.map(\.record.id))
        guard result.complete, result.hits.count == min(limit, points.count), ids.count == result.hits.count,
            result.hits.allSatisfy({ hit in
                points[hit.record.id] != nil && (scores[hit.record.id].map { isNear(hit.score, $0) } ?? false)
            })
        else {
            throw Violation(
                what:
                    "search in \(number) with \(question.filter): \(ids.sorted()) of \(points.keys.sorted())")
        }
    }

    /// Scores are answered in single precision.
    private func isNear(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 2e-7 * max(1, abs(b)) }

    func checkScroll(_ number: Int, limit: Int) throws {
        guard let collection = collection(number) else { return try expectAbsent(number) }
        try observe(number, collection)
        let known = scrolls.removeValue(forKey: number)
        var rest = known?.rest ?? newest(number).sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        let request = ScrollRequest(
            filter: nil, limit: limit, cursor: known?.cursor,
            selection: PointSelection(payload: .all, withVector: true))
        let page = try collection.scroll(request, context: OperationContext())
        let expected = rest.prefix(limit)
        rest.removeFirst(expected.count)
        guard page.points.map(\.id) == expected.map(\.id), page.cursor != nil || rest.isEmpty else {
            throw Violation(what: "scroll of \(number): \(page.points.map(\.id)), not \(expected.map(\.id))")
        }
        for (record, item) in zip(page.points, expected) {
            if let what = difference(record, item.point, .zero, number) {
                throw Violation(what: "collection \(number), scrolled later: \(what)")
            }
        }
        if let cursor = page.cursor { scrolls[number] = OpenScroll(cursor: cursor, rest: rest) }
    }
}

extension Metric {
    /// The score of two vectors, in double precision.
    func score(_ a: [Float], _ b: [Float]) -> Double {
        func dot(_ a: [Float], _ b: [Float]) -> Double {
            zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        }
        switch self {
        case .dot: return dot(a, b)
        case .cosine: return dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
        case .euclid:
            return zip(a, b).reduce(0) { $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1)) }
                .squareRoot()
        }
    }
}
