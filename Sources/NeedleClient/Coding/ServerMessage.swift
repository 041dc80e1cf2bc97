// One line from the server, taken apart just far enough to know whom it is for. The result stays text: the
// task that waits for it decodes it, off the event loop.

import NeedleCore

/// What the server said of itself in its greeting.
public struct ServerGreeting: Hashable, Sendable {
    /// The server's version.
    public var version: String = ""
    /// The protocol versions it speaks, lowest and highest.
    public var protocolVersions: ClosedRange<Int> = 1...1
    /// Whether an API key is needed.
    public var needsKey = false
    /// Bytes of one request line.
    public var lineBytes = 64 << 20
    /// Requests that may be open on one connection.
    public var inFlight = 256
    /// Members of any array of points, ids, texts or searches.
    public var batchPoints = 10_000
    /// Dimensions of a vector space.
    public var dimensions = 65_536

    package init() {}
}

/// How far a long call has come.
public struct Progress: Hashable, Sendable {
    /// What is being done, for example `indexing`.
    public var phase: String
    /// Units done so far; the unit is the phase's.
    public var done: Int
    /// Units in all, 0 when unknown.
    public var total: Int
}

/// A line from the server.
package enum ServerMessage: Sendable {
    case greeting(ServerGreeting)
    /// The JSON text of a result.
    case result(id: Int64, [UInt8])
    /// An error; without an id when the server could not tell which request it was.
    case failure(id: Int64?, NeedletailError)
    case progress(id: Int64, Progress)
    /// A notification this version does not know: ignored.
    case other

    /// Takes a line apart.
    ///
    /// - Throws: ``NeedletailError`` of kind `invalidReply` when it is not a message of the protocol.
    package init(parsing line: [UInt8]) throws(NeedletailError) {
        do {
            self = try Envelope(line).message()
        } catch let error as NeedletailError {
            throw error
        } catch let error as JSONError {
            throw NeedletailError(
                .invalidReply, "the server sent no valid JSON: \(error.message)", at: "byte \(error.offset)")
        } catch {
            throw NeedletailError(.invalidReply, "the server's line could not be read: \(error)")
        }
    }
}

/// The members of a JSON-RPC message, wherever they stand in it.
private struct Envelope {
    var id: Int64?
    var method: String?
    var params: JSONValue?
    var result: [UInt8]?
    var error: JSONValue?

    init(_ line: [UInt8]) throws(JSONError) {
        var reader = JSONReader(line.span, maximumDepth: JSONValue.maximumDepth)
        var names = try reader.beginObject()
        while let name = try reader.nextKey(&names) {
            switch name {
            case "id":
                if try reader.peekKind() == .number {
                    id = try reader.readInt64()
                } else {
                    try reader.skipValue()
                }
            case "method": method = try reader.readString()
            case "params": params = try JSONValue.read(&reader)
            case "error": error = try JSONValue.read(&reader)
            case "result":
                _ = try reader.peekKind()
                let start = reader.offset
                try reader.skipValue()
                result = Array(line[start..<reader.offset])
            default: try reader.skipValue()
            }
        }
        try reader.finish()
    }

    func message() throws(NeedletailError) -> ServerMessage {
        if let method { return notification(method) }
        if let error { return .failure(id: id, NeedletailError(wire: error)) }
        guard let result, let id else {
            throw NeedletailError(
                .invalidReply, "the server's message is neither an answer nor a notification")
        }
        return .result(id: id, result)
    }

    private func notification(_ method: String) -> ServerMessage {
        switch method {
        case "server.hello": return .greeting(ServerGreeting(wire: params ?? .null))
        case "server.progress":
            guard let id = params?["id"]?.intValue else { return .other }
            let progress = Progress(
                phase: params?["phase"]?.stringValue ?? "", done: params?["done"]?.intValue ?? 0,
                total: params?["total"]?.intValue ?? 0)
            return .progress(id: Int64(id), progress)
        default: return .other
        }
    }
}

extension ServerGreeting {
    init(wire params: JSONValue) {
        self.init()
        version = params["version"]?.stringValue ?? ""
        let versions = params["protocol"]?.arrayValue?.compactMap(\.intValue) ?? []
        if versions.count == 2, versions[0] <= versions[1] { protocolVersions = versions[0]...versions[1] }
        needsKey = params["auth"]?.stringValue == "api_key"
        let limits = params["limits"]
        lineBytes = max(limits?["line_bytes"]?.intValue ?? lineBytes, 1)
        inFlight = max(limits?["in_flight"]?.intValue ?? inFlight, 1)
        batchPoints = max(limits?["batch_points"]?.intValue ?? batchPoints, 1)
        dimensions = limits?["dimensions"]?.intValue ?? dimensions
    }
}

extension NeedletailError {
    /// The error object of an answer.
    init(wire error: JSONValue) {
        let data = error["data"]
        self.init(
            Kind(rawValue: data?["kind"]?.stringValue ?? "internal"),
            error["message"]?.stringValue ?? "no message",
            at: data?["at"]?.stringValue, isRetryable: data?["retryable"]?.boolValue ?? false)
        code = error["code"]?.intValue
        expected = data?["expected"].map(Self.shown)
        got = data?["got"].map(Self.shown)
        retryAfter = data?["retry_after_ms"]?.intValue.map { .milliseconds($0) }
        conflicts = (data?["conflicts"]?.arrayValue ?? []).compactMap { entry in
            guard let id = entry["id"].flatMap(PointID.init(json:)) else { return nil }
            return Conflict(id: id, version: entry["version"]?.uint64Value ?? 0)
        }
    }

    private static func shown(_ value: JSONValue) -> String {
        value.stringValue ?? value.description
    }
}

extension JSONValue {
    var uint64Value: UInt64? {
        switch self {
        case .integer(let value): UInt64(exactly: value)
        case .unsigned(let value): value
        default: nil
        }
    }
}

extension PointID {
    init?(json: JSONValue) {
        switch json {
        case .string(let text): self.init(text)
        default:
            guard let integer = json.uint64Value else { return nil }
            self.init(integer)
        }
    }
}
