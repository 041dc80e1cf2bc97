import NeedleCore
import NeedleEngine
import SimulationKit

extension World {
    /// One group commit. What may be there afterwards is noted before it begins, so that a crash in the middle finds
    /// the model ready.
    func write(_ number: Int, _ writes: [Write]) throws {
        guard let collection = collection(number) else { return try expectAbsent(number) }
        try observe(number, collection)
        let base = collections[number].timeline.newest
        let versions = base.visible(at: now).compactMapValues(\.version)
        let earlier = Array(
            collections[number].timeline.states.dropFirst(collections[number].timeline.answered + 1))
        attempt(number, writes, versions)
        let results = try commit(writes, to: collection, versions: versions)
        if observed == .everything { observations += results.map { "\(number): \(Self.text($0))" } }
        try settle(number, writes, results, versions: versions, earlier: earlier)
        if results.contains(where: { ((try? $0.get().lsn) ?? .zero) > base.lsn ?? .infinity }) {
            try checkDurability(number)
        }
    }

    private var window: Int64 { Int64(setup.options.limits.opKeyMS) }

    private func attempt(_ number: Int, _ writes: [Write], _ versions: [PointID: LSN]) {
        var state = collections[number].timeline.newest
        for write in writes {
            guard
                case .changed(let next, _) = state.effect(
                    of: write, now: now, versions: versions, window: window)
            else { continue }
            state = next
            collections[number].timeline.states.append(next)
        }
    }

    /// An answer without the durability that it names.
    private static func text(_ result: Result<WriteReceipt, DatabaseError>) -> String {
        switch result {
        case .success(let it):
            "\(it.lsn): \(it.created) created, \(it.updated) updated, \(it.deleted) deleted"
        case .failure(let error): "\(error)"
        }
    }

    // MARK: Towards the database

    private func commit(
        _ writes: [Write], to collection: Collection, versions: [PointID: LSN]
    ) throws -> [Result<WriteReceipt, DatabaseError>] {
        if writes.count == 1, let result = indexing(writes[0], of: collection) { return [result] }
        if setup.plant.splitsBatches, let halves = Self.halves(of: writes) {
            let first = collection.commit(try halves.0.map { try prepare($0, for: collection, versions) })
            let second = collection.commit(try halves.1.map { try prepare($0, for: collection, versions) })
            return [Self.joined(first[0], second[0])]
        }
        return collection.commit(try writes.map { try prepare($0, for: collection, versions) })
    }

    /// - Returns: `nil` when the write is none of the indexes.
    private func indexing(
        _ write: Write, of collection: Collection
    ) -> Result<WriteReceipt, DatabaseError>? {
        Result { () throws(DatabaseError) -> LSN? in
            do throws(DatabaseError) {
                switch write.kind {
                case .createIndex(let index): return try collection.createIndex(index.definition).lsn
                case .dropIndex(let key): return try collection.dropIndex(FieldPath(key: Index.keys[key]))
                default: return nil
                }
            } catch {
                guard error.kind == .alreadyExists || error.kind == .notFound else { throw error }
                throw DatabaseError(.conflict, error.message)
            }
        }
        .map { lsn in lsn.map { WriteReceipt(lsn: $0, durability: collection.config.durability) } }
        .optional()
    }

    private func prepare(
        _ write: Write, for collection: Collection, _ versions: [PointID: LSN]
    ) throws -> PreparedWrite {
        let key = write.opKey.map { Array("key-\($0)".utf8) }
        return try collection.prepare(
            operation(write, for: collection, versions), model: nil, opKey: key, context: OperationContext())
    }

    private func operation(
        _ write: Write, for collection: Collection, _ versions: [PointID: LSN]
    ) throws -> WriteOperation {
        switch write.kind {
        case .deleteIDs(let ids): return .delete(.ids(ids.map(Contents.id)))
        case .deleteMatching(let n): return .delete(.filter(Contents.filter(n: n)))
        case .deleteAll: return .delete(.all)
        case .createIndex, .dropIndex: preconditionFailure("no part of a group")
        default: break
        }
        guard let contents = Contents.shared[collection.config.spaces[0].size] else {
            return .delete(.ids([]))
        }
        switch write.kind {
        case .deleteIDs, .deleteMatching, .deleteAll, .createIndex, .dropIndex: return .delete(.ids([]))
        case .setPayload(let ids, let content):
            return .changePayload(.set(contents.payloads[content]), .ids(ids.map(Contents.id)))
        case .setMatching(let n, let content):
            return .changePayload(.set(contents.payloads[content]), .filter(Contents.filter(n: n)))
        case .replacePayload(let ids, let content):
            return .changePayload(.replace(contents.payloads[content]), .ids(ids.map(Contents.id)))
        case .deleteText: return .changePayload(.deleteKeys([Contents.textKey]), .all)
        case .setVectors(let items):
            return .setVectors(
                items.map {
                    PointVectors(id: Contents.id($0.id), vectors: .single(contents.vectors[$0.content]))
                })
        case .upsert(let items, let requirement):
            let points = items.map { item in
                let id = Contents.id(item.id)
                let version: LSN? =
                    switch requirement {
                    case .current: versions[id] ?? .zero
                    case .stale: LSN((versions[id]?.value ?? 0) + 1_000_000_000)
                    default: nil
                    }
                return PointWrite(
                    id: id, vectors: .single(contents.vectors[item.content]),
                    payload: contents.payloads[item.content],
                    ifVersion: version, expiresAt: item.expiresIn.map { now + Int64($0) })
            }
            return .upsert(points, ifAbsent: requirement == .absent)
        }
    }

