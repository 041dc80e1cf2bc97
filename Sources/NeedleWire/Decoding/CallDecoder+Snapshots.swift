// Params of `snapshot.*` and `job.*`.

import NeedleCore

extension CallDecoder {
    mutating func createSnapshot(_ reader: inout JSONReader) throws -> Call {
        .createSnapshot(CreateSnapshot(collection: try collectionAlone(&reader)))
    }

    mutating func listSnapshots(_ reader: inout JSONReader) throws -> Call {
        var members = try reader.beginObject()
        while let key = try reader.nextKey(&members) {
            try common.take(key, from: &reader, allowing: .collection)
        }
        return .listSnapshots(ListSnapshots(collection: common.collection))
    }

    /// `{"snapshot"}`.
    mutating func snapshotName(_ reader: inout JSONReader) throws -> String {
        let object = reader.offset
        var members = try reader.beginObject()
        var snapshot: String?
        while let key = try reader.nextKey(&members) {
            switch key {
            case "snapshot": snapshot = try reader.optional { try $0.name() }
            default: try common.take(key, from: &reader)
            }
        }
        guard let snapshot else { throw Refusal.missing("snapshot", in: object) }
        return snapshot
    }

    mutating func restoreSnapshot(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var snapshot: String?
        var name: String?
        var lsn: LSN?
        var time: Int64?
        while let key = try reader.nextKey(&members) {
            switch key {
            case "snapshot": snapshot = try reader.optional { try $0.name() }
            case "as": name = try reader.optional { try $0.name() }
            case "to_lsn": lsn = try reader.optional { LSN(try $0.readUInt64()) }
            case "to_time": time = try reader.optional { try $0.readInt64() }
            default: try common.take(key, from: &reader)
            }
        }
        guard let snapshot else { throw Refusal.missing("snapshot", in: object) }
        guard let name else { throw Refusal.missing("as", in: object) }
        guard lsn == nil || time == nil else {
            throw Refusal(
                message: "\"to_lsn\" and \"to_time\" exclude each other", offset: object, member: "to_time")
        }
        let point = lsn.map { RestorePoint.lsn($0) } ?? time.map { .time($0) } ?? .snapshot
        return .restoreSnapshot(RestoreSnapshot(snapshot: snapshot, name: name, point: point))
    }

    /// `{"job"}`.
    mutating func jobName(_ reader: inout JSONReader) throws -> String {
        let object = reader.offset
        var members = try reader.beginObject()
        var job: String?
        while let key = try reader.nextKey(&members) {
            switch key {
            case "job": job = try reader.optional { try $0.boundedString(1...64) }
            default: try common.take(key, from: &reader)
            }
        }
        guard let job else { throw Refusal.missing("job", in: object) }
        return job
    }
}
