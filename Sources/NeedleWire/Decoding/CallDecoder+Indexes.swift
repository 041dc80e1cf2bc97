// Params of `index.*` and `point.facet`.

import NeedleCore

extension CallDecoder {
    private static let stopWordBytes = 1...255

    mutating func createIndex(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var path: FieldPath?
        var type: FieldIndexType?
        var isTenant = false
        var text: TextIndexOptions?
        var places = (tenant: 0, options: 0)
        let limits = limits
        while let key = try reader.nextKey(&members) {
            switch key {
            case "key": path = try reader.optional { try $0.fieldPath() }
            case "type": type = try reader.optional { try $0.choice(FieldIndexType.self) }
            case "tenant":
                places.tenant = key.offset
                isTenant = try reader.optionalBool() ?? false
            case "options":
                places.options = key.offset
                text = try reader.optional { try $0.textIndexOptions(limits, Self.stopWordBytes) }
            default: try common.take(key, from: &reader, allowing: .collection)
            }
        }
        let collection = try common.requiredCollection(in: object)
        guard let path else { throw Refusal.missing("key", in: object) }
        guard let type else { throw Refusal.missing("type", in: object) }
        guard !isTenant || type == .keyword else {
            throw Refusal(
                message: "only a keyword tells tenants apart", offset: places.tenant,
                expected: "type keyword",
                got: type.rawValue)
        }
        guard text == nil || type == .text else {
            throw Refusal(
                message: "only a text index has options", offset: places.options, expected: "type text",
                got: type.rawValue)
        }
        let definition = FieldIndexDefinition(
            path: path, type: type, isTenant: isTenant,
            text: type == .text ? text ?? TextIndexOptions() : nil)
        return .createIndex(CreateIndex(collection: collection, definition: definition))
    }

    mutating func deleteIndex(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var path: FieldPath?
        while let key = try reader.nextKey(&members) {
            switch key {
            case "key": path = try reader.optional { try $0.fieldPath() }
            default: try common.take(key, from: &reader, allowing: .collection)
            }
        }
        let collection = try common.requiredCollection(in: object)
        guard let path else { throw Refusal.missing("key", in: object) }
        return .deleteIndex(DeleteIndex(collection: collection, path: path))
    }

    mutating func listIndexes(_ reader: inout JSONReader) throws -> Call {
        let collection = try collectionToRead(&reader)
        return .listIndexes(ListIndexes(collection: collection, minimumLSN: common.minimumLSN))
    }

    mutating func facetPoints(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var path: FieldPath?
        var filter: Filter?
        var limit: Int?
        let limits = limits
        while let key = try reader.nextKey(&members) {
            switch key {
            case "key": path = try reader.optional { try $0.fieldPath() }
            case "filter": filter = try reader.optional { try $0.filter(limits) }
            case "limit": limit = try reader.optional { try $0.pageLimit(limits) }
            default: try common.take(key, from: &reader, allowing: .read)
            }
        }
        let collection = try common.requiredCollection(in: object)
        guard let path else { throw Refusal.missing("key", in: object) }
        return .facetPoints(
            FacetPoints(
                collection: collection, path: path, filter: filter, limit: limit ?? 10,
                minimumLSN: common.minimumLSN))
    }
}

extension JSONReader {
    /// `{"stemming","stop_words"}`.
    fileprivate mutating func textIndexOptions(
        _ limits: Limits, _ wordBytes: ClosedRange<Int>
    ) throws -> TextIndexOptions {
        var members = try beginObject()
        var options = TextIndexOptions()
        while let key = try nextKey(&members) {
            switch key {
            case "stemming":
                options.stemming = try optional { try $0.choice(TextIndexOptions.Stemming.self) } ?? .none
            case "stop_words":
                options.stopWords =
                    try optional {
                        try $0.list(of: "stop words", limit: limits.batchPoints) {
                            try $0.boundedString(wordBytes)
                        }
                    } ?? []
            default: throw unknown(key)
            }
        }
        return options
    }
}
