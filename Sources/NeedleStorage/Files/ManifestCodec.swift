package import NeedleCore

extension Manifest {
    package func encoded() -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("features"); writer.write(strings: features)
        writer.key("incarnation"); writer.write(incarnation.hex)
        writer.key("config"); writer.writeRaw(config)
        writer.key("checkpoint_lsn"); writer.write(checkpointLSN.value)
        writer.key("last_time_ms"); writer.write(lastTimeMS)
        writer.key("lsn_ceiling"); writer.write(lsnCeiling.value)
        writer.key("next_segment_id"); writer.write(nextSegmentID)
        writer.key("segments")
        writer.beginArray()
        for segment in segments { segment.write(to: &writer) }
        writer.endArray()
        writer.key("op_keys")
        writer.beginArray()
        for opKey in opKeys { opKey.write(to: &writer) }
        writer.endArray()
        if let indexes {
            writer.key("indexes"); writer.writeRaw(indexes)
        }
        writer.endObject()
        return HeadedText.encode("manifest", compactJSON: writer.take())
    }

    package init(decoding bytes: [UInt8], file: String) throws(DatabaseError) {
        var needed: [String] = []
        self = try HeadedText.read("manifest", bytes, file: file) { (reader) throws(JSONError) in
            try Manifest(reading: &reader, features: &needed)
        }
        try FeatureNames.check(needed, known: Self.knownFeatures, of: "manifest", file: file)
        guard features.allSatisfy(needed.contains) else {
            throw .corruption(
                file: file, offset: 0,
                what: "a segment with an origin, indexes or newer payloads, but not the feature")
        }
        try checkConsistency(file: file)
    }

    /// - Parameter needed: the features that the manifest says it needs.
    private init(reading reader: inout JSONReader, features needed: inout [String]) throws(JSONError) {
        var features: [String]?
        var incarnation: Incarnation?
        var config: [UInt8]?
        var lsns: (checkpoint: LSN?, ceiling: LSN?) = (nil, nil)
        var lastTimeMS: Int64?
        var nextSegmentID: UInt64?
        var segments: [ManifestSegment]?
        var opKeys: [ManifestOpKey]?
        var indexes: [UInt8]?
        let offset = reader.offset
        var members = try reader.beginObject()
        while let key = try reader.nextKey(&members) {
            switch key {
            case "features": features = try StrictJSON.strings(&reader)
            case "incarnation": incarnation = try StrictJSON.incarnation(&reader)
            case "config":
                var text: [UInt8] = []
                try reader.compactObject(into: &text)
                config = text
            case "checkpoint_lsn": lsns.checkpoint = LSN(try reader.readUInt64())
            case "last_time_ms": lastTimeMS = try reader.readInt64()
            case "lsn_ceiling": lsns.ceiling = LSN(try reader.readUInt64())
            case "next_segment_id": nextSegmentID = try reader.readUInt64()
            case "segments":
                segments = try StrictJSON.array(&reader) { (r) throws(JSONError) in
                    try ManifestSegment(reading: &r)
                }
            case "op_keys":
                opKeys = try StrictJSON.array(&reader) { (r) throws(JSONError) in
                    try ManifestOpKey(reading: &r)
                }
            case "indexes":
                var text: [UInt8] = []
                try reader.compactValue(into: &text)
                indexes = text
            default: throw JSONError(.unknownKey(key.string), at: key.offset)
            }
        }
        self.init(
            incarnation: try StrictJSON.need(incarnation, "incarnation", at: offset),
            config: try StrictJSON.need(config, "config", at: offset),
            checkpointLSN: try StrictJSON.need(lsns.checkpoint, "checkpoint_lsn", at: offset),
            lastTimeMS: try StrictJSON.need(lastTimeMS, "last_time_ms", at: offset),
            lsnCeiling: try StrictJSON.need(lsns.ceiling, "lsn_ceiling", at: offset),
            nextSegmentID: try StrictJSON.need(nextSegmentID, "next_segment_id", at: offset),
            segments: try StrictJSON.need(segments, "segments", at: offset),
            opKeys: try StrictJSON.need(opKeys, "op_keys", at: offset), indexes: indexes)
        needed = try StrictJSON.need(features, "features", at: offset)
    }

    /// What must be true between the parts: also of a manifest that somebody edited by hand.
    private func checkConsistency(file: String) throws(DatabaseError) {
        var ids: Set<UInt64> = []
        for segment in segments {
            guard ids.insert(segment.id).inserted, isConsistent(segment)
            else {
                throw .corruption(file: file, offset: 0, what: "segment \(segment.id) contradicts the rest")
            }
        }
    }
}

extension Manifest {
    /// Whether a segment agrees with the rest.
    func isConsistent(_ segment: ManifestSegment) -> Bool {
        let names = [segment.file, segment.deletions?.file].compactMap { $0 } + segment.overlays
        let deleted = segment.deletions?.count ?? 0
        return segment.id < nextSegmentID && segment.minLSN <= segment.maxLSN
            && segment.maxLSN <= checkpointLSN
            && segment.live <= segment.rows && deleted <= segment.rows - segment.live
            && (segment.sha256.map(ContentHash.isHash) ?? true)
            && segment.overlays.count(where: { PayloadFile.lsn(ofFile: $0) != nil }) <= 1
            && names.allSatisfy { !$0.isEmpty && !$0.utf8.contains(UInt8(ascii: "/")) }
    }
}

