package import NeedleCore

extension SnapshotManifest {
    package func encoded() -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("features"); writer.write(strings: features)
        writer.key("collection"); writer.write(collection)
        writer.key("incarnation"); writer.write(incarnation.hex)
        writer.key("lsn"); writer.write(lsn.value)
        writer.key("time_ms"); writer.write(timeMS)
        writer.key("created_ms"); writer.write(createdMS)
        writer.key("points"); writer.write(points)
        writer.key("files")
        writer.beginArray()
        for file in files {
            writer.beginObject()
            writer.key("name"); writer.write(file.name)
            writer.key("bytes"); writer.write(file.bytes)
            writer.key("sha256"); writer.write(file.sha256)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return HeadedText.encode("snapshot", compactJSON: writer.take())
    }

    /// - Throws: `corruption`, or `storage_failed` for a format or feature that is not known here.
    package init(decoding bytes: [UInt8], file: String) throws(DatabaseError) {
        self = try HeadedText.read("snapshot", bytes, file: file) { (reader) throws(JSONError) in
            try SnapshotManifest(reading: &reader)
        }
        try FeatureNames.check(features, known: Self.knownFeatures, of: "snapshot", file: file)
        try checkFiles(file: file)
    }

    private init(reading reader: inout JSONReader) throws(JSONError) {
        var features: [String]?
        var collection: String?
        var incarnation: Incarnation?
        var lsn: LSN?
        var times: (of: Int64?, created: Int64?) = (nil, nil)
        var points: Int?
        var files: [SnapshotFile]?
        let offset = reader.offset
        var members = try reader.beginObject()
        while let key = try reader.nextKey(&members) {
            switch key {
            case "features": features = try StrictJSON.strings(&reader)
            case "collection": collection = try reader.readString()
            case "incarnation": incarnation = try StrictJSON.incarnation(&reader)
            case "lsn": lsn = LSN(try reader.readUInt64())
            case "time_ms": times.of = try reader.readInt64()
            case "created_ms": times.created = try reader.readInt64()
            case "points": points = try StrictJSON.size(&reader)
            case "files":
                files = try StrictJSON.array(&reader) { (r) throws(JSONError) in
                    try SnapshotFile(reading: &r)
                }
            default: throw JSONError(.unknownKey(key.string), at: key.offset)
            }
        }
        self.init(
            collection: try StrictJSON.need(collection, "collection", at: offset),
            incarnation: try StrictJSON.need(incarnation, "incarnation", at: offset),
            lsn: try StrictJSON.need(lsn, "lsn", at: offset),
            timeMS: try StrictJSON.need(times.of, "time_ms", at: offset),
            createdMS: try StrictJSON.need(times.created, "created_ms", at: offset),
            points: try StrictJSON.need(points, "points", at: offset),
            files: try StrictJSON.need(files, "files", at: offset))
        self.features = try StrictJSON.need(features, "features", at: offset)
    }

    /// Names that stay in the directory, sizes that can be added up: also of a manifest made to do harm.
    private func checkFiles(file: String) throws(DatabaseError) {
        var names: Set<String> = []
        var total = 0
        for entry in files {
            let (sum, overflows) = total.addingReportingOverflow(entry.bytes)
            guard !overflows else {
                throw .corruption(file: file, offset: 0, what: "sizes beyond what a number holds")
            }
            total = sum
            guard SnapshotName.isFile(entry.name), names.insert(entry.name).inserted else {
                throw .corruption(
                    file: file, offset: 0, what: "\"\(entry.name)\" is no name of a file, or comes twice")
            }
            guard ContentHash.isHash(entry.sha256) else {
                throw .corruption(
                    file: file, offset: 0, what: "the SHA-256 of \(entry.name) is not 64 hex digits")
            }
        }
        guard names.contains(Manifest.fileName) else {
            throw .corruption(file: file, offset: 0, what: "a snapshot without \(Manifest.fileName)")
        }
    }
}

extension SnapshotFile {
    fileprivate init(reading reader: inout JSONReader) throws(JSONError) {
        var name: String?
        var bytes: Int?
        var sha256: String?
        let offset = reader.offset
        var members = try reader.beginObject()
        while let key = try reader.nextKey(&members) {
            switch key {
            case "name": name = try reader.readString()
            case "bytes": bytes = try StrictJSON.size(&reader)
            case "sha256": sha256 = try reader.readString()
            default: throw JSONError(.unknownKey(key.string), at: key.offset)
            }
        }
        self.init(
            name: try StrictJSON.need(name, "name", at: offset),
            bytes: try StrictJSON.need(bytes, "bytes", at: offset),
            sha256: try StrictJSON.need(sha256, "sha256", at: offset))
    }
}
