import NeedleCore
import NeedleEngine
import NeedleWire

// Beginning, cutting over and rolling back wait for disk and model, so they run on the threads that may. A cutover and a
// roll back are barriers in the collection's lane: writes of the connection before them belong to the old vectors' time.

extension Dispatcher {
    func reembed(_ task: RequestTask) {
        switch task.request.call {
        case .startReembedding(let call):
            whenLoaded(task, call.collection) { _ in
                self.run(task, on: self.embedding) { () throws(DatabaseError) in
                    .reembedding(
                        job: try self.database.startReembedding(
                            call.collection, using: call.space, model: call.model
                        ).id)
                }
            }
        case .reembeddingStatus(let name):
            whenLoaded(task, name) { _ in
                self.run(task, on: self.control) { () throws(DatabaseError) in
                    .reembeddingStatus(try self.database.reembeddingStatus(name))
                }
            }
        case .cutOver(let call):
            exchange(task, call.collection) { (context) throws(DatabaseError) in
                .reembeddingStatus(
                    try self.database.cutOver(call.collection, force: call.force, context: context))
            }
        case .rollBack(let name):
            exchange(task, name) { (context) throws(DatabaseError) in
                .rolledBack(lsn: try self.database.rollBack(name, context: context))
            }
        default:
            task.fail(DatabaseError(.internal, "\(task.request.call.method.rawValue) re-embeds nothing"))
        }
    }

    private func exchange(
        _ task: RequestTask, _ name: String,
        _ body: @escaping @Sendable (OperationContext) throws(DatabaseError) -> Reply
    ) {
        let lane = LaneWork(
            isBarrier: true, prepare: { _ in },
            proceed: { ticket in
                let isAccepted = self.embedding.trySubmit {
                    task.finish(Result { () throws(DatabaseError) -> Reply in try body(task.context) })
                    ticket.done()
                }
                guard !isAccepted else { return }
                task.fail(Self.overloaded(self.embedding))
                ticket.done()
            })
        task.sink.lanes.add(lane, collection: name)
    }
}
