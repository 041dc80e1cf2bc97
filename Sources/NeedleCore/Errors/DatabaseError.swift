// The one error type that crosses rooms. Its kinds are exactly those of the wire protocol (section 3), so that a
// failure keeps its meaning from the disk to the client. Programmer's mistakes are preconditions, not errors.

/// What went wrong, as the protocol names it. Raw values are the wire's `data.kind`: never change them.
package enum ErrorKind: String, Sendable, CaseIterable {
    case parseError = "parse_error"
    case invalidRequest = "invalid_request"
    case unknownMethod = "unknown_method"
    case invalidParams = "invalid_params"
    case `internal` = "internal"
    case unauthenticated
    case forbidden
    case lineTooLong = "line_too_long"
    case limitExceeded = "limit_exceeded"
    case notFound = "not_found"
    case alreadyExists = "already_exists"
    case conflict
    case dimensionMismatch = "dimension_mismatch"
    case modelMismatch = "model_mismatch"
    case invalidVector = "invalid_vector"
    case deadline
    case cancelled
    case overloaded
    case loading
    case draining
    case readOnly = "read_only"
    case diskFull = "disk_full"
    case storageFailed = "storage_failed"
    case corruption
    case memoryBudget = "memory_budget"

    /// The JSON-RPC code.
    package var code: Int {
        switch self {
        case .parseError: -32700
        case .invalidRequest: -32600
        case .unknownMethod: -32601
        case .invalidParams: -32602
        case .internal: -32603
        case .unauthenticated, .forbidden: -32001
        case .lineTooLong, .limitExceeded: -32002
        case .notFound: -32004
        case .alreadyExists, .conflict: -32005
        case .dimensionMismatch, .modelMismatch, .invalidVector: -32006
        case .deadline, .cancelled: -32007
        case .overloaded, .loading, .draining: -32008
        case .readOnly, .diskFull, .storageFailed, .corruption, .memoryBudget: -32009
        }
    }

    /// Whether the same request may succeed later without being changed.
    package var isRetryable: Bool {
        switch self {
        case .overloaded, .loading, .draining, .deadline, .memoryBudget, .diskFull: true
        default: false
        }
    }
}

/// A point whose condition (`if_version`, `if_absent`) was not met.
package struct Conflict: Hashable, Sendable {
    package var id: PointID
    /// The version it has now; 0 when it is absent.
    package var version: LSN

    package init(id: PointID, version: LSN) {
        self.id = id
        self.version = version
    }
}

/// A failure with its kind, its place and what was expected there.
package struct DatabaseError: Error, Hashable, Sendable {
    package var kind: ErrorKind
    package var message: String
    /// A path within `params` (`points[3].vector[17]`), an envelope key, or `byte 123`.
    package var at: String?
    package var expected: String?
    package var got: String?
    package var retryAfterMS: Int?
    package var conflicts: [Conflict]

    package init(
        _ kind: ErrorKind, _ message: String, at: String? = nil, expected: String? = nil, got: String? = nil,
        retryAfterMS: Int? = nil, conflicts: [Conflict] = []
    ) {
        self.kind = kind
        self.message = message
        self.at = at
        self.expected = expected
        self.got = got
        self.retryAfterMS = retryAfterMS
        self.conflicts = conflicts
    }

    /// Damaged data: the file, where in it, and what is wrong there. Never a trap, never skipped.
    package static func corruption(file: String, offset: Int, what: String) -> DatabaseError {
        DatabaseError(.corruption, "\(file): damaged at offset \(offset): \(what)", at: "\(file):\(offset)")
    }

    /// A part of the stored data cannot be had: it is damaged, or the disk does not give it now.
    package var isOfStoredData: Bool { kind == .corruption || kind == .storageFailed }

    /// The same error seen from one level further out: `prefixed("points[3]")` turns `vector` into `points[3].vector`.
    package func prefixed(_ outer: String) -> DatabaseError {
        var error = self
        if let inner = at, !inner.isEmpty {
            error.at = inner.hasPrefix("[") ? outer + inner : "\(outer).\(inner)"
        } else {
            error.at = outer
        }
        return error
    }
}

extension DatabaseError: CustomStringConvertible {
    package var description: String {
        var text = "\(kind.rawValue): \(message)"
        if let at { text += " (at \(at))" }
        return text
    }
}
