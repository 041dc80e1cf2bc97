// Params of `point.search` and `point.search_batch`.

import NeedleCore

extension CallDecoder {
    mutating func searchPoints(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var fields = SearchFields(limits: limits)
        while let key = try reader.nextKey(&members) {
            if try fields.take(key, from: &reader) { continue }
            try common.take(key, from: &reader, allowing: .read)
        }
        let collection = try common.requiredCollection(in: object)
        return .searchPoints(
            SearchPoints(
                collection: collection, search: try fields.search(object: object),
                minimumLSN: common.minimumLSN))
    }

    mutating func recommendPoints(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var fields = SearchFields(limits: limits)
        var positive: [PointID] = []
        var negative: [PointID] = []
        let limits = limits
        while let key = try reader.nextKey(&members) {
            switch key {
            case "positive": positive = try reader.optional { try $0.examples("positive", limits) } ?? []
            case "negative": negative = try reader.optional { try $0.examples("negative", limits) } ?? []
            case "vector", "point_id": throw reader.unknown(key)
            default:
                if try fields.take(key, from: &reader) { continue }
                try common.take(key, from: &reader, allowing: .read)
            }
        }
        let collection = try common.requiredCollection(in: object)
        guard !positive.isEmpty else { throw Refusal.missing("positive", in: object) }
        let search = try fields.search(
            for: .examples(positive: positive, negative: negative), object: object)
        return .recommendPoints(
            SearchPoints(collection: collection, search: search, minimumLSN: common.minimumLSN))
    }

    mutating func searchGroups(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var fields = SearchFields(limits: limits)
        var path: FieldPath?
        var size: (value: Int, place: Int)?
        while let key = try reader.nextKey(&members) {
            switch key {
            case "group_by": path = try reader.optional { try $0.fieldPath() }
            case "group_size":
                let place = key.offset
                let range = 1...SearchGroups.pointLimit
                size = try reader.optional { try $0.readInt(in: range) }.map { ($0, place) }
            case "fusion", "keys", "mmr":
                // The fused score of a point depends on what else is found, so groups could not be compared.
                let place = key.offset
                guard try reader.readNullIfPresent() else {
                    throw Refusal(
                        message: "a search in groups has no \"fusion\" and no \"mmr\"", offset: place)
                }
            default:
                if try fields.take(key, from: &reader) { continue }
                try common.take(key, from: &reader, allowing: .read)
            }
        }
        let collection = try common.requiredCollection(in: object)
        guard let path else { throw Refusal.missing("group_by", in: object) }
        let search = try fields.search(object: object)
        let grouping = Grouping(path: path, size: size?.value ?? SearchGroups.standardSize)
        let points = (search.query.limit + search.query.offset) * grouping.size
        guard points <= SearchGroups.pointLimit else {
            throw Refusal(
                message: "all groups together have at most \(SearchGroups.pointLimit) points",
                offset: size?.place ?? object, expected: "at most \(SearchGroups.pointLimit) together",
                got: "\(points)")
        }
        return .searchGroups(
            SearchGroups(
                collection: collection, search: search, grouping: grouping, minimumLSN: common.minimumLSN))
    }

    mutating func searchBatch(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var searches: [SearchFields.Outcome]?
        let limits = limits
        while let key = try reader.nextKey(&members) {
            switch key {
            case "searches":
                searches = try reader.optional {
                    try $0.list(of: "searches", limit: limits.batchPoints) { try $0.search(limits) }
                }
            default: try common.take(key, from: &reader, allowing: [.readPoints, .model])
            }
        }
        let collection = try common.requiredCollection(in: object)
        guard let searches else { throw Refusal.missing("searches", in: object) }
        let complete = searches.map { outcome in
            var search = outcome.search
            if search.query.model == nil { search.query.model = common.model }
            search.vectorEncoding = outcome.encoding ?? common.vectorEncoding ?? .array
            return search
        }
        return .searchBatch(
            SearchBatch(collection: collection, searches: complete, minimumLSN: common.minimumLSN))
    }
}

extension JSONReader {
    /// Distinct ids of examples, in their order.
    fileprivate mutating func examples(_ name: String, _ limits: Limits) throws -> [PointID] {
        var seen: Set<PointID> = []
        return try list(of: name, limit: min(limits.batchPoints, Search.exampleLimit)) { try $0.pointID() }
            .filter { seen.insert($0).inserted }
    }

    fileprivate mutating func search(_ limits: Limits) throws -> SearchFields.Outcome {
        _ = try peekKind()
        let object = offset
        var members = try beginObject()
        var fields = SearchFields(limits: limits)
        while let key = try nextKey(&members) {
            guard try fields.take(key, from: &self) else { throw unknown(key) }
        }
        return SearchFields.Outcome(search: try fields.search(object: object), encoding: fields.encoding)
    }
}
