// Params of `reembed.*`.

import NeedleCore

extension CallDecoder {
    mutating func startReembedding(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var space: String?
        while let key = try reader.nextKey(&members) {
            switch key {
            case "using": space = try reader.optionalString()
            default: try common.take(key, from: &reader, allowing: [.collection, .model])
            }
        }
        let collection = try common.requiredCollection(in: object)
        guard let model = common.model else { throw Refusal.missing("model", in: object) }
        return .startReembedding(StartReembedding(collection: collection, space: space, model: model))
    }

    mutating func cutOver(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var force: Bool?
        while let key = try reader.nextKey(&members) {
            switch key {
            case "force": force = try reader.optional { try $0.readBool() }
            default: try common.take(key, from: &reader, allowing: .collection)
            }
        }
        return .cutOver(
            CutOver(collection: try common.requiredCollection(in: object), force: force ?? false))
    }

    /// `{"collection"}`.
    mutating func collectionAlone(_ reader: inout JSONReader) throws -> String {
        let object = reader.offset
        var members = try reader.beginObject()
        while let key = try reader.nextKey(&members) {
            try common.take(key, from: &reader, allowing: .collection)
        }
        return try common.requiredCollection(in: object)
    }
}
