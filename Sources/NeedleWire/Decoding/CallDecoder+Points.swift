// Params of `point.upsert`, `.get`, `.delete`, `.count` and `.scroll`.

import NeedleCore

extension CallDecoder {
    mutating func upsertPoints(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var points: [PointWrite]?
        var ifAbsent: Bool?
        let limits = limits
        while let key = try reader.nextKey(&members) {
            switch key {
            case "points":
                points = try reader.optional {
                    try $0.list(of: "points", limit: limits.batchPoints) { try $0.pointWrite(limits) }
                }
            case "if_absent": ifAbsent = try reader.optionalBool()
            default: try common.take(key, from: &reader, allowing: .write)
            }
        }
        let collection = try common.requiredCollection(in: object)
        guard let points else { throw Refusal.missing("points", in: object) }
        return .upsertPoints(
            UpsertPoints(
                collection: collection, points: points, ifAbsent: ifAbsent ?? false, model: common.model,
                opKey: common.opKey))
    }

    mutating func getPoints(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var ids: [PointID]?
        var selection = PointSelection()
        let limits = limits
        while let key = try reader.nextKey(&members) {
            switch key {
            case "ids": ids = try reader.optional { try $0.pointIDs(limits) }
            case "with_payload": selection.payload = try reader.payloadSelection(limits)
            case "with_vector": selection.withVector = try reader.optionalBool() ?? false
            default: try common.take(key, from: &reader, allowing: .readPoints)
            }
        }
        let collection = try common.requiredCollection(in: object)
        guard let ids else { throw Refusal.missing("ids", in: object) }
        return .getPoints(
            GetPoints(
                collection: collection, ids: ids, selection: selection,
                vectorEncoding: common.vectorEncoding ?? .array, minimumLSN: common.minimumLSN))
    }

    mutating func deletePoints(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var choice = ChoiceParams()
        while let key = try reader.nextKey(&members) {
            if try choice.take(key, from: &reader, limits) { continue }
            try common.take(key, from: &reader, allowing: .write)
        }
        let collection = try common.requiredCollection(in: object)
        return .deletePoints(
            DeletePoints(
                collection: collection, choice: try choice.required(in: object), model: common.model,
                opKey: common.opKey))
    }

    mutating func countPoints(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var filter: Filter?
        let limits = limits
        while let key = try reader.nextKey(&members) {
            switch key {
            case "filter": filter = try reader.optional { try $0.filter(limits) }
            default: try common.take(key, from: &reader, allowing: .read)
            }
        }
        let collection = try common.requiredCollection(in: object)
        return .countPoints(
            CountPoints(collection: collection, filter: filter, minimumLSN: common.minimumLSN))
    }

    mutating func scrollPoints(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var scroll = ScrollPoints(collection: "", limit: min(100, limits.batchPoints))
        let limits = limits
        while let key = try reader.nextKey(&members) {
            switch key {
            case "filter": scroll.filter = try reader.optional { try $0.filter(limits) }
            case "limit": scroll.limit = try reader.optional { try $0.pageLimit(limits) } ?? scroll.limit
            case "cursor": scroll.cursor = try reader.optional { try $0.boundedString(1...4096) }
            case "with_payload": scroll.selection.payload = try reader.payloadSelection(limits)
            case "with_vector": scroll.selection.withVector = try reader.optionalBool() ?? false
            case "order_by": scroll.order = try reader.optional { try $0.scrollOrder() }
            default: try common.take(key, from: &reader, allowing: .readPoints)
            }
        }
        scroll.collection = try common.requiredCollection(in: object)
        scroll.vectorEncoding = common.vectorEncoding ?? .array
        scroll.minimumLSN = common.minimumLSN
        return .scrollPoints(scroll)
    }
}

extension JSONReader {
    mutating func pointIDs(_ limits: Limits) throws -> [PointID] {
        try list(of: "ids", limit: limits.batchPoints) { try $0.pointID() }
    }

