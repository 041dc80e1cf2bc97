// The one error type of the client. A struct with an open kind, not an enum: servers may name kinds that this
// version of the client has not heard of, and adding one must not break anybody's switch.

/// What went wrong, where, and what can be done about it.
///
/// Kinds the server reports are those of the wire protocol (``Kind/notFound``, ``Kind/conflict``, …); the
/// client adds its own for what happens on the way (``Kind/connectionFailed``, ``Kind/timedOut``, …).
public struct NeedletailError: Error, Sendable {
    /// A kind of error by its stable name. New names may appear: always keep a default branch.
    public struct Kind: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
        /// The name, as on the wire: `not_found`, `timed_out`, …
        public let rawValue: String

        /// A kind by its name.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        init(_ name: StaticString) {
            rawValue = name.description
        }

        /// The name.
        public var description: String { rawValue }
    }

    /// What went wrong.
    public var kind: Kind
    /// The JSON-RPC code when the server answered, `nil` when the client itself failed.
    public var code: Int?
    /// One sentence for people.
    public var message: String
    /// A path within the request's parameters (`points[3].vector[17]`), an envelope key, or `byte 123`.
    public var at: String?
    /// What was expected at that place, and what was there instead.
    public var expected: String?
    /// What was found at that place.
    public var got: String?
    /// Whether the same request may succeed later without being changed.
    public var isRetryable: Bool
    /// How long the server asks to wait before that.
    public var retryAfter: Duration?
    /// The points whose condition was not met, for ``Kind/conflict``.
    public var conflicts: [Conflict]
    /// False when the request surely changed nothing. True when a write was sent and no answer came: it may
    /// have been executed. (A repeat with the same `opKey` is safe either way.)
    public var mayHaveBeenExecuted: Bool

    /// A point whose condition was not met.
    public struct Conflict: Hashable, Sendable {
        /// The point.
        public var id: PointID
        /// The version it has now; 0 when it is absent.
        public var version: UInt64
    }

    /// An error of the client itself.
    package init(
        _ kind: Kind, _ message: String, at: String? = nil, isRetryable: Bool = false, sent: Bool = false
    ) {
        self.kind = kind
        self.message = message
        self.at = at
        self.isRetryable = isRetryable
        conflicts = []
        mayHaveBeenExecuted = sent
    }
}

extension NeedletailError.Kind {
    // The server's kinds (protocol, section 3).

    /// The line was not JSON.
    public static let parseError = Self("parse_error")
    /// The envelope was wrong.
    public static let invalidRequest = Self("invalid_request")
    /// The server does not know the method (perhaps it is older than the client).
    public static let unknownMethod = Self("unknown_method")
    /// A parameter is wrong; `at` says which.
    public static let invalidParams = Self("invalid_params")
    /// A mistake of the server.
    public static let `internal` = Self("internal")
    /// A key is needed.
    public static let unauthenticated = Self("unauthenticated")
    /// The key does not allow this.
    public static let forbidden = Self("forbidden")
    /// The request is longer than the server reads.
    public static let lineTooLong = Self("line_too_long")
    /// A limit of the server was exceeded.
    public static let limitExceeded = Self("limit_exceeded")
    /// The collection, point, job or cursor does not exist.
    public static let notFound = Self("not_found")
    /// The name is taken.
    public static let alreadyExists = Self("already_exists")
    /// A version or condition was not met; see ``NeedletailError/conflicts``.
    public static let conflict = Self("conflict")
    /// A vector has another length than its space.
    public static let dimensionMismatch = Self("dimension_mismatch")
    /// The space's vectors come from another model.
    public static let modelMismatch = Self("model_mismatch")
    /// A vector holds something that is no finite float32, or is zero under cosine.
    public static let invalidVector = Self("invalid_vector")
    /// The request's deadline passed on the server.
    public static let deadline = Self("deadline")
    /// The request was cancelled on the server.
    public static let cancelled = Self("cancelled")
    /// The server has too much to do.
    public static let overloaded = Self("overloaded")
    /// The collection is still loading.
    public static let loading = Self("loading")
    /// The server is shutting down.
    public static let draining = Self("draining")
    /// The collection takes no writes.
    public static let readOnly = Self("read_only")
    /// No room on the disk.
    public static let diskFull = Self("disk_full")
    /// The disk failed.
    public static let storageFailed = Self("storage_failed")
    /// Stored data are damaged.
    public static let corruption = Self("corruption")
    /// The server's memory budget is used up.
    public static let memoryBudget = Self("memory_budget")

    // The client's own kinds.

    /// No connection could be made.
    public static let connectionFailed = Self("connection_failed")
    /// The connection ended while the request was under way.
    public static let connectionLost = Self("connection_lost")
    /// No answer within the time-out.
    public static let timedOut = Self("timed_out")
    /// The server sent something that is not the protocol.
    public static let invalidReply = Self("invalid_reply")
    /// An argument was refused before anything was sent.
    public static let invalidArgument = Self("invalid_argument")
    /// The client has been closed.
    public static let clientClosed = Self("client_closed")
}

extension NeedletailError: CustomStringConvertible {
    /// Kind, message and place in one line.
    public var description: String {
        var text = "\(kind.rawValue): \(message)"
        if let at { text += " (at \(at))" }
        if let expected { text += ", expected \(expected)" }
        if let got { text += ", got \(got)" }
        return text
    }
}
