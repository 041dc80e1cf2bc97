// Reading results. Unknown members are skipped, so that newer servers stay readable; missing ones are errors.

import NeedleCore

/// A decoded JSON object of a small result, with accessors that say what is missing.
struct ResultObject {
    let object: JSONObject

    init(_ bytes: [UInt8]) throws(NeedletailError) {
        let value = try readResult(bytes) { (reader) throws(JSONError) in try JSONValue.read(&reader) }
        guard case .object(let object) = value else { throw .reply("an object") }
        self.object = object
    }

    init(_ object: JSONObject) {
        self.object = object
    }

    func string(_ key: String) throws(NeedletailError) -> String {
        guard let value = object[key]?.stringValue else { throw .reply("a string", at: key) }
        return value
    }

    func int(_ key: String) throws(NeedletailError) -> Int {
        guard let value = object[key]?.intValue else { throw .reply("an integer", at: key) }
        return value
    }

    func number(_ key: String) throws(NeedletailError) -> Double {
        guard let value = object[key]?.doubleValue else { throw .reply("a number", at: key) }
        return value
    }

    func lsn(_ key: String = "lsn") throws(NeedletailError) -> UInt64 {
        guard let value = object[key]?.uint64Value else { throw .reply("a non-negative integer", at: key) }
        return value
    }

    func nested(_ key: String) throws(NeedletailError) -> ResultObject {
        guard let value = object[key]?.objectValue else { throw .reply("an object", at: key) }
        return ResultObject(value)
    }

    /// An object that may be `null` or absent.
    func optional(_ key: String) -> ResultObject? {
        object[key]?.objectValue.map { ResultObject($0) }
    }

    func objects(_ key: String) throws(NeedletailError) -> [ResultObject] {
        guard let array = object[key]?.arrayValue else { throw .reply("an array", at: key) }
        return array.compactMap { $0.objectValue.map { ResultObject($0) } }
    }
}

extension NeedletailError {
    static func reply(_ expected: String, at: String? = nil) -> NeedletailError {
        var error = NeedletailError(
            .invalidReply, "the server's answer has another shape than the protocol says", at: at)
        error.expected = expected
        return error
    }
}

/// Reads a result with `body` and turns the reader's errors into the client's.
func readResult<Value>(
    _ bytes: [UInt8], _ body: (inout JSONReader) throws(JSONError) -> Value
) throws(NeedletailError) -> Value {
    var reader = JSONReader(bytes.span, maximumDepth: JSONValue.maximumDepth)
    do {
        return try body(&reader)
    } catch {
        throw NeedletailError(
            .invalidReply, "the server's answer cannot be read: \(error.message)", at: "byte \(error.offset)")
    }
}

extension JSONReader {
    /// Reads an array by reading each element.
    mutating func list<Element>(
        _ body: (inout JSONReader) throws(JSONError) -> Element
    ) throws(JSONError) -> [Element] {
        var elements = try beginArray()
        var values: [Element] = []
        while try nextElement(&elements) { values.append(try body(&self)) }
        return values
    }

    mutating func pointID() throws(JSONError) -> PointID {
        try peekKind() == .string ? PointID(utf8: try readBytes()) : PointID(try readUInt64())
    }

    mutating func vector() throws(JSONError) -> Vector {
        var vector: Vector = []
        try readVector(into: &vector, limit: 1 << 20)
        return vector
    }

    mutating func vectorsByName() throws(JSONError) -> [String: Vector] {
        var names = try beginObject()
        var vectors: [String: Vector] = [:]
        while let name = try nextKey(&names) {
            let space = name.string
            vectors[space] = try vector()
        }
        return vectors
    }

    /// A point of an answer, and its score if it has one.
    mutating func storedPoint() throws(JSONError) -> (point: StoredPoint, score: Double?) {
        let start = offset
        var names = try beginObject()
        var id: PointID?
        var point = StoredPoint(id: 0, version: 0)
        var score: Double?
        while let name = try nextKey(&names) {
            switch name {
            case "id": id = try pointID()
            case "version": point.version = try readUInt64()
            case "score": score = try readDouble()
            case "expires_at":
                if try !readNullIfPresent() { point.expiresAt = try readInt64() }
            case "payload":
                if try readNullIfPresent() { break }
                var text: [UInt8] = []
                try compactObject(into: &text)
                point.payload = Payload(compactJSON: text)
            case "vector":
                if try !readNullIfPresent() { point.vector = try vector() }
            case "vectors":
                if try !readNullIfPresent() { point.vectors = try vectorsByName() }
            default: try skipValue()
            }
        }
        guard let id else { throw JSONError(.missingKey("id"), at: start) }
        point.id = id
        return (point, score)
    }
}
