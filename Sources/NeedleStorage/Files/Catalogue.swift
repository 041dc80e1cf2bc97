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

    /// A collection whose texts another model embeds, into a second collection that clients do not see; after the
    /// cutover the first one is the one that they do not see, kept for going back.
    package struct Reembedding: Hashable, Sendable {
        /// The name that clients use. The other collection's is `shadowName`.
        package var collection: String
        /// The space that is embedded anew.
        package var space: String
        /// When the old vectors go, in milliseconds since 1970; 0 before the cutover.
        package var keptUntil: Int64

        package init(collection: String, space: String, keptUntil: Int64 = 0) {
            self.collection = collection
            self.space = space
            self.keptUntil = keptUntil
        }

        package var shadow: String { Self.shadowName(of: collection) }

        /// No client can give a collection such a name.
        package static func shadowName(of collection: String) -> String { ".\(collection)" }
        package static func isShadow(_ name: String) -> Bool { name.hasPrefix(".") }
    }

    /// Known features that this catalogue uses, in the order of their names.
    package var features: [String] { reembeddings.isEmpty ? [] : [Self.reembedding] }
    package var collections: [Entry]
    package var aliases: [Alias]
    package var reembeddings: [Reembedding] = []
    /// Rises with every change; no two catalogues of a directory have the same.
    package var generation: UInt64

    package static let fileName = "CATALOGUE"
    private static let reembedding = "reembedding"
    package static let knownFeatures: Set<String> = [reembedding]

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
        if !reembeddings.isEmpty {
            writer.key("reembeddings")
            writer.beginObject()
            for item in reembeddings {
                writer.key(string: item.collection)
                writer.beginObject()
                writer.key("space"); writer.write(item.space)
                writer.key("kept_until"); writer.write(item.keptUntil)
                writer.endObject()
            }
            writer.endObject()
        }
        writer.endObject()
        return HeadedText.encode("catalogue", compactJSON: writer.take())
    }

    package init(decoding bytes: [UInt8], file: String) throws(DatabaseError) {
        var features: [String]?
        self = try HeadedText.read("catalogue", bytes, file: file) { (reader) throws(JSONError) in
            try Catalogue(reading: &reader, &features)
        }
        try FeatureNames.check(features ?? [], known: Self.knownFeatures, of: "catalogue", file: file)
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
        for item in reembeddings {
            guard names.contains(Array(item.collection.utf8)), names.contains(Array(item.shadow.utf8)) else {
                throw .corruption(
                    file: file, offset: 0,
                    what: "the re-embedding of \(item.collection) contradicts the collections")
            }
        }
    }

    /// - Parameter features: those that the file names.
    private init(reading reader: inout JSONReader, _ features: inout [String]?) throws(JSONError) {
        var generation: UInt64?
        var collections: [Entry]?
        var aliases: [Alias]?
        var reembeddings: [Reembedding] = []
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
            case "reembeddings":
                reembeddings = try Self.members(&reader) { (name, r) throws(JSONError) in
                    try Reembedding(of: name, reading: &r)
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
        self.reembeddings = reembeddings
        features = try StrictJSON.need(features, "features", at: offset)
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

extension Catalogue.Reembedding {
    fileprivate init(of collection: String, reading reader: inout JSONReader) throws(JSONError) {
        var space: String?
        var keptUntil: Int64?
        let offset = reader.offset
        var members = try reader.beginObject()
        while let key = try reader.nextKey(&members) {
            switch key {
            case "space": space = try reader.readString()
            case "kept_until": keptUntil = try reader.readInt64()
            default: throw JSONError(.unknownKey(key.string), at: key.offset)
            }
        }
        self.init(
            collection: collection, space: try StrictJSON.need(space, "space", at: offset),
            keptUntil: try StrictJSON.need(keptUntil, "kept_until", at: offset))
    }
}
