import NeedleCore
import NeedleEngine
import NeedleWire

extension Dispatcher {
    /// Pieces of archives, on the control threads: mostly reading, writing and hashing files, and never in front of
    /// a search.
    func transfer(_ task: RequestTask) {
        let transfers = database.transfers
        let call = task.request.call
        let most = limits.archivePieceBytes
        run(task, on: control) { () throws(DatabaseError) in
            switch call {
            case .readSnapshot(let call):
                let limit = min(call.bytes ?? Limits.usualArchivePieceBytes, most)
                return .snapshotPiece(
                    try transfers.read(
                        call.snapshot, at: call.position, limit: limit, context: task.context))
            case .beginImport: return .importBegun(try transfers.beginImport())
            case .writeImport(let call):
                return .importStatus(try transfers.write(call.data, at: call.offset, to: call.importID))
            case .commitImport(let call):
                return .snapshotImported(try transfers.commitImport(call.importID, as: call.name))
            case .abortImport(let id):
                try transfers.abortImport(id)
                return .importAborted
            default:
                throw DatabaseError(.internal, "\(call.method.rawValue) carries no archive")
            }
        }
    }
}

extension Limits {
    /// Bytes of an archive in one answer when the client does not say.
    fileprivate static let usualArchivePieceBytes = 4 << 20

    /// Bytes of an archive that fit into one line as base64.
    fileprivate var archivePieceBytes: Int { max(0, lineBytes - 1_024) / 4 * 3 }
}
