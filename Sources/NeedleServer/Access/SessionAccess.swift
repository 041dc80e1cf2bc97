import NeedleCore
import NeedleWire

/// Who speaks on one connection, if it has to be said: until a login only `auth.login` and `server.ping` are answered, and
/// lines are short.
struct SessionAccess: Sendable {
    private let control: AccessControl?
    private(set) var principal: Principal?
    private var refusals = 0
    /// Why the requests of the line that is looked at are refused.
    private var lineRefusal: DatabaseError?

    /// Bytes of a line before a login: a key and what belongs to it.
    static let lineBytes = 16 << 10
    /// Refused logins after which the connection is closed.
    private static let patience = 5

    /// - Parameter control: `nil` where nobody is asked.
    init(_ control: AccessControl?, _ principal: Principal?) {
        self.control = control
        self.principal = principal
    }

    /// Whether somebody has still to say who they are.
    var awaitsLogin: Bool { control != nil && principal == nil }

    /// Whether so many logins were refused that nobody is listened to any more.
    var isExhausted: Bool { refusals >= Self.patience }

    /// What is answered then.
    static let exhausted = DatabaseError(.unauthenticated, "too many logins were refused on this connection")

    enum Outcome {
        case submit
        case answer(Result<Reply, DatabaseError>)
    }

    /// A line has come, whatever is in it: its bytes count.
    mutating func noteLine(bytes: Int) {
        lineRefusal = nil
        guard let principal else { return }
        do throws(DatabaseError) {
            try principal.seat.take(requests: 0, bytes: bytes)
        } catch {
            lineRefusal = error
        }
    }

    /// What becomes of a call.
    mutating func admit(_ call: Call) -> Outcome {
        guard let control else { return .submit }
        do throws(DatabaseError) {
            if case .login(let apiKey) = call { return .answer(.success(.login(try login(apiKey, control)))) }
            if case .ping = call, principal == nil { return .submit }
            try check(call, control)
            return .submit
        } catch {
            return .answer(.failure(error))
        }
    }

    private mutating func login(_ apiKey: String, _ control: AccessControl) throws(DatabaseError) -> Grant {
        if let principal { try take(from: principal) }
        // A connection that failed to become somebody else is nobody.
        principal = nil
        do throws(DatabaseError) {
            let principal = try control.login(apiKey)
            self.principal = principal
            refusals = 0
            return principal.grant
        } catch {
            if error.kind == .unauthenticated { refusals += 1 }
            throw error
        }
    }

    /// What is refused costs as much as what is not.
    private func take(from principal: Principal) throws(DatabaseError) {
        if let lineRefusal { throw lineRefusal }
        try principal.seat.take(requests: 1, bytes: 0)
    }

    private mutating func check(_ call: Call, _ control: AccessControl) throws(DatabaseError) {
        guard let before = principal else {
            throw DatabaseError(
                .unauthenticated, "this server asks for an API key", expected: "auth.login first")
        }
        principal = control.renewed(before)
        guard let principal else {
            throw DatabaseError(
                .unauthenticated, "the API key \"\(before.name)\" has expired or counts no more",
                expected: "auth.login again")
        }
        try take(from: principal)
        try principal.check(call)
    }
}
