package import NeedleCore
package import NeedleWire

/// The name of an open request on its connection; unlike the client's id it is never used twice.
package typealias RequestKey = UInt64

/// What a session wants done. Actions are carried out in the order in which they were given.
package enum SessionAction: Sendable {
    /// Put these bytes, whole lines, on the socket, and say `sent` as it takes them.
    case send([UInt8])
    /// Decode this line, here or elsewhere, and give the result to `decoded`. No other line comes before that.
    case decode([UInt8])
    /// Execute this request and give its answer to `completed`.
    ///
    /// The principal is who asks; `nil` where nobody is asked who they are.
    case submit(RequestKey, Request, receivedAt: UInt64, Principal?)
    /// Somebody lost interest in the request; it is completed all the same.
    case cancel(RequestKey)
    /// Count this: the session answered a request by itself, or a line that was none.
    case answered(Method?, ErrorKind?)
    /// Close the connection; nothing comes after this.
    case close(CloseManner)
}

package enum CloseManner: Sendable, Equatable {
    /// At once: the peer has finished, or is not one of ours.
    case now
    /// Say that nothing more comes, then read and drop what the peer still sends, for a moment: closing a socket
    /// with unread bytes resets the connection, and the peer would lose answers it has not read yet.
    case lingering
}
