// Params of `collection.*`.

import NeedleCore

extension CallDecoder {
    mutating func getCollection(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var quality: Bool?
        while let key = try reader.nextKey(&members) {
            switch key {
            case "quality": quality = try reader.optionalBool()
            default: try common.take(key, from: &reader, allowing: .read)
            }
        }
        let collection = try common.requiredCollection(in: object)
        return .getCollection(
            GetCollection(collection: collection, minimumLSN: common.minimumLSN, quality: quality ?? false))
    }

    /// Params that name a collection to read, and nothing of their own.
    mutating func collectionToRead(_ reader: inout JSONReader) throws -> String {
        let object = reader.offset
        var members = try reader.beginObject()
        while let key = try reader.nextKey(&members) { try common.take(key, from: &reader, allowing: .read) }
        return try common.requiredCollection(in: object)
    }

    mutating func deleteCollection(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        while let key = try reader.nextKey(&members) {
            try common.take(key, from: &reader, allowing: .collection)
        }
        return .deleteCollection(DeleteCollection(collection: try common.requiredCollection(in: object)))
    }

    /// Of what the protocol has, only the baseline of quality can be updated yet.
    mutating func updateCollection(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var acceptsQuality: Bool?
        while let key = try reader.nextKey(&members) {
            switch key {
            case "quality_baseline":
                acceptsQuality = try reader.optional { try $0.choice(among: [("now", true)]) }
            default: try common.take(key, from: &reader, allowing: .collection)
            }
        }
        let collection = try common.requiredCollection(in: object)
        guard let acceptsQuality else {
            throw Refusal(
                message: "nothing to update", offset: object, expected: "\"quality_baseline\":\"now\"")
        }
        return .updateCollection(UpdateCollection(collection: collection, acceptsQuality: acceptsQuality))
    }

    mutating func optimizeCollection(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var wait: Bool?
        while let key = try reader.nextKey(&members) {
            switch key {
            case "wait": wait = try reader.optionalBool()
            default: try common.take(key, from: &reader, allowing: .collection)
            }
        }
        let collection = try common.requiredCollection(in: object)
        return .optimizeCollection(OptimizeCollection(collection: collection, wait: wait ?? false))
    }

    mutating func createCollection(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var name: String?
        var spaces: [SpaceDefinition]?
        var durability: Durability?
        var textKey: String?
        let limits = limits
        while let key = try reader.nextKey(&members) {
            switch key {
            case "name": name = try reader.optional { try $0.name() }
            case "vectors": spaces = try reader.optional { try $0.spaces(limits) }
            case "durability": durability = try reader.optional { try $0.choice(Durability.self) }
            case "text_key": textKey = try reader.optional { try $0.boundedString(1...255) }
            default: try common.take(key, from: &reader)
            }
        }
        guard let name else { throw Refusal.missing("name", in: object) }
        guard let spaces else { throw Refusal.missing("vectors", in: object) }
        return .createCollection(
            CreateCollection(
                name: name, spaces: spaces, durability: durability ?? .fsync, textKey: textKey ?? "text"))
    }
}

extension JSONReader {
    /// `vectors`: one space, or a map from name to space.
    fileprivate mutating func spaces(_ limits: Limits) throws -> [SpaceDefinition] {
        _ = try peekKind()
        guard try isMapOfSpaces() else {
            return [try space(named: CollectionConfig.defaultSpaceName, limits)]
        }
        let start = offset
        var members = try beginObject()
        var spaces: [SpaceDefinition] = []
        while let key = try nextKey(&members) {
            guard Names.isValid(key.utf8) else {
                throw Refusal(
                    message: "malformed name of a vector space", offset: key.offset, expected: Names.rule,
                    got: shown(key.string))
            }
            if try readNullIfPresent() { continue }
            guard spaces.count < limits.spaces else {
                throw Refusal.overLimit("vector spaces", limit: limits.spaces, at: start)
            }
            spaces.append(try space(named: key.string, limits))
        }
        guard !spaces.isEmpty else {
            throw Refusal(message: "a collection has at least one vector space", offset: start)
        }
        return spaces
    }

    /// Every value of a map is an object; a single space has a `size` or a `model`, which are none.
    private mutating func isMapOfSpaces() throws -> Bool {
        let start = position
        defer { rewind(to: start) }
        var members = try beginObject()
        var hasObject = false
        while try nextKey(&members) != nil {
            switch try peekKind() {
            case .object: hasObject = true
            case .null: break
            default: return false
            }
            try skipValue()
        }
        return hasObject
    }

    private mutating func space(named name: String, _ limits: Limits) throws -> SpaceDefinition {
        _ = try peekKind()
        let start = offset
        var members = try beginObject()
        var space = SpaceDefinition(name: name)
        while let key = try nextKey(&members) {
            switch key {
            case "size": space.size = try optional { try $0.readInt(in: 1...limits.dimensions) }
            case "model": space.model = try optional { try $0.boundedString(CommonParams.modelBytes) }
            case "metric":
                let metrics = Metric.allCases.map { (name: $0.name, value: $0) }
                space.metric = try optional { try $0.choice(among: metrics) } ?? .cosine
            case "quantization": space.quantization = try optional { try $0.quantization() } ?? .int8
            case "hnsw": space.hnsw = try optional { try $0.hnsw() } ?? .standard
            default: throw unknown(key)
            }
        }
        guard space.size != nil || space.model != nil else {
            throw Refusal.missing("size", in: start, message: "a vector space needs \"size\" or \"model\"")
        }
        return space
    }

    private mutating func quantization() throws -> QuantizationKind {
        _ = try peekKind()
        let start = offset
        var members = try beginObject()
        var kind: QuantizationKind?
        while let key = try nextKey(&members) {
            switch key {
            case "kind": kind = try optional { try $0.choice(QuantizationKind.self) }
            default: throw unknown(key)
            }
        }
        guard let kind else { throw Refusal.missing("kind", in: start) }
        return kind
    }

    private mutating func hnsw() throws -> HNSWConfig {
        var members = try beginObject()
        var config = HNSWConfig.standard
        while let key = try nextKey(&members) {
            switch key {
            case "m": config.m = try optional { try $0.readInt(in: HNSWConfig.mRange) } ?? config.m
            case "ef_construct":
                let range = HNSWConfig.efConstructRange
                config.efConstruct = try optional { try $0.readInt(in: range) } ?? config.efConstruct
            default: throw unknown(key)
            }
        }
        return config
    }
}
