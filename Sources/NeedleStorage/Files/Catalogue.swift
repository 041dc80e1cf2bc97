// Which collections a data directory has, and under which names. Creating, dropping and naming commit by
// replacing it.

package import NeedleCore

/// The content of CATALOGUE. Names are compared by bytes.
package struct Catalogue: Hashable, Sendable {
    package struct Entry: Hashable, Sendable {
        package var name: String
        package var incarnation: Incarnation

        package init(name: String, incarnation: Incarnation) {
            self.name = name
            self.incarnation = incarnation
        }
    }

    package struct Alias: Hashable, Sendable {
        package var alias: String
        /// The name of a collection.
        package var collection: String

        package init(alias: String, collection: String) {
            self.alias = alias
            self.collection = collection
        }
    }

    package var features: [String] = []
    package var collections: [Entry]
    package var aliases: [Alias]
    /// Rises with every change; no two catalogues of a directory have the same.
    package var generation: UInt64

    package static let fileName = "CATALOGUE"
    package static let knownFeatures: Set<String> = []

    package init(collections: [Entry] = [], aliases: [Alias] = [], generation: UInt64 = 1) {
        self.collections = collections
        self.aliases = aliases
        self.generation = generation
    }

    /// Reads and checks `directory`/CATALOGUE.
    ///
    /// - Throws: `not_found` in a directory that has none yet; `corruption`; `storage_failed` for a format
    ///   or feature that is not known here.
    package static func read(_ fileSystem: any FileSystem, directory: String) throws(DatabaseError)
        -> Catalogue
    {
        let path = "\(directory)/\(fileName)"
        return try Catalogue(
            decoding: try fileSystem.readAll(path, limit: HeadedText.maximumBytes), file: path)
    }

    /// Replaces `directory`/CATALOGUE atomically and durably.
    package func write(_ fileSystem: any FileSystem, directory: String) throws(DatabaseError) {
        try AtomicFile.replace(fileSystem, "\(directory)/\(Self.fileName)", with: encoded())
    }

    // MARK: Bytes

    package func encoded() -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("features"); writer.write(strings: features)
        writer.key("generation"); writer.write(generation)
        writer.key("collections")
        writer.beginObject()
        for entry in collections {
            writer.key(string: entry.name); writer.write(entry.incarnation.hex)
        }
        writer.endObject()
        writer.key("aliases")
        writer.beginObject()
        for alias in aliases {
            writer.key(string: alias.alias); writer.write(alias.collection)
        }
        writer.endObject()
        writer.endObject()
        return HeadedText.encode("catalogue", compactJSON: writer.take())
    }

    package init(decoding bytes: [UInt8], file: String) throws(DatabaseError) {
        self = try HeadedText.read("catalogue", bytes, file: file) { (reader) throws(JSONError) in
            try Catalogue(reading: &reader)
        }
        try FeatureNames.check(features, known: Self.knownFeatures, of: "catalogue", file: file)
        let names = Set(collections.map { Array($0.name.utf8) })
        guard Set(collections.map(\.incarnation)).count == collections.count else {
            throw .corruption(file: file, offset: 0, what: "two collections have one incarnation")
        }
        for alias in aliases {
            guard names.contains(Array(alias.collection.utf8)), !names.contains(Array(alias.alias.utf8))
            else {
                throw .corruption(
                    file: file, offset: 0, what: "alias \(alias.alias) contradicts the collections")
            }
        }
    }

    private init(reading reader: inout JSONReader) throws(JSONError) {
        var features: [String]?
        var generation: UInt64?
        var collections: [Entry]?
        var aliases: [Alias]?
        let offset = reader.offset
        var members = try reader.beginObject()
        while let key = try reader.nextKey(&members) {
            switch key {
            case "features": features = try StrictJSON.strings(&reader)
            case "generation": generation = try reader.readUInt64()
            case "collections":
                collections = try Self.members(&reader) { (name, r) throws(JSONError) in
                    Entry(name: name, incarnation: try StrictJSON.incarnation(&r))
                }
            case "aliases":
                aliases = try Self.members(&reader) { (name, r) throws(JSONError) in
                    Alias(alias: name, collection: try r.readString())
                }
            default: throw JSONError(.unknownKey(key.string), at: key.offset)
            }
        }
        self.init(
            collections: try StrictJSON.need(collections, "collections", at: offset),
            aliases: try StrictJSON.need(aliases, "aliases", at: offset),
            generation: try StrictJSON.need(generation, "generation", at: offset))
        self.features = try StrictJSON.need(features, "features", at: offset)
    }

    private static func members<Value>(
        _ reader: inout JSONReader, _ value: (String, inout JSONReader) throws(JSONError) -> Value
    ) throws(JSONError) -> [Value] {
        var result: [Value] = []
        var members = try reader.beginObject()
        while let key = try reader.nextKey(&members) { result.append(try value(key.string, &reader)) }
        return result
    }
}
