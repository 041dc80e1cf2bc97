// Where a server listens, from what people write.

/// A server's address: `needletail://host:port`, `host:port` or `host`; under TLS `needletails://host:port`.
///
/// The port defaults to 7700, under TLS to 7701. IPv6 addresses stand in brackets: `[::1]:7700`.
public struct ServerAddress: Hashable, Sendable, CustomStringConvertible {
    /// Host name or IP address, without brackets.
    public var host: String
    /// TCP port, 1 … 65,535.
    public var port: Int
    /// Whether the server is spoken to under TLS.
    public var usesTLS: Bool

    /// `127.0.0.1:7700`, where a server on this machine listens by default.
    public static let local = ServerAddress(host: "127.0.0.1", port: 7700)
    /// The port of plain TCP.
    public static let defaultPort = 7700
    /// The port of TLS.
    public static let defaultTLSPort = 7701

    /// An address from its parts.
    public init(host: String, port: Int = ServerAddress.defaultPort, usesTLS: Bool = false) {
        self.host = host
        self.port = port
        self.usesTLS = usesTLS
    }

    /// An address from text.
    ///
    /// - Throws: ``NeedletailError`` of kind `invalidArgument` that says what was expected.
    public init(_ text: String) throws(NeedletailError) {
        let refused = NeedletailError(
            .invalidArgument,
            "\"\(text)\" is no server address: expected needletail://HOST:PORT, needletails://HOST:PORT or HOST:PORT",
            at: "url")
        var rest = Substring(text)
        var usesTLS = false
        if let scheme = rest.firstRange(of: "://") {
            let name = rest[..<scheme.lowerBound].lowercased()
            guard ["needletail", "needletails"].contains(name) else { throw refused }
            usesTLS = name == "needletails"
            rest = rest[scheme.upperBound...]
        }
        if rest.last == "/" { rest.removeLast() }
        var host = rest
        var port: Substring?
        if rest.first == "[" {
            guard let end = rest.firstIndex(of: "]") else { throw refused }
            host = rest[rest.index(after: rest.startIndex)..<end]
            let after = rest[rest.index(after: end)...]
            guard after.isEmpty || after.first == ":" else { throw refused }
            port = after.isEmpty ? nil : after.dropFirst()
        } else if let colon = rest.lastIndex(of: ":") {
            host = rest[..<colon]
            port = rest[rest.index(after: colon)...]
            guard !host.contains(":") else { throw refused }
        }
        let forbidden =
            host.isEmpty || host.contains { $0.isWhitespace || $0 == "/" || $0 == "@" || $0 == "?" }
        guard !forbidden else { throw refused }
        guard let port else {
            self.init(
                host: String(host), port: usesTLS ? Self.defaultTLSPort : Self.defaultPort, usesTLS: usesTLS)
            return
        }
        guard port.allSatisfy(\.isNumber), let number = Int(port), (1...65_535).contains(number) else {
            throw refused
        }
        self.init(host: String(host), port: number, usesTLS: usesTLS)
    }

    /// `host:port`, under TLS with its scheme.
    public var description: String {
        (usesTLS ? "needletails://" : "") + (host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)")
    }
}
