import NeedleCore
import NeedleEngine
import NeedleWire

// Long work on snapshots runs on one thread of low priority, one piece after the other, in the order received; it
// is a job that `job.list` shows, and its client gets `server.progress` while it waits. Cancelling the request or
// the job, the request's deadline, or the end of the connection break it off, and it leaves nothing.

extension Dispatcher {
    func snapshots(_ task: RequestTask) {
        switch task.request.call {
        case .createSnapshot(let call):
            whenLoaded(task, call.collection) { collection in
                let name = collection.name
                self.work(task, "snapshot", on: name) { (work) throws(DatabaseError) in
                    .snapshotCreated(try self.database.createSnapshot(of: name, work: work))
                }
            }
        case .listSnapshots(let call):
            run(task, on: control) { () throws(DatabaseError) in
                .snapshots(try self.database.listSnapshots(of: call.collection))
            }
        case .deleteSnapshot(let name):
            // Behind what is at work on snapshots: nothing is taken away under it.
            run(task, on: snapshotPool) { () throws(DatabaseError) in
                try self.database.deleteSnapshot(name)
                return .snapshotDeleted
            }
        case .verifySnapshot(let name):
            work(task, "verify", on: name) { (work) throws(DatabaseError) in
                .snapshotVerified(try self.database.verifySnapshot(name, work: work))
            }
        case .restoreSnapshot(let call): restore(task, call)
        default:
            task.fail(DatabaseError(.internal, "\(task.request.call.method.rawValue) is about no snapshot"))
        }
    }

    /// Like the making of a collection: what comes after it in the lane of its name waits until it is over.
    private func restore(_ task: RequestTask, _ call: RestoreSnapshot) {
        let lane = LaneWork(
            isBarrier: true, prepare: { _ in },
            proceed: { ticket in
                self.work(task, "restore", on: call.name, ended: { ticket.done() }) {
                    (work) throws(DatabaseError) in
                    .snapshotRestored(
                        try self.database.restoreSnapshot(
                            call.snapshot, as: call.name, to: call.point, work: work))
                }
            })
        task.sink.lanes.add(lane, collection: call.name)
    }

    private func work(
        _ task: RequestTask, _ kind: String, on subject: String, ended: @escaping @Sendable () -> Void = {},
        _ body: @escaping @Sendable (SnapshotWork) throws(DatabaseError) -> Reply
    ) {
        let pace = BytePace(bytesPerSecond: snapshotBytesPerSecond, clock: clock)
        let work = database.beginSnapshotWork(
            kind, collection: subject, context: task.context, pause: { pace.pause(after: $0, task.context) })
        let watch = WorkWatch(task: task, work: work, timers: timers)
        let isAccepted = snapshotPool.trySubmit {
            lowerThreadPriority()
            pace.begin()
            let result = Result { () throws(DatabaseError) -> Reply in try body(work) }
            watch.end()
            task.finish(result)
            ended()
        }
        guard !isAccepted else { return }
        watch.end()
        let error = Self.overloaded(snapshotPool)
        work.giveUp(error)
        task.fail(error)
        ended()
    }

    // MARK: Jobs

    func jobs(_ task: RequestTask) {
        run(task, on: control) { () throws(DatabaseError) in
            switch task.request.call {
            case .getJob(let id): .jobs([try Self.found(self.database.job(id), id)])
            case .cancelJob(let id): .jobs([try Self.found(self.database.cancelJob(id), id)])
            default: .jobs(self.database.jobs())
            }
        }
    }

    private static func found(_ job: JobSnapshot?, _ id: String) throws(DatabaseError) -> JobSnapshot {
        guard let job else {
            throw DatabaseError(.notFound, "there is no job \"\(id)\", or it ended long ago", at: "job")
        }
        return job
    }
}
