// Points from lines of JSON (JSON Lines, https://jsonlines.org): either written as the protocol writes
// points, or any flat rows of which some keys are the id, the text and the vector and the rest is payload.
// Payload text stays as it is.

import NeedleCore

/// How a row of a JSON Lines file becomes a point.
public struct RowMapping: Hashable, Sendable {
    /// The key that holds the id: an integer 0 … 2⁶⁴−1 or a string.
    public var idKey: String
    /// The key that holds the text to be embedded, if any. It is taken out of the payload.
    public var textKey: String?
    /// The key that holds the vector, if any: an array of numbers, or base64 of little-endian float32.
    public var vectorKey: String?

    /// Rows whose id, text and vector are under these keys; every other key becomes payload.
    public init(idKey: String = "id", textKey: String? = nil, vectorKey: String? = nil) {
        self.idKey = idKey
        self.textKey = textKey
        self.vectorKey = vectorKey
    }
}

extension Point {
    /// A point from one line of JSON.
    ///
    /// - Parameters:
    ///   - mapping: which keys of a flat row are what. Without one the row must look like a point of the
    ///     protocol: `{"id":…, "vector":… | "vectors":{…} | "text":"…", "payload":{…}}`.
    /// - Throws: ``NeedletailError`` of kind `invalidArgument` whose message says what was expected, and `at`
    ///   where.
    public init(jsonLine line: [UInt8], mapping: RowMapping? = nil) throws(NeedletailError) {
        var reader = JSONReader(line.span)
        do {
            var row = RowParts()
            if let mapping {
                try row.read(&reader, mapping)
            } else {
                try row.read(&reader)
            }
            try reader.finish()
            self = try row.point(mapping)
        } catch let error as JSONError {
            let message = error.isSyntax ? "not JSON: \(error.message)" : error.message
            throw NeedletailError(.invalidArgument, message, at: "byte \(error.offset)")
        } catch let error as NeedletailError {
            throw error
        } catch {
            throw NeedletailError(.invalidArgument, "\(error)")
        }
    }
}

/// What has been read of a row so far.
private struct RowParts {
    var id: PointID?
    var vector: Vector?
    var vectors: [String: Vector] = [:]
    var text: String?
    var payload: Payload?
    var ifVersion: UInt64?
    var expiresAt: Int64?

    /// Reads a point as the protocol writes it.
    mutating func read(_ reader: inout JSONReader) throws(JSONError) {
        var names = try reader.beginObject()
        while let name = try reader.nextKey(&names) {
            if try reader.readNullIfPresent() { continue }
            switch name {
            case "id": id = try Self.id(&reader)
            case "vector": vector = try reader.vector()
            case "vectors": vectors = try reader.vectorsByName()
            case "text": text = try reader.readString()
            case "payload":
                var bytes: [UInt8] = []
                try reader.compactObject(into: &bytes)
                payload = Payload(compactJSON: bytes)
            case "if_version": ifVersion = try reader.readUInt64()
            case "expires_at": expiresAt = try reader.readInt64()
            default:
                let known = "expected id, vector, vectors, text or payload"
                throw JSONError(.invalidValue("unknown key \"\(name.string)\": \(known)"), at: name.offset)
            }
        }
    }

    /// Reads a flat row: chosen keys, and the rest as payload.
    mutating func read(_ reader: inout JSONReader, _ mapping: RowMapping) throws(JSONError) {
        var names = try reader.beginObject()
        var rest = JSONWriter()
        rest.beginObject()
        while let name = try reader.nextKey(&names) {
            let key = name.utf8
            if key.elementsEqual(mapping.idKey.utf8) {
                id = try Self.id(&reader)
            } else if let wanted = mapping.textKey, key.elementsEqual(wanted.utf8) {
                if try !reader.readNullIfPresent() { text = try reader.readString() }
            } else if let wanted = mapping.vectorKey, key.elementsEqual(wanted.utf8) {
                if try !reader.readNullIfPresent() { vector = try reader.vector() }
            } else {
                var value: [UInt8] = []
                try reader.compactValue(into: &value)
                rest.key(utf8: key.span)
                rest.writeRaw(value)
            }
        }
        rest.endObject()
        payload = Payload(compactJSON: rest.take())
    }

    private static func id(_ reader: inout JSONReader) throws(JSONError) -> PointID {
        let place = reader.position
        let expected = "id: expected an integer 0 ... 2^64-1 or a string of 1 to 512 bytes"
        do throws(JSONError) {
            let id = try reader.pointID()
            if case .string(let bytes) = id.storage, !(1...512).contains(bytes.count) {
                throw JSONError(.invalidValue(expected), at: place.offset)
            }
            return id
        } catch {
            throw error.isSyntax ? error : JSONError(.invalidValue(expected), at: error.offset)
        }
    }

    func point(_ mapping: RowMapping?) throws(NeedletailError) -> Point {
        guard let id else {
            throw NeedletailError(
                .invalidArgument, "the row has no \"\(mapping?.idKey ?? "id")\": every point needs an id")
        }
        guard vector != nil || !vectors.isEmpty || text != nil else {
            let keys =
                mapping.map { [$0.textKey, $0.vectorKey].compactMap { $0 } } ?? ["vector", "vectors", "text"]
            let expected =
                keys.isEmpty
                ? "give --text-key or --vector-key" : "expected " + keys.joined(separator: " or ")
            throw NeedletailError(.invalidArgument, "the row has nothing to be found by: \(expected)")
        }
        var point = Point(id: id, vector: vector, vectors: vectors, text: text, payload: payload ?? Payload())
        point.ifVersion = ifVersion
        point.expiresAt = expiresAt
        return point
    }
}