    /// `with_payload`: a boolean or the top-level keys wanted; absent means all.
    mutating func payloadSelection(_ limits: Limits) throws -> PayloadSelection {
        switch try peekKind() {
        case .null:
            try readNull()
            return .all
        case .bool: return try readBool() ? .all : .none
        case .array: return .keys(try list(of: "keys", limit: limits.batchPoints) { try $0.readString() })
        case let other:
            throw JSONError(.wrongType(expected: "a boolean or an array of keys", got: other), at: offset)
        }
    }

    /// `{"key","direction"}`.
    fileprivate mutating func scrollOrder() throws -> ScrollOrder {
        _ = try peekKind()
        let object = offset
        var members = try beginObject()
        var path: FieldPath?
        var isDescending = false
        while let key = try nextKey(&members) {
            switch key {
            case "key": path = try optional { try $0.fieldPath() }
            case "direction":
                isDescending =
                    try optional { try $0.choice(among: [("asc", false), ("desc", true)]) } ?? false
            default: throw unknown(key)
            }
        }
        guard let path else { throw Refusal.missing("key", in: object) }
        return ScrollOrder(path: path, isDescending: isDescending)
    }

    mutating func pageLimit(_ limits: Limits) throws -> Int {
        _ = try peekKind()
        let start = offset
        let limit = try readInt(in: 1...Int.max)
        guard limit <= limits.batchPoints else {
            throw Refusal.overLimit("points a page", limit: limits.batchPoints, at: start)
        }
        return limit
    }

    fileprivate mutating func pointWrite(_ limits: Limits) throws -> PointWrite {
        _ = try peekKind()
        let start = offset
        var members = try beginObject()
        var id: PointID?
        var point = PointWrite(id: .integer(0), vectors: .absent)
        while let key = try nextKey(&members) {
            switch key {
            case "id": id = try optional { try $0.pointID() }
            case "vector":
                if try readNullIfPresent() { continue }
                try refuseSecond(point.vectors, at: key.offset)
                point.vectors = .single(try vector(limits))
            case "vectors":
                if try readNullIfPresent() { continue }
                try refuseSecond(point.vectors, at: key.offset)
                point.vectors = .named(try namedVectors(limits))
            case "text": point.text = try optionalString()
            case "payload": point.payload = try optional { try $0.payload() } ?? .empty
            case "if_version": point.ifVersion = try optional { LSN(try $0.readUInt64()) }
            case "expires_at": point.expiresAt = try optional { Int64(try $0.readInt(in: 1...Int.max)) }
            default: throw unknown(key)
            }
        }
        guard let id else { throw Refusal.missing("id", in: start) }
        if case .absent = point.vectors, point.text == nil {
            throw Refusal(message: "a point needs \"vector\", \"vectors\" or \"text\"", offset: start)
        }
        point.id = id
        return point
    }

    func refuseSecond(_ vectors: VectorInput, at key: Int) throws {
        guard case .absent = vectors else {
            throw Refusal(message: "either \"vector\" or \"vectors\", not both", offset: key)
        }
    }

    mutating func vector(_ limits: Limits) throws -> [Float] {
        var vector: [Float] = []
        try readVector(into: &vector, limit: limits.dimensions)
        return vector
    }

    mutating func namedVectors(_ limits: Limits) throws -> [NamedVector] {
        _ = try peekKind()
        let start = offset
        var members = try beginObject()
        var vectors: [NamedVector] = []
        while let key = try nextKey(&members) {
            if try readNullIfPresent() { continue }
            vectors.append(NamedVector(space: key.string, vector: try vector(limits)))
        }
        guard !vectors.isEmpty else {
            throw Refusal(message: "a point has a vector in at least one space", offset: start)
        }
        return vectors
    }

    mutating func payload() throws -> Payload {
        var text: [UInt8] = []
        try compactObject(into: &text)
        return Payload(compactJSON: text)
    }
}