    /// A batch as two writes: what a planted bug makes of it.
    private static func halves(of writes: [Write]) -> ([Write], [Write])? {
        guard writes.count == 1, writes[0].opKey == nil, case .upsert(let items, nil) = writes[0].kind,
            Set(items.map(\.id)).count == items.count, items.count > 1
        else { return nil }
        let middle = items.count / 2
        return (
            [Write(.upsert(Array(items[..<middle]), nil))], [Write(.upsert(Array(items[middle...]), nil))]
        )
    }

    private static func joined(
        _ first: Result<WriteReceipt, DatabaseError>, _ second: Result<WriteReceipt, DatabaseError>
    ) -> Result<WriteReceipt, DatabaseError> {
        first.flatMap { one in
            second.map { two in
                WriteReceipt(
                    lsn: two.lsn, durability: two.durability, created: one.created + two.created,
                    updated: one.updated + two.updated)
            }
        }
    }

    // MARK: Towards the model

    /// - Parameter earlier: what may be found of writes that failed before, as long as no later one is answered.
    private func settle(
        _ number: Int, _ writes: [Write], _ results: [Result<WriteReceipt, DatabaseError>],
        versions: [PointID: LSN], earlier: [ModelState]
    ) throws {
        var timeline = collections[number].timeline
        timeline.forgetUnanswered()
        // The states that a write of the group may have been logged on …
        var bases = [timeline.newest]
        // … and those that it may have been compared with: a write that failed before it may have left no trace.
        var met = bases
        var unanswered: [ModelState] = []
        var mayGoOn = true
        let first = timeline.answered
        for (write, result) in zip(writes, results) {
            let effect = { (state: ModelState) in
                state.effect(of: write, now: self.now, versions: versions, window: self.window)
            }
            switch result {
            case .success(let receipt):
                // What was refused before it in the group changed nothing.
                try compare(receipt, with: effect(timeline.newest), of: write, number)
                guard case .changed(let next, _) = effect(timeline.newest) else { continue }
                guard mayGoOn else { throw Violation(what: "\(write): logged behind one that failed") }
                try answer(next, receipt, of: write, number, &timeline)
                bases = [timeline.newest]
                met = bases
            case .failure(let error) where error.kind == .conflict:
                let isMet = !met.contains { if case .conflict = effect($0) { true } else { false } }
                // A collection whose log has failed compares with writes that it never answered.
                if isMet, earlier.isEmpty { throw Violation(what: "\(write): \(error)") }
            case .failure(let error):
                try expectFailure(error, "\(write)")
                let next = bases.compactMap {
                    if case .changed(let next, _) = effect($0) { next } else { nil }
                }
                unanswered += next
                met += next
                // Refused for want of space it is gone, or it waits for its sync; else nothing follows it.
                if error.kind == .diskFull { bases += next } else if !next.isEmpty { bases = next }
                mayGoOn = mayGoOn && error.kind == .diskFull
            }
        }
        if timeline.answered == first { timeline.states += earlier }
        timeline.states += unanswered
        collections[number].timeline = timeline
    }

    private func answer(
        _ state: ModelState, _ receipt: WriteReceipt, of write: Write, _ number: Int,
        _ timeline: inout Timeline
    ) throws {
        guard receipt.lsn > timeline.highestLSN else {
            throw Violation(what: "\(write): LSN \(receipt.lsn) again, after \(timeline.highestLSN)")
        }
        let isDurable = config(number).durability == .fsync
        timeline.answer(state, lsn: receipt.lsn, isDurable: isDurable)
        update { $0.remember(timeline.newest, of: number) }
        // A failed drop must not take it away any more.
        if isDurable { collections[number].presence = .present }
    }

    private func compare(
        _ receipt: WriteReceipt, with effect: ModelState.Effect, of write: Write, _ number: Int
    ) throws {
        let expected: ModelAnswer
        switch effect {
        case .conflict: throw Violation(what: "\(write): answered, though its condition is not met")
        case .nothing: expected = ModelAnswer(timeMS: now, lsn: .infinity)
        case .changed(_, let answer): expected = answer
        case .repeated(let answer):
            expected = answer
            guard answer.lsn == .infinity || answer.lsn == nil || answer.lsn == receipt.lsn else {
                throw Violation(
                    what: "\(write): repeated with LSN \(receipt.lsn), not \(String(describing: answer.lsn))")
            }
        }
        guard receipt.created == expected.created, receipt.updated == expected.updated,
            receipt.deleted == expected.deleted, receipt.durability == config(number).durability
        else { throw Violation(what: "\(write): answered \(receipt), expected \(expected)") }
    }

    /// What was acknowledged as durable lies on the disk now, and under names that stay.
    private func checkDurability(_ number: Int) throws {
        guard setup.checksOrder, config(number).durability == .fsync, !disk.isDown,
            let directory = directory(of: number)
        else { return }
        let unsynced = checker.unsynced(below: "\(directory)/log")
        guard unsynced.isEmpty else {
            throw Violation(what: "rule 6: acknowledged, though \(unsynced) would not survive")
        }
    }
}

extension Result {
    /// No result when nothing succeeded.
    fileprivate func optional<Value>() -> Result<Value, Failure>? where Success == Value? {
        switch self {
        case .success(let value): value.map { .success($0) }
        case .failure(let error): .failure(error)
        }
    }
}
