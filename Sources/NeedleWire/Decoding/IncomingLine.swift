// What one line turned out to be.

package import NeedleCore

/// The outcome of decoding one line.
package enum IncomingLine: Sendable {
    /// Only white space: nothing to do.
    case nothing
    /// Answered by one object, or (a notification) not at all.
    case single(IncomingMessage)
    /// Never empty. Answered by one array of the answers of those members that want one; by nothing when none
    /// does.
    case batch([IncomingMessage])
}

/// One request of a line, or why it is none.
package enum IncomingMessage: Sendable {
    case request(Request)
    case failure(RequestFailure)
}

/// A request that cannot be executed.
package struct RequestFailure: Sendable {
    /// What to echo; `nil` is written as `null`.
    package var id: RequestID?
    package var error: DatabaseError
    /// False for a notification: its mistakes are not answered.
    package var needsReply: Bool

    package init(id: RequestID?, error: DatabaseError, needsReply: Bool) {
        self.id = id
        self.error = error
        self.needsReply = needsReply
    }

    /// The answer to a line over the limit.
    package static func lineTooLong(limit: Int) -> RequestFailure {
        RequestFailure(
            id: nil,
            error: DatabaseError(
                .lineTooLong, "the line is longer than \(limit) bytes and was skipped",
                expected: "at most \(limit) bytes"),
            needsReply: true)
    }
}
