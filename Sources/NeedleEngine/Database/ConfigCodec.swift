import NeedleCore

/// A collection's configuration as JSON, in the form that `collection.create` takes, plus what the server
/// added: the fingerprint of a model. Kept in the manifest. Strict when read: an unknown key means a newer
/// server wrote it.
enum ConfigCodec {
    static func encode(_ config: CollectionConfig) -> [UInt8] {
        let vectors: JSONValue =
            if config.hasSingleUnnamedSpace {
                encode(config.spaces[0])
            } else {
                .object(config.spaces.map { JSONValue.Member($0.name, encode($0)) })
            }
        let value: JSONValue = .object([
            .init("named", .bool(!config.hasSingleUnnamedSpace)), .init("vectors", vectors),
            .init("durability", .string(config.durability.rawValue)),
            .init("text_key", .string(config.textKey)),
        ])
        return value.utf8
    }

    private static func encode(_ space: SpaceConfig) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("size", .number(.signed(Int64(space.size)))), .init("metric", .string(space.metric.name)),
            .init("quantization", .object([.init("kind", .string(space.quantization.rawValue))])),
            .init(
                "hnsw",
                .object([
                    .init("m", .number(.signed(Int64(space.hnsw.m)))),
                    .init("ef_construct", .number(.signed(Int64(space.hnsw.efConstruct)))),
                ])),
        ]
        if let model = space.model { members.append(.init("model", .string(model))) }
        if let fingerprint = space.modelFingerprint {
            members.append(.init("fingerprint", .string(fingerprint)))
        }
        return .object(members)
    }

    /// - Throws: `corruption` naming the manifest.
    static func decode(_ json: [UInt8], file: String) throws(DatabaseError) -> CollectionConfig {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue(parsing: json.span)
        } catch {
            throw .corruption(file: file, offset: error.offset, what: "configuration: \(error.message)")
        }
        var members = Members(value, file: file)
        let isNamed = try members.take("named") { $0.boolValue }
        let vectors = try members.take("vectors") { $0 }
        let durability = try members.take("durability") { $0.stringValue.flatMap(Durability.init(rawValue:)) }
        let textKey = try members.take("text_key") { $0.stringValue }
        try members.end()
        var spaces: [SpaceConfig] = []
        if isNamed {
            for member in vectors.objectValue ?? [] {
                spaces.append(try space(member.value, name: member.name, file: file))
            }
        } else {
            spaces.append(try space(vectors, name: CollectionConfig.defaultSpaceName, file: file))
        }
        guard !spaces.isEmpty else {
            throw .corruption(file: file, offset: 0, what: "the configuration has no vector space")
        }
        return CollectionConfig(spaces: spaces, durability: durability, textKey: textKey)
    }

    private static func space(_ value: JSONValue, name: String, file: String) throws(DatabaseError)
        -> SpaceConfig
    {
        var members = Members(value, file: file)
        let size = try members.take("size") { $0.integerValue }
        let metric = try members.take("metric") { $0.stringValue.flatMap(Metric.init(name:)) }
        let quantization = try members.take("quantization") {
            $0["kind"]?.stringValue.flatMap(QuantizationKind.init(rawValue:))
        }
        let hnsw = try members.take("hnsw") { value -> HNSWConfig? in
            guard let m = value["m"]?.integerValue, let ef = value["ef_construct"]?.integerValue,
                HNSWConfig.mRange.contains(m), HNSWConfig.efConstructRange.contains(ef)
            else { return nil }
            return HNSWConfig(m: m, efConstruct: ef)
        }
        let model = members.takeIfPresent("model")?.stringValue
        let fingerprint = members.takeIfPresent("fingerprint")?.stringValue
        try members.end()
        guard size > 0 else {
            throw .corruption(file: file, offset: 0, what: "space \"\(name)\" has size \(size)")
        }
        return SpaceConfig(
            name: name, size: size, metric: metric, quantization: quantization, hnsw: hnsw, model: model,
            modelFingerprint: fingerprint)
    }

    /// The members of an object that have not been read yet.
    private struct Members {
        private var left: [JSONValue.Member]
        private let file: String

        init(_ value: JSONValue, file: String) {
            left = value.objectValue ?? []
            self.file = file
        }

        mutating func takeIfPresent(_ name: String) -> JSONValue? {
            guard let index = left.firstIndex(where: { $0.name == name }) else { return nil }
            return left.remove(at: index).value
        }

        mutating func take<Value>(_ name: String, _ read: (JSONValue) -> Value?) throws(DatabaseError)
            -> Value
        {
            guard let value = takeIfPresent(name).flatMap(read) else {
                throw .corruption(
                    file: file, offset: 0, what: "configuration: \"\(name)\" is missing or malformed")
            }
            return value
        }

        func end() throws(DatabaseError) {
            guard let unknown = left.first else { return }
            throw DatabaseError(
                .storageFailed,
                "\(file): the configuration has a key \"\(unknown.name)\" that this version does not know")
        }
    }
}