/// Features by name, in the files that are text.
enum FeatureNames {
    static func check(
        _ features: [String], known: Set<String>, of kind: String, file: String
    ) throws(DatabaseError) {
        let unknown = features.filter { !known.contains($0) }
        guard unknown.isEmpty else {
            throw DatabaseError(
                .storageFailed,
                "\(file): needs \(kind) format features \(unknown.joined(separator: ", ")), "
                    + "which this server does not have",
                at: file)
        }
    }
}

extension ManifestSegment {
    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("id"); writer.write(id)
        writer.key("file"); writer.write(file)
        writer.key("rows"); writer.write(rows)
        writer.key("bytes"); writer.write(bytes)
        writer.key("live"); writer.write(live)
        writer.key("min_lsn"); writer.write(minLSN.value)
        writer.key("max_lsn"); writer.write(maxLSN.value)
        if let sha256 {
            writer.key("sha256"); writer.write(sha256)
        }
        if let origin {
            writer.key("origin"); writer.write(origin.hex)
        }
        if let deletions {
            writer.key("deletions")
            writer.beginObject()
            writer.key("file"); writer.write(deletions.file)
            writer.key("lsn"); writer.write(deletions.lsn.value)
            writer.key("count"); writer.write(deletions.count)
            writer.endObject()
        }
        writer.key("overlays"); writer.write(strings: overlays)
        writer.endObject()
    }

    init(reading reader: inout JSONReader) throws(JSONError) {
        var id: UInt64?
        var file: String?
        var counts: (rows: Int?, bytes: Int?, live: Int?) = (nil, nil, nil)
        var lsns: (min: LSN?, max: LSN?) = (nil, nil)
        var sha256: String?
        var origin: Incarnation?
        var deletions: ManifestDeletions?
        var overlays: [String]?
        let offset = reader.offset
        var members = try reader.beginObject()
        while let key = try reader.nextKey(&members) {
            switch key {
            case "id": id = try reader.readUInt64()
            case "file": file = try reader.readString()
            case "rows": counts.rows = try StrictJSON.size(&reader)
            case "bytes": counts.bytes = try StrictJSON.size(&reader)
            case "live": counts.live = try StrictJSON.size(&reader)
            case "min_lsn": lsns.min = LSN(try reader.readUInt64())
            case "max_lsn": lsns.max = LSN(try reader.readUInt64())
            case "sha256": sha256 = try reader.readString()
            case "origin": origin = try StrictJSON.incarnation(&reader)
            case "deletions": deletions = try ManifestDeletions(reading: &reader)
            case "overlays": overlays = try StrictJSON.strings(&reader)
            default: throw JSONError(.unknownKey(key.string), at: key.offset)
            }
        }
        self.init(
            id: try StrictJSON.need(id, "id", at: offset),
            file: try StrictJSON.need(file, "file", at: offset),
            rows: try StrictJSON.need(counts.rows, "rows", at: offset),
            bytes: try StrictJSON.need(counts.bytes, "bytes", at: offset),
            live: try StrictJSON.need(counts.live, "live", at: offset),
            minLSN: try StrictJSON.need(lsns.min, "min_lsn", at: offset),
            maxLSN: try StrictJSON.need(lsns.max, "max_lsn", at: offset), sha256: sha256,
            origin: origin, deletions: deletions,
            overlays: try StrictJSON.need(overlays, "overlays", at: offset))
    }
}

extension ManifestDeletions {
    init(reading reader: inout JSONReader) throws(JSONError) {
        var file: String?
        var lsn: LSN?
        var count: Int?
        let offset = reader.offset
        var members = try reader.beginObject()
        while let key = try reader.nextKey(&members) {
            switch key {
            case "file": file = try reader.readString()
            case "lsn": lsn = LSN(try reader.readUInt64())
            case "count": count = try StrictJSON.size(&reader)
            default: throw JSONError(.unknownKey(key.string), at: key.offset)
            }
        }
        self.init(
            file: try StrictJSON.need(file, "file", at: offset),
            lsn: try StrictJSON.need(lsn, "lsn", at: offset),
            count: try StrictJSON.need(count, "count", at: offset))
    }
}

extension ManifestOpKey {
    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("key"); writer.write(utf8: key.span)
        writer.key("lsn"); writer.write(lsn.value)
        writer.key("time_ms"); writer.write(timeMS)
        writer.key("result"); writer.writeRaw(result)
        writer.endObject()
    }

    init(reading reader: inout JSONReader) throws(JSONError) {
        var opKey: [UInt8]?
        var lsn: LSN?
        var timeMS: Int64?
        var result: [UInt8]?
        let offset = reader.offset
        var members = try reader.beginObject()
        while let key = try reader.nextKey(&members) {
            switch key {
            case "key": opKey = try reader.readBytes()
            case "lsn": lsn = LSN(try reader.readUInt64())
            case "time_ms": timeMS = try reader.readInt64()
            case "result":
                var text: [UInt8] = []
                try reader.compactValue(into: &text)
                result = text
            default: throw JSONError(.unknownKey(key.string), at: key.offset)
            }
        }
        self.init(
            key: try StrictJSON.need(opKey, "key", at: offset),
            lsn: try StrictJSON.need(lsn, "lsn", at: offset),
            timeMS: try StrictJSON.need(timeMS, "time_ms", at: offset),
            result: try StrictJSON.need(result, "result", at: offset))
    }
}
