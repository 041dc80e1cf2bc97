package import NeedleWire

/// Who executes requests, as a connection sees it. The server's is `Dispatcher`; tests of connections bring their own.
///
/// Safe to use from any thread.
package protocol RequestExecutor: Sendable {
    /// Begins a request. Its answer goes to `sink`, exactly once, on whatever thread. Called on the connection's event
    /// loop, in the order received.
    ///
    /// - Parameter principal: who asks; `nil` where nobody is asked who they are.
    /// - Returns: what to end it by.
    func submit(
        _ request: Request, key: RequestKey, receivedAt: UInt64, from principal: Principal?,
        sink: any ReplySink
    ) -> any RequestHandle

    /// Runs the decoding of a large line, off the event loop.
    func decode(_ job: @escaping @Sendable () -> Void)

    /// No read waits for a thread or runs on one.
    var isIdle: Bool { get }
}

/// A request under way. Safe to use from any thread.
package protocol RequestHandle: Sendable {
    /// Somebody lost interest; it is answered all the same.
    func cancel()
    /// The connection is gone. Reads stop; writes were received whole and are applied, as for a peer that half-closed.
    func abandon()
}
