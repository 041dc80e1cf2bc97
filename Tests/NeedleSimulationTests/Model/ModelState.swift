// The reference: what a collection holds after each of its writes, as a plain dictionary.

import NeedleCore

/// A point as it should be.
struct ModelPoint: Hashable, Sendable {
    /// Of its vector.
    var content: Int
    var payload: Int
    /// 0 = never.
    var expiresAt: Int64
    /// `nil` while it is not known under which LSN an unanswered write was logged.
    var version: LSN?
}

/// The first answer of a write with an `op_key`.
struct ModelAnswer: Hashable, Sendable {
    var timeMS: Int64
    var lsn: LSN?
    var created = 0
    var updated = 0
    var deleted = 0
}

/// A collection between two writes.
struct ModelState: Hashable, Sendable {
    var lsn: LSN? = .zero
    var points: [PointID: ModelPoint] = [:]
    var answers: [Int: ModelAnswer] = [:]
    /// Field indexes by the number of their key.
    var indexes: [Int: Index] = [:]

    func visible(at now: Int64) -> [PointID: ModelPoint] {
        points.filter { $0.value.expiresAt == 0 || $0.value.expiresAt > now }
    }

    /// What a write does to this state.
    enum Effect {
        case changed(ModelState, ModelAnswer)
        case nothing
        case conflict
        case repeated(ModelAnswer)
    }

    /// - Parameters:
    ///   - versions: what `Requirement.current` means, by id.
    ///   - window: how long an `op_key` is remembered.
    func effect(of write: Write, now: Int64, versions: [PointID: LSN], window: Int64) -> Effect {
        if let key = write.opKey, let answer = answers[key], now - answer.timeMS < window {
            return .repeated(answer)
        }
        let visible = visible(at: now)
        var next = self
        var answer = ModelAnswer(timeMS: now)
        switch write.kind {
        case .upsert(let items, let requirement):
            let distinct = Dictionary(items.map { (Contents.id($0.id), $0) }) { $1 }
            for (id, _) in distinct {
                if !Self.isMet(requirement, by: visible[id], version: versions[id]) { return .conflict }
            }
            for (id, item) in distinct {
                if visible[id] == nil { answer.created += 1 } else { answer.updated += 1 }
                next.points[id] = ModelPoint(
                    content: item.content, payload: item.content,
                    expiresAt: item.expiresIn.map { now + Int64($0) } ?? 0)
            }
        case .deleteIDs(let ids):
            answer.deleted = next.remove(Set(ids.map(Contents.id)).filter { visible[$0] != nil })
        case .deleteMatching(let n):
            answer.deleted = next.remove(Set(visible.filter { Contents.n(of: $0.value.payload) == n }.keys))
        case .deleteAll: answer.deleted = next.remove(Set(visible.keys))
        case .setPayload(let ids, let content), .replacePayload(let ids, let content):
            answer.updated = next.change(Set(ids.map(Contents.id)).filter { visible[$0] != nil }) {
                $0.payload = content
            }
        case .setMatching(let n, let content):
            let ids = visible.filter { Contents.n(of: $0.value.payload) == n }.keys
            answer.updated = next.change(Set(ids)) { $0.payload = content }
        case .deleteText:
            answer.updated = next.change(Set(visible.keys)) {
                $0.payload = Contents.withoutText($0.payload)
            }
        case .setVectors(let items):
            for item in items where visible[Contents.id(item.id)] != nil {
                _ = next.change([Contents.id(item.id)]) { $0.content = item.content }
            }
            answer.updated = Set(items.map { Contents.id($0.id) }).count { visible[$0] != nil }
        case .createIndex, .dropIndex: return effect(onIndexes: write.kind, answer)
        }
        guard answer.created + answer.updated + answer.deleted > 0 else { return .nothing }
        if let key = write.opKey { next.answers[key] = answer }
        next.lsn = nil
        return .changed(next, answer)
    }

    /// One that is there, and one that is not, are conflicts.
    private func effect(onIndexes kind: Write.Kind, _ answer: ModelAnswer) -> Effect {
        var next = self
        next.lsn = nil
        switch kind {
        case .createIndex(let index) where indexes[index.key] == nil: next.indexes[index.key] = index
        case .dropIndex(let key) where indexes[key] != nil: next.indexes[key] = nil
        default: return .conflict
        }
        return .changed(next, answer)
    }

    private static func isMet(_ requirement: Requirement?, by point: ModelPoint?, version: LSN?) -> Bool {
        switch requirement {
        case nil: true
        case .absent?: point == nil
        // An unknown version is that of a write of the same group: none that was asked for.
        case .current?: point == nil ? version == nil : point?.version == version && version != nil
        case .stale?: false
        }
    }

    private mutating func change(_ ids: Set<PointID>, _ body: (inout ModelPoint) -> Void) -> Int {
        for id in ids {
            guard var point = points[id] else { continue }
            body(&point)
            point.version = nil
            points[id] = point
        }
        return ids.count
    }

    private mutating func remove(_ ids: Set<PointID>) -> Int {
        for id in ids { points[id] = nil }
        return ids.count
    }

    /// The write that made this state was answered, or found, with this LSN.
    mutating func learn(_ lsn: LSN) {
        self.lsn = lsn
        for (id, point) in points where point.version == nil { points[id]?.version = lsn }
        for (key, answer) in answers where answer.lsn == nil { answers[key]?.lsn = lsn }
    }
}
