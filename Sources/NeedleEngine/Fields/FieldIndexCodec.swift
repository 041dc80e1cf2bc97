import NeedleCore

/// Definitions of indexes as JSON, in the form that `index.create` takes: in the log and in the manifest, there with the
/// write that created them. Strict when read.
enum FieldIndexCodec {
    static func encode(_ definition: FieldIndexDefinition) -> [UInt8] { value(definition).utf8 }

    /// For the manifest; `nil` without any.
    static func encode(_ records: [FieldIndexRecord]) -> [UInt8]? {
        guard !records.isEmpty else { return nil }
        let values = records.map { record -> JSONValue in
            let members = value(record.definition).objectValue ?? []
            return .object([.init("lsn", .number(number(record.lsn.value)))] + members)
        }
        return JSONValue.array(values).utf8
    }

    private static func number(_ value: UInt64) -> JSONNumber {
        Int64(exactly: value).map { .signed($0) } ?? .unsigned(value)
    }

    private static func value(_ definition: FieldIndexDefinition) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("key", .string(definition.path.text)), .init("type", .string(definition.type.rawValue)),
        ]
        if definition.isTenant { members.append(.init("tenant", .bool(true))) }
        if let text = definition.text {
            members.append(
                .init(
                    "options",
                    .object([
                        .init("stemming", .string(text.stemming.rawValue)),
                        .init("stop_words", .array(text.stopWords.map { .string($0) })),
                    ])))
        }
        return .object(members)
    }

    /// - Throws: `corruption` naming the file.
    static func decode(_ json: [UInt8], file: String) throws(DatabaseError) -> FieldIndexDefinition {
        try definition(try parse(json, file: file), file: file)
    }

    /// Of a manifest.
    static func decodeRecords(_ json: [UInt8]?, file: String) throws(DatabaseError) -> [FieldIndexRecord] {
        guard let json else { return [] }
        guard let values = try parse(json, file: file).arrayValue else { throw damage("no array", file) }
        var records: [FieldIndexRecord] = []
        for value in values {
            guard let lsn = value["lsn"]?.unsignedValue else { throw damage("\"lsn\" is missing", file) }
            let definition = try definition(value, file: file)
            records.append(FieldIndexRecord(definition: definition, lsn: LSN(lsn)))
        }
        return records
    }

    private static func parse(_ json: [UInt8], file: String) throws(DatabaseError) -> JSONValue {
        do throws(JSONError) {
            return try JSONValue(parsing: json.span)
        } catch {
            throw damage(error.message, file)
        }
    }

    private static func definition(
        _ value: JSONValue, file: String
    ) throws(DatabaseError) -> FieldIndexDefinition {
        for member in value.objectValue ?? []
        where !["lsn", "key", "type", "tenant", "options"].contains(member.name) {
            throw DatabaseError(
                .storageFailed,
                "\(file): an index has a key \"\(member.name)\" that this version does not know")
        }
        guard let key = value["key"]?.stringValue,
            let type = value["type"]?.stringValue.flatMap(FieldIndexType.init(rawValue:))
        else { throw damage("\"key\" or \"type\" is missing or malformed", file) }
        let path: FieldPath
        do throws(DatabaseError) {
            path = try FieldPath(parsing: key)
        } catch {
            throw damage(error.message, file)
        }
        var text: TextIndexOptions?
        if let options = value["options"] {
            guard
                let stemming = options["stemming"]?.stringValue
                    .flatMap(TextIndexOptions.Stemming.init(rawValue:))
            else { throw damage("\"options\" is malformed", file) }
            text = TextIndexOptions(
                stemming: stemming,
                stopWords: options["stop_words"]?.arrayValue?.compactMap(\.stringValue) ?? [])
        }
        return FieldIndexDefinition(
            path: path, type: type, isTenant: value["tenant"]?.boolValue ?? false, text: text)
    }

    private static func damage(_ what: String, _ file: String) -> DatabaseError {
        .corruption(file: file, offset: 0, what: "definition of an index: \(what)")
    }
}
