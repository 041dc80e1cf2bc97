import NeedleCore
import NeedleEngine
import NeedleStorage
import SimulationKit

// Snapshots: each restores to what its collection held when it was taken, versions and op_keys included, or to a
// later write that the log still leads to.

extension World {
    private func work() -> SnapshotWork? {
        database?.beginSnapshotWork("simulated", collection: "", context: OperationContext())
    }

    func snapshot(_ number: Int) throws {
        guard let collection = collection(number), let database, let work = work() else {
            return try expectAbsent(number)
        }
        try observe(number, collection)
        let known = collections[number]
        var wanted = ModelSnapshot(
            number: number, config: known.config, life: known.life, state: known.timeline.newest,
            lsn: collection.visibleLSN, points: newest(number).count, createdMS: now)
        wanted.state.lsn = wanted.lsn
        update {
            $0.attempts.append(wanted)
            $0.histories[known.life] = $0.histories[known.life] ?? []
        }
        let made: SnapshotDescription
        do throws(DatabaseError) {
            made = try database.createSnapshot(of: Setup.name(of: number), work: work)
        } catch {
            return try expectFailure(error, "snapshot \(number)")
        }
        // One whose deletion failed may be gone, and its name free.
        guard wanted.isDescribed(by: made), model.snapshots[made.name]?.presence != .present else {
            throw Violation(what: "snapshot \(number): \(made), expected \(wanted)")
        }
        update {
            $0.attempts.removeLast()
            $0.snapshots[made.name] = wanted
        }
    }

    /// One of the snapshots that are known to be there, in the order in which they were made.
    private func chosen(_ index: Int) -> (name: String, snapshot: ModelSnapshot)? {
        let all = model.snapshots.filter { $0.value.presence == .present }
            .sorted { $0.value.createdMS < $1.value.createdMS }
        return all.isEmpty ? nil : (all[index % all.count].key, all[index % all.count].value)
    }

    func verify(_ index: Int) throws {
        guard let (name, snapshot) = chosen(index) else { return }
        try verify(name, snapshot)
    }

    private func verify(_ name: String, _ snapshot: ModelSnapshot) throws {
        guard let database, let work = work() else { return }
        do {
            let verified = try database.verifySnapshot(name, work: work)
            guard verified.lsn == snapshot.lsn, verified.points == snapshot.points else {
                throw Violation(what: "verify \(name): \(verified), expected \(snapshot)")
            }
        } catch let error as DatabaseError {
            try expectFailure(error, "verify \(name)")
        }
    }

    func deleteSnapshot(_ index: Int) throws {
        guard let database, let (name, _) = chosen(index) else { return }
        update { $0.snapshots[name]?.presence = .uncertain }
        do throws(DatabaseError) { try database.deleteSnapshot(name) } catch {
            return try expectFailure(error, "delete-snapshot \(name)")
        }
        update { $0.snapshots[name] = nil }
    }

    // MARK: Restoring

    /// - Parameter step: how far behind the snapshot, among the writes that are known there; `nil`: the snapshot.
    func restore(_ index: Int, as number: Int, to step: Int?) throws {
        guard let (name, snapshot) = chosen(index) else { return }
        let later = (model.histories[snapshot.life] ?? []).filter { ($0.lsn ?? .zero) >= snapshot.lsn }
        let target = step.flatMap { later.isEmpty ? nil : later[$0 % later.count] }
        let point = target?.lsn.map { RestorePoint.lsn($0) } ?? .snapshot
        switch collections[number].presence {
        case .uncertain: return
        case .present: try expectTaken(name, number)
        case .absent:
            update {
                $0.beginLife(number, config: snapshot.config, target ?? snapshot.state)
            }
            try restore(name, snapshot, as: number, to: point)
        }
    }

    private func expectTaken(_ name: String, _ number: Int) throws {
        guard let database, let work = work() else { return }
        do throws(DatabaseError) {
            _ = try database.restoreSnapshot(
                name, as: Setup.name(of: number), to: .snapshot, work: work)
        } catch {
            if error.kind != .alreadyExists { try expectFailure(error, "restore \(name)") }
            return
        }
        throw Violation(what: "\(name) was restored over collection \(number)")
    }

