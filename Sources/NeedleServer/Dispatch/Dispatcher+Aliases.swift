import NeedleCore
import NeedleEngine
import NeedleWire

extension Dispatcher {
    /// `alias.*`, on the control threads.
    func aliases(_ task: RequestTask) {
        let (database, call) = (database, task.request.call)
        run(task, on: control) { () throws(DatabaseError) in
            switch call {
            case .setAliases(let aliases):
                try database.setAliases(aliases)
                return .aliasesChanged
            case .deleteAliases(let names):
                try database.deleteAliases(names)
                return .aliasesChanged
            case .listAliases: return .aliases(database.aliases)
            default: throw DatabaseError(.internal, "\(call.method.rawValue) is not about aliases")
            }
        }
    }
}
