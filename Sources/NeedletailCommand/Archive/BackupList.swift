// BACKUP, the list of what a backup holds: written last, so a directory without it is no backup. It is JSON, so that
// people and other programs can read it (docs/format/archive.md).

import NeedleClient

/// What a backup of a server consists of.
package struct BackupList: Equatable {
    package struct Collection: Equatable {
        package var name: String
        /// Its archive, a plain name within the directory.
        package var file: String
        package var bytes: Int
        /// Of the archive.
        package var sha256: String
        package var points: Int
        package var lsn: UInt64

        package init(name: String, file: String, bytes: Int, sha256: String, points: Int, lsn: UInt64) {
            self.name = name
            self.file = file
            self.bytes = bytes
            self.sha256 = sha256
            self.points = points
            self.lsn = lsn
        }
    }

    package static let fileName = "BACKUP"
    package static let format = 1

    /// The server that was backed up.
    package var serverVersion: String
    /// Milliseconds since 1970.
    package var createdMS: Int
    package var collections: [Collection] = []
    /// Names of collections by alias.
    package var aliases: [(alias: String, collection: String)] = []

    package static func == (left: BackupList, right: BackupList) -> Bool { left.text == right.text }

    /// The file's content: one line per collection.
    package var text: String {
        let entries = collections.map { entry -> String in
            let object: JSONObject = [
                "name": .string(entry.name), "file": .string(entry.file),
                "bytes": .integer(Int64(entry.bytes)),
                "sha256": .string(entry.sha256), "points": .integer(Int64(entry.points)),
                "lsn": .unsigned(entry.lsn),
            ]
            return "\n  " + object.description
        }
        let aliases = JSONObject(aliases.map { JSONObject.Member($0.alias, .string($0.collection)) })
        return """
            {"needletail_backup":\(Self.format),"server":\(JSONValue.string(serverVersion)),\
            "created_ms":\(createdMS),
             "collections":[\(entries.joined(separator: ","))],
             "aliases":\(aliases)}

            """
    }

    package init(serverVersion: String, createdMS: Int) {
        self.serverVersion = serverVersion
        self.createdMS = createdMS
    }

    /// - Parameter file: for messages.
    package init(parsing text: String, file: String) throws(Failure) {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: text)
        } catch {
            throw Failure(.badInput, "\(file): \(error.message)" + (error.at.map { " (at \($0))" } ?? ""))
        }
        guard let format = value["needletail_backup"]?.intValue else {
            throw Failure(.badInput, "\(file): not the list of a backup")
        }
        guard format == Self.format else {
            throw Failure(
                .badInput, "\(file): backup format \(format), this command reads \(Self.format)",
                advice: ["use the needletail of the server that made the backup, or a newer one"])
        }
        guard let createdMS = value["created_ms"]?.intValue, let entries = value["collections"]?.arrayValue,
            let aliases = value["aliases"]?.objectValue?.members
        else {
            throw Failure(.badInput, "\(file): created_ms, collections or aliases are missing")
        }
        self.init(serverVersion: value["server"]?.stringValue ?? "?", createdMS: createdMS)
        for entry in entries { collections.append(try Collection(entry, file: file)) }
        for alias in aliases {
            self.aliases.append((alias.key, alias.value.stringValue ?? ""))
        }
        guard Set(collections.map(\.name)).count == collections.count else {
            throw Failure(.badInput, "\(file): a collection comes twice")
        }
    }
}

extension BackupList.Collection {
    fileprivate init(_ value: JSONValue, file list: String) throws(Failure) {
        guard let name = value["name"]?.stringValue, let file = value["file"]?.stringValue,
            let bytes = value["bytes"]?.intValue, let sha256 = value["sha256"]?.stringValue,
            let points = value["points"]?.intValue, let lsn = value["lsn"],
            let number = lsn.intValue
        else {
            throw Failure(.badInput, "\(list): an entry of collections is not whole: \(value)")
        }
        guard !file.isEmpty, !file.hasPrefix("."), !file.utf8.contains(UInt8(ascii: "/")) else {
            throw Failure(.badInput, "\(list): \"\(file)\" is no file of this directory")
        }
        self.init(
            name: name, file: file, bytes: bytes, sha256: sha256, points: points, lsn: UInt64(max(0, number)))
    }
}
