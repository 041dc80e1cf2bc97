// Params of `snapshot.read` and `snapshot.import_*`.

import NeedleCore

extension CallDecoder {
    mutating func readSnapshot(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var snapshot: String?
        var call = ReadSnapshot(snapshot: "")
        while let key = try reader.nextKey(&members) {
            switch key {
            case "snapshot": snapshot = try reader.optional { try $0.name() }
            case "position": call.position = try reader.optional { try $0.readInt(in: 0...Int.max) } ?? 0
            case "bytes": call.bytes = try reader.optional { try $0.readInt(in: 1...Int.max) }
            default: try common.take(key, from: &reader)
            }
        }
        guard let snapshot else { throw Refusal.missing("snapshot", in: object) }
        call.snapshot = snapshot
        return .readSnapshot(call)
    }

    mutating func writeImport(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var importID: String?
        var offset: Int?
        var data: [UInt8]?
        while let key = try reader.nextKey(&members) {
            switch key {
            case "import": importID = try reader.importID()
            case "offset": offset = try reader.optional { try $0.readInt(in: 0...Int.max) }
            case "data": data = try reader.optional { try $0.archiveBytes() }
            default: try common.take(key, from: &reader)
            }
        }
        guard let importID else { throw Refusal.missing("import", in: object) }
        guard let offset else { throw Refusal.missing("offset", in: object) }
        guard let data else { throw Refusal.missing("data", in: object) }
        return .writeImport(WriteImport(importID: importID, offset: offset, data: data))
    }

    mutating func commitImport(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var importID: String?
        var name: String?
        while let key = try reader.nextKey(&members) {
            switch key {
            case "import": importID = try reader.importID()
            case "as": name = try reader.optional { try $0.name() }
            default: try common.take(key, from: &reader)
            }
        }
        guard let importID else { throw Refusal.missing("import", in: object) }
        return .commitImport(CommitImport(importID: importID, name: name))
    }

    mutating func abortImport(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var importID: String?
        while let key = try reader.nextKey(&members) {
            switch key {
            case "import": importID = try reader.importID()
            default: try common.take(key, from: &reader)
            }
        }
        guard let importID else { throw Refusal.missing("import", in: object) }
        return .abortImport(importID)
    }
}

extension JSONReader {
    fileprivate mutating func importID() throws -> String? {
        try optional { try $0.boundedString(1...64) }
    }

    fileprivate mutating func archiveBytes() throws -> [UInt8] {
        do throws(JSONError) {
            return try readBase64Bytes()
        } catch  where error.kind == .invalidBase64 {
            throw Refusal(
                message: "not padded base64", offset: error.offset,
                expected: "padded base64 (RFC 4648, section 4)")
        }
    }
}
