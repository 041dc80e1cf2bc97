import NeedleCore
import NeedleEngine
import NeedleWire
import Synchronization

extension Dispatcher {
    /// Puts a change into its connection's lane; from there on the lane says when it goes on.
    func change(_ task: RequestTask) {
        guard let given = task.request.call.collection else { return }
        // A collection has one lane, also under an alias; the name of one that is being created is its own.
        let name = database.resolved(given)
        switch task.request.call {
        case .upsertPoints(let call):
            write(
                task, name, .upsert(call.points, ifAbsent: call.ifAbsent), model: call.model,
                opKey: call.opKey
            ) { .upserted($0) }
        case .deletePoints(let call):
            write(task, name, .delete(call.choice), model: call.model, opKey: call.opKey) { .deleted($0) }
        case .changePayload(let call):
            write(
                task, name, .changePayload(call.change, call.choice), model: call.model, opKey: call.opKey
            ) { .changed($0) }
        case .setVectors(let call):
            write(task, name, .setVectors(call.points), model: call.model, opKey: call.opKey) { .changed($0) }
        case .upsertDocuments(let call):
            write(
                task, name, .upsertDocuments(call.documents, call.sizes), model: call.model,
                opKey: call.opKey
            ) { .documentsUpserted($0) }
        case .deleteDocuments(let call):
            write(task, name, .deleteDocuments(call.documentIDs), model: call.model, opKey: call.opKey) {
                .deleted($0)
            }
        case .createCollection(let call):
            barrier(task, name) { () throws(DatabaseError) in
                let lsn = try self.database.createCollection(named: call.name, config: CollectionConfig(call))
                return .collectionCreated(name: call.name, lsn: lsn)
            }
        case .deleteCollection:
            barrier(task, name) { () throws(DatabaseError) in
                try self.database.dropCollection(named: name)
                return .collectionDeleted
            }
        case .updateCollection(let call):
            barrier(task, name) { (collection) throws(DatabaseError) in
                // After all that can fail: a refused update leaves the baseline as it was.
                if call.acceptsQuality { collection.acceptQuality() }
                return .collectionUpdated(lsn: collection.visibleLSN, job: nil)
            }
        case .optimizeCollection(let call):
            optimize(task, name, wait: call.wait)
        case .createIndex, .deleteIndex: changeIndexes(task, name)
        default:
            task.fail(DatabaseError(.internal, "\(task.request.call.method.rawValue) changes no collection"))
        }
    }

    // MARK: Writes

    private func write(
        _ task: RequestTask, _ name: String, _ operation: WriteOperation, model: String?, opKey: String?,
        reply: @escaping @Sendable (WriteReceipt) -> Reply
    ) {
        let box = WriteBox()
        let pool = poolForPreparing(task.request.call)
        let work = LaneWork(
            isBarrier: false,
            prepare: { ticket in
                self.whenLoaded(task, name, otherwise: { ticket.done() }) { collection in
                    let isAccepted = pool.trySubmit {
                        do throws(DatabaseError) {
                            try task.context.check()
                            let write = try collection.prepare(
                                operation, model: model, opKey: opKey.map { Array($0.utf8) },
                                context: task.context)
                            box.put(collection, write)
                            ticket.prepared()
                        } catch {
                            task.fail(error)
                            ticket.done()
                        }
                    }
                    if !isAccepted {
                        task.fail(Self.overloaded(pool))
                        ticket.done()
                    }
                }
            },
            proceed: { ticket in
                guard let (collection, write) = box.take() else { return }
                self.commits.enqueue(write, to: collection) { result in
                    task.finish(result.map(reply))
                    ticket.done()
                }
            })
        task.sink.lanes.add(work, collection: name)
    }

    private func poolForPreparing(_ call: Call) -> WorkerPool {
        if case .upsertDocuments = call { return documents }
        return call.runsModel ? embedding : search
    }

    // MARK: Other changes

    /// Runs on the control threads when all changes before it in the lane are over.
    private func barrier(
        _ task: RequestTask, _ name: String, _ body: @escaping @Sendable () throws(DatabaseError) -> Reply
    ) {
        let work = LaneWork(
            isBarrier: true, prepare: { _ in },
            proceed: { ticket in
                self.control.submit {
                    task.finish(
                        Result { () throws(DatabaseError) -> Reply in
                            try task.context.check()
                            return try body()
                        })
                    ticket.done()
                }
            })
        task.sink.lanes.add(work, collection: name)
    }

    /// The same with the collection, once it has been loaded.
    func barrier(
        _ task: RequestTask, _ name: String,
        _ body: @escaping @Sendable (Collection) throws(DatabaseError) -> Reply
    ) {
        let work = LaneWork(
            isBarrier: true, prepare: { _ in },
            proceed: { ticket in
                // Not at once: the lane is locked while it lets work proceed.
                self.control.submit {
                    self.whenLoaded(task, name, otherwise: { ticket.done() }) { collection in
                        task.finish(
                            Result { () throws(DatabaseError) -> Reply in
                                try task.context.check()
                                return try body(collection)
                            })
                        ticket.done()
                    }
                }
            })
        task.sink.lanes.add(work, collection: name)
    }

    private func optimize(_ task: RequestTask, _ name: String, wait: Bool) {
        let work = LaneWork(
            isBarrier: true, prepare: { _ in },
            proceed: { ticket in
                self.control.submit {
                    self.whenLoaded(task, name, otherwise: { ticket.done() }) { collection in
                        let job = collection.optimize()
                        // What comes after it in the lane need not wait until it has ended.
                        ticket.done()
                        if wait {
                            JobWatch(task: task, collection: collection, timers: self.timers).begin(job)
                        } else {
                            task.finish(.success(.optimizing(job: job.id)))
                        }
                    }
                }
            })
        task.sink.lanes.add(work, collection: name)
    }
}

/// A prepared write between its preparation and its commit.
private final class WriteBox: Sendable {
    private let content = Mutex<(Collection, PreparedWrite)?>(nil)

    func put(_ collection: Collection, _ write: PreparedWrite) {
        content.withLock { $0 = (collection, write) }
    }

    func take() -> (Collection, PreparedWrite)? {
        content.withLock { content in
            defer { content = nil }
            return content
        }
    }
}

extension CollectionConfig {
    /// What a client asked for. A size of 0 is one that the model decides.
    init(_ call: CreateCollection) {
        let spaces = call.spaces.map { space in
            SpaceConfig(
                name: space.name, size: space.size ?? 0, metric: space.metric,
                quantization: space.quantization,
                hnsw: space.hnsw, model: space.model)
        }
        self.init(spaces: spaces, durability: call.durability, textKey: call.textKey)
    }
}