    private func restore(
        _ name: String, _ snapshot: ModelSnapshot, as number: Int, to point: RestorePoint
    ) throws {
        guard let database, let work = work() else { return }
        let state = collections[number].timeline.newest
        let restored: RestoredCollection
        do throws(DatabaseError) {
            restored = try database.restoreSnapshot(name, as: Setup.name(of: number), to: point, work: work)
        } catch {
            if error.kind == .notFound, point != .snapshot, !isLogKept(of: snapshot.life) {
                collections[number].presence = .absent
                return
            }
            return try expectFailure(error, "restore \(name) as \(number) to \(point)")
        }
        collections[number].presence = .present
        try noteCatalogue()
        let expected = RestoredCollection(
            collection: Setup.name(of: number), points: state.visible(at: now).count,
            lsn: state.lsn ?? .zero)
        guard restored == expected, let collection = collection(number) else {
            throw Violation(what: "restore \(name) to \(point): \(restored), expected \(expected)")
        }
        if let what = difference(try read(collection), state, .zero, number) {
            throw Violation(what: "restore \(name) to \(point): \(what)")
        }
        guard indexes(of: collection) == state.indexes else {
            throw Violation(what: "restore \(name) to \(point): without the indexes \(state.indexes)")
        }
    }

    /// Whether every write behind a snapshot of this life can be reached.
    private func isLogKept(of life: Int) -> Bool {
        let model = model
        let isLive = model.collections.contains { $0.life == life && $0.presence == .present }
        return !setup.options.logArchive.isEmpty && (isLive || model.archived.contains(life))
    }

    // MARK: Checks

    /// Which snapshots are there after a start.
    func settleSnapshots() throws {
        let found = try checkSnapshotList()
        update { model in
            for made in found where model.snapshots[made.name] == nil {
                model.snapshots[made.name] = model.attempts.first { $0.isDescribed(by: made) }
            }
            let names = Set(found.map(\.name))
            model.snapshots = model.snapshots.filter { names.contains($0.key) }.mapValues {
                var there = $0
                there.presence = .present
                return there
            }
            model.attempts = []
        }
    }

    /// Snapshots that were made are listed, those that were removed are not, and none is half there.
    @discardableResult
    func checkSnapshotList() throws -> [SnapshotDescription] {
        guard let database else { return [] }
        let faults = disk.faultsStruck
        let (found, model) = (try database.listSnapshots(of: nil), model)
        // One that could not be read is left out, and named by health.
        guard disk.faultsStruck == faults, !disk.isDown else {
            throw DatabaseError(.storageFailed, "not all snapshots could be read")
        }
        for made in found {
            let isKnown =
                model.snapshots[made.name]?.isDescribed(by: made)
                ?? model.attempts.contains { $0.isDescribed(by: made) }
            guard isKnown else { throw Violation(what: "snapshot \(made) is there") }
        }
        let names = Set(found.map(\.name))
        for (name, snapshot) in model.snapshots where snapshot.presence == .present {
            guard names.contains(name) else { throw Violation(what: "snapshot \(name) is lost") }
        }
        return found
    }

    func checkSnapshotsWhole() throws {
        for (name, snapshot) in model.snapshots { try verify(name, snapshot) }
    }

    /// Nothing lies in the data directory that no catalogue and no snapshot names.
    func checkNothingElseIsThere() throws {
        let model = model
        let directories = try disk.list("db/collections")
        guard directories.count == model.collections.count(where: { $0.presence == .present }) else {
            throw Violation(what: "left over of collections: \(directories)")
        }
        let snapshots = try disk.list("db/snapshots")
        guard snapshots == model.snapshots.keys.sorted() else {
            throw Violation(
                what: "left over of snapshots: \(snapshots), not \(model.snapshots.keys.sorted())")
        }
    }
}

extension ModelSnapshot {
    func isDescribed(by made: SnapshotDescription) -> Bool {
        made.collection == Setup.name(of: number) && made.lsn == lsn && made.points == points
            && made.createdMS == createdMS
    }
}
