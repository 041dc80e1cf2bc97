// Params of `point.set_payload`, `.replace_payload`, `.delete_payload` and `.set_vectors`.

import NeedleCore

extension CallDecoder {
    mutating func changePayload(_ method: Method, _ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var choice = ChoiceParams()
        var change: PayloadChange?
        let limit = limits.batchPoints
        while let key = try reader.nextKey(&members) {
            if try choice.take(key, from: &reader, limits) { continue }
            switch (method, key) {
            case (.setPayload, "payload"): change = try reader.optional { .set(try $0.payload()) }
            case (.replacePayload, "payload"): change = try reader.optional { .replace(try $0.payload()) }
            case (.deletePayload, "keys"):
                change = try reader.optional {
                    .deleteKeys(try $0.list(of: "keys", limit: limit) { try $0.readString() })
                }
            default: try common.take(key, from: &reader, allowing: .write)
            }
        }
        let collection = try common.requiredCollection(in: object)
        guard let change else {
            throw Refusal.missing(method == .deletePayload ? "keys" : "payload", in: object)
        }
        return .changePayload(
            ChangePayload(
                collection: collection, change: change, choice: try choice.required(in: object),
                model: common.model, opKey: common.opKey))
    }

    mutating func setVectors(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var points: [PointVectors]?
        let limits = limits
        while let key = try reader.nextKey(&members) {
            switch key {
            case "points":
                points = try reader.optional {
                    try $0.list(of: "points", limit: limits.batchPoints) { try $0.pointVectors(limits) }
                }
            default: try common.take(key, from: &reader, allowing: .write)
            }
        }
        let collection = try common.requiredCollection(in: object)
        guard let points else { throw Refusal.missing("points", in: object) }
        return .setVectors(
            SetVectors(
                collection: collection, points: points, model: common.model, opKey: common.opKey))
    }
}

extension JSONReader {
    fileprivate mutating func pointVectors(_ limits: Limits) throws -> PointVectors {
        _ = try peekKind()
        let start = offset
        var members = try beginObject()
        var id: PointID?
        var vectors = VectorInput.absent
        while let key = try nextKey(&members) {
            switch key {
            case "id": id = try optional { try $0.pointID() }
            case "vector":
                if try readNullIfPresent() { continue }
                try refuseSecond(vectors, at: key.offset)
                vectors = .single(try vector(limits))
            case "vectors":
                if try readNullIfPresent() { continue }
                try refuseSecond(vectors, at: key.offset)
                vectors = .named(try namedVectors(limits))
            default: throw unknown(key)
            }
        }
        guard let id else { throw Refusal.missing("id", in: start) }
        if case .absent = vectors {
            throw Refusal(message: "\"vectors\" (or \"vector\", of a single space) is missing", offset: start)
        }
        return PointVectors(id: id, vectors: vectors)
    }
}
