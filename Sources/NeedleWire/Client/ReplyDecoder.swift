// From a server's line to a message: the client's side of the codec.
//
// Lenient where a newer server may say more: unknown members and notifications are skipped. Strict where
// something must be there. What the server sends wrongly is an `internal` error that says so.

package import NeedleCore

/// Decodes what the server sends. A value without state: use one from any number of threads.
package struct ReplyDecoder: Sendable {
    /// Replies may be nested deeper than requests (protocol, section 1).
    package static let maximumDepth = 72

    package init() {}

    /// Takes one line apart.
    ///
    /// - Throws: `internal` when it is no message of the protocol.
    package func message(_ line: [UInt8]) throws(DatabaseError) -> ServerMessage {
        try Self.reading(line) { reader in
            let message: ServerMessage
            if try reader.peekKind() == .array {
                var elements = try reader.beginArray()
                var answers: [Answer] = []
                while try reader.nextElement(&elements) {
                    let start = reader.offset
                    guard case .answer(let answer) = try Envelope(&reader, line).message() else {
                        throw JSONError(.invalidValue("a batch holds answers only"), at: start)
                    }
                    answers.append(answer)
                }
                message = .batch(answers)
            } else {
                message = try Envelope(&reader, line).message()
            }
            try reader.finish()
            return message
        }
    }

    /// The result of a request of this method.
    ///
    /// - Throws: `internal` when it has another shape than the protocol says.
    package func reply(to method: Method, _ result: [UInt8]) throws(DatabaseError) -> Reply {
        try Self.reading(result) { reader in
            let reply = try reader.reply(to: method)
            try reader.finish()
            return reply
        }
    }

    private static func reading<Value>(
        _ text: [UInt8], _ body: (inout JSONReader) throws -> Value
    ) throws(DatabaseError) -> Value {
        var reader = JSONReader(text.span, maximumDepth: maximumDepth)
        let start = reader.position
        do {
            return try body(&reader)
        } catch let error as JSONError {
            let at = error.isSyntax ? "byte \(error.offset)" : reader.path(from: start, to: error.offset)
            throw DatabaseError(.internal, "the server's line cannot be read: \(error.message)", at: at)
        } catch {
            throw DatabaseError(.internal, "the server's line cannot be read: \(error)")
        }
    }
}

/// The members of a message, wherever they stand in it.
private struct Envelope {
    private var start = 0
    private var id: RequestID?
    private var method: String?
    private var params: JSONValue?
    private var result: [UInt8]?
    private var error: DatabaseError?

    init(_ reader: inout JSONReader, _ line: [UInt8]) throws {
        _ = try reader.peekKind()
        start = reader.offset
        var members = try reader.beginObject()
        while let key = try reader.nextKey(&members) {
            switch key {
            case "id": id = try reader.optional { try $0.requestID() }
            case "method": method = try reader.readString()
            case "params": params = try JSONValue(reading: &reader)
            case "error": error = try reader.optional { try $0.wireError() }
            case "result":
                _ = try reader.peekKind()
                let start = reader.offset
                try reader.skipValue()
                result = Array(line[start..<reader.offset])
            default: try reader.skipValue()
            }
        }
    }

    func message() throws -> ServerMessage {
        if let method { return try notification(method) }
        if let error { return .answer(Answer(id: id, outcome: .failure(error))) }
        guard let result, id != nil else {
            throw JSONError(.invalidValue("neither an answer nor a notification"), at: start)
        }
        return .answer(Answer(id: id, outcome: .success(result)))
    }

    private func notification(_ method: String) throws -> ServerMessage {
        switch method {
        case "server.hello": return .greeting(try greeting())
        case "server.progress":
            let id: RequestID
            switch params?["id"] {
            case .number(.signed(let value)): id = .integer(value)
            case .string(let text) where text.utf8.count <= RequestID.maximumStringBytes: id = RequestID(text)
            default: return .other
            }
            return .progress(
                Progress(
                    id: id, phase: params?["phase"]?.stringValue ?? "",
                    done: params?["done"]?.integerValue ?? 0,
                    total: params?["total"]?.integerValue ?? 0))
        default: return .other
        }
    }

    private func greeting() throws -> Greeting {
        let versions = (params?["protocol"]?.arrayValue ?? []).compactMap(\.integerValue)
        guard versions.count == 2, versions[0] <= versions[1] else {
            throw JSONError(
                .invalidValue("a greeting names the lowest and the highest protocol version"), at: start)
        }
        let needsKey = params?["auth"]?.stringValue == Greeting.Authentication.apiKey.rawValue
        return Greeting(
            version: params?["version"]?.stringValue ?? "", authentication: needsKey ? .apiKey : .none,
            limits: params?["limits"].map { Limits(announced: $0) } ?? Limits(),
            protocolVersions: versions[0]...versions[1])
    }
}

extension Limits {
    /// What a greeting or `server.info` says; the rest stays as it is here.
    init(announced limits: JSONValue) {
        self.init()
        let names: [(String, WritableKeyPath<Limits, Int>)] = [
            ("line_bytes", \.lineBytes), ("in_flight", \.inFlight), ("batch_points", \.batchPoints),
            ("dimensions", \.dimensions), ("wait_ms", \.waitMS), ("nesting", \.nesting),
            ("server_bytes", \.serverBytes), ("write_timeout_ms", \.writeTimeoutMS), ("drain_ms", \.drainMS),
            ("connections", \.connections), ("op_key_ms", \.opKeyMS), ("cursor_ms", \.cursorMS),
            ("cursors", \.cursors), ("collections", \.collections), ("spaces", \.spaces),
        ]
        for (name, path) in names {
            if let value = limits[name]?.integerValue { self[keyPath: path] = value }
        }
    }
}

extension JSONReader {
    /// The `error` of an answer. A kind that this version does not know becomes `internal` and is named in
    /// the message.
    fileprivate mutating func wireError() throws -> DatabaseError {
        var members = try beginObject()
        var error = DatabaseError(.internal, "")
        var kind = ""
        while let key = try nextKey(&members) {
            switch key {
            case "message": error.message = try readString()
            case "data":
                if try !readNullIfPresent() { try readErrorData(into: &error, kind: &kind) }
            default: try skipValue()
            }
        }
        if let known = ErrorKind(rawValue: kind) {
            error.kind = known
        } else {
            error.message = "\(shown(kind)): \(error.message)"
        }
        return error
    }

    private mutating func readErrorData(into error: inout DatabaseError, kind: inout String) throws {
        var members = try beginObject()
        while let key = try nextKey(&members) {
            switch key {
            case "kind": kind = try readString()
            case "at": error.at = try optionalString()
            case "expected": error.expected = try optionalString()
            case "got": error.got = try optionalString()
            case "retry_after_ms": error.retryAfterMS = try optional { try $0.readInt(in: 0...Int.max) }
            case "conflicts": error.conflicts = try optional { try $0.conflicts() } ?? []
            default: try skipValue()
            }
        }
    }

    private mutating func conflicts() throws -> [Conflict] {
        try list(of: "conflicts", limit: .max) { reader in
            var id: PointID?
            var version = LSN.zero
            _ = try reader.peekKind()
            let start = reader.offset
            var members = try reader.beginObject()
            while let key = try reader.nextKey(&members) {
                switch key {
                case "id": id = try reader.pointID()
                case "version": version = LSN(try reader.readUInt64())
                default: try reader.skipValue()
                }
            }
            guard let id else { throw Refusal.missing("id", in: start) }
            return Conflict(id: id, version: version)
        }
    }
}
