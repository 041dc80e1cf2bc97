// Everything that can be set about a client, with defaults that suit a server on the same machine or network.

public import Logging

/// How a ``NeedletailClient`` connects, waits and retries.
public struct ClientConfiguration: Sendable {
    /// Where the server listens.
    public var address: ServerAddress
    /// The API key, or a token made from one, for servers that ask for it. Every connection begins with it; others do
    /// not hear of it.
    public var apiKey: String?
    /// For addresses that begin with `needletails://`.
    public var tls = TLSOptions()
    /// Connections kept at most, 1 or more. Requests are pipelined, so one is enough until a core of the
    /// server is busy with reading and writing lines.
    public var connections = 1
    /// How long one attempt to connect may take, the server's greeting included.
    public var connectTimeout: Duration = .seconds(5)
    /// How long a request may take in all, retries included, unless the call says otherwise; `nil` waits for
    /// ever. The server is told a deadline slightly shorter, so that its own answer usually comes first.
    public var requestTimeout: Duration? = .seconds(30)
    /// When failed requests are tried again.
    public var retry = RetryPolicy.standard
    /// The longest line accepted from the server.
    public var maximumReplyBytes = 256 << 20
    /// Messages about connections at `debug`, about retries at `info`. Failures are thrown, not logged.
    public var logger = Logger(label: "needletail.client", factory: { _ in SwiftLogNoOpLogHandler() })

    /// A configuration for a server at `address`.
    public init(address: ServerAddress = .local) {
        self.address = address
    }
}

/// Whom a client believes under TLS, and what it shows of itself. The server's certificate is always checked, with its name or
/// address.
public struct TLSOptions: Hashable, Sendable {
    /// A file in PEM with the authorities that servers' certificates come from; `nil`: those that the system trusts.
    public var certificateAuthorities: String?
    /// Files in PEM with a certificate (and those between it and its authority) and its key, for servers that ask for one.
    public var certificate: String?
    /// See `certificate`.
    public var privateKey: String?

    /// The system's authorities, no certificate.
    public init() {}
}
