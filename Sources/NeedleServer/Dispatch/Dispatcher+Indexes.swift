import NeedleCore
import NeedleEngine
import NeedleWire

extension Dispatcher {
    /// Creates or drops a field index, in the order of the connection's changes to the collection.
    func changeIndexes(_ task: RequestTask, _ name: String) {
        barrier(task, name) { (collection) throws(DatabaseError) in
            switch task.request.call {
            case .createIndex(let call):
                let (lsn, job) = try collection.createIndex(call.definition)
                return .indexCreated(lsn: lsn, job: job.id)
            case .deleteIndex(let call):
                return .indexDeleted(lsn: try collection.dropIndex(call.path))
            default:
                throw DatabaseError(.internal, "\(task.request.call.method.rawValue) changes no index")
            }
        }
    }
}
