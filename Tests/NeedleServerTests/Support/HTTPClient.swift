import NeedleServer

/// An answer over HTTP.
struct HTTPAnswer {
    var status: Int
    /// By lower-case name.
    var headers: [String: String]
    var body: String
}

/// What a request over HTTP consists of, written down byte by byte, so that it can be wrong.
struct HTTPMessage {
    var method = "GET"
    var path = "/"
    /// `Host` is among them.
    var headers: [String: String] = ["Host": "127.0.0.1"]
    var body: String?

    /// A good call of the protocol.
    static func rpc(_ body: String, _ change: (inout HTTPMessage) -> Void = { _ in }) -> HTTPMessage {
        var message = HTTPMessage(method: "POST", path: "/rpc", body: body)
        message.headers["Content-Type"] = "application/json"
        change(&message)
        return message
    }

    static func get(_ path: String, _ change: (inout HTTPMessage) -> Void = { _ in }) -> HTTPMessage {
        var message = HTTPMessage(path: path)
        change(&message)
        return message
    }

    var head: String {
        var lines = ["\(method) \(path) HTTP/1.1"]
        var headers = headers
        if let body, headers["Transfer-Encoding"] == nil, headers["Content-Length"] == nil {
            headers["Content-Length"] = String(body.utf8.count)
        }
        lines += headers.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
        return lines.joined(separator: "\r\n") + "\r\n\r\n"
    }
}

extension TestClient {
    func ask(_ message: HTTPMessage) throws -> HTTPAnswer {
        send(message.head + (message.body ?? ""))
        return try answer(to: message.method)
    }

    /// The next answer.
    func answer(to method: String = "GET") throws -> HTTPAnswer {
        guard let first = try line() else { throw Failure(description: "closed without an answer") }
        guard first.hasPrefix("HTTP/1.1 "), let status = Int(first.split(separator: " ")[1]) else {
            throw Failure(description: "no answer: \(first)")
        }
        var headers: [String: String] = [:]
        while let field = try line(), field != "\r" {
            let parts = field.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { throw Failure(description: "no header: \(field)") }
            headers[parts[0].lowercased()] = parts[1].filter { $0 != "\r" }.trimmed
        }
        let length = method == "HEAD" ? 0 : Int(headers["content-length"] ?? "0") ?? 0
        return HTTPAnswer(status: status, headers: headers, body: try text(length))
    }
}

extension String {
    fileprivate var trimmed: String { String(drop { $0 == " " }) }
}

extension TestServer {
    /// A client of the HTTP side.
    func http(seconds: Int = 20, receiveBuffer: Int32? = nil) throws -> TestClient {
        guard let port = server.httpAddress?.port else {
            throw TestClient.Failure(description: "there is no HTTP side")
        }
        return try TestClient(port: port, seconds: seconds, receiveBuffer: receiveBuffer)
    }

    /// Asks once, on a connection of its own.
    func ask(_ message: HTTPMessage) throws -> HTTPAnswer { try http().ask(message) }

    /// What `/metrics` shows, checked.
    func metrics() throws -> ParsedMetrics {
        let answer = try ask(.get("/metrics"))
        guard answer.status == 200 else { throw TestClient.Failure(description: "\(answer)") }
        return try ParsedMetrics(answer.body)
    }
}

/// A server with an HTTP side on a free port.
func httpServer(
    embedder: StubEmbedder? = nil, directory: String? = nil, loads: Bool = true,
    access: AccessControl? = nil, _ change: (inout ServerConfiguration) -> Void = { _ in }
) throws -> TestServer {
    try TestServer(embedder: embedder, directory: directory, loads: loads, access: access) { configuration in
        configuration.http.listen = ListenAddress(host: "127.0.0.1", port: 0)
        change(&configuration)
    }
}
