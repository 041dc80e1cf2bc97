// What comes from the server, as far as it can be told without knowing the request.

package import NeedleCore

/// One line from the server.
package enum ServerMessage: Sendable {
    case greeting(Greeting)
    case progress(Progress)
    case answer(Answer)
    /// The answers to the members of a batch, those of notifications left out.
    case batch([Answer])
    /// A notification this version does not know: to be ignored.
    case other
}

/// The answer to one request.
package struct Answer: Sendable {
    /// `nil` when the server could not tell which request it was.
    package var id: RequestID?
    /// The result as JSON text: what it means depends on the request's method (`ReplyDecoder.reply`).
    package var outcome: Result<[UInt8], DatabaseError>

    package init(id: RequestID?, outcome: Result<[UInt8], DatabaseError>) {
        self.id = id
        self.outcome = outcome
    }
}
