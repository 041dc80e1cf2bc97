// The entrance: a client, its life, and how a request goes out, comes back, and is tried again.

import Logging
import NeedleCore

/// A client of a Needletail server.
///
/// ```swift
/// let client = try NeedletailClient(url: "needletail://127.0.0.1:7700")
/// let hits = try await client.search("packages", SearchRequest(text: "tool to retouch photographs")).hits
/// await client.close()
/// ```
///
/// Creating a client does nothing yet; the first request connects. Requests of all tasks are pipelined over
/// one connection, or a few (``ClientConfiguration/connections``); lost connections are opened again. Reads
/// are repeated on lost connections and on errors that the server calls retryable, writes too, because the
/// client gives each an operation key (`op_key`) under which the server executes it only once.
///
/// **Errors.** Methods throw ``NeedletailError``, or `CancellationError` when the task is cancelled; then the
/// server is asked to stop as well. **Thread safety.** A client may be used by any number of tasks at once.
public final class NeedletailClient: Sendable {
    /// What the client was made with.
    public let configuration: ClientConfiguration
    let pool: ConnectionPool

    /// A client with this configuration. Does not connect yet.
    public init(_ configuration: ClientConfiguration = ClientConfiguration()) {
        self.configuration = configuration
        pool = ConnectionPool(configuration)
    }

    /// A client of the server at `url`: `needletail://host:port`, or plain `host:port`. Does not connect yet.
    ///
    /// - Throws: ``NeedletailError`` of kind `invalidArgument` when the text is no address.
    public convenience init(url: String) throws(NeedletailError) {
        self.init(ClientConfiguration(address: try ServerAddress(url)))
    }

    /// Connects if there is no connection yet, and gives what the server said of itself. Useful to fail
    /// early.
    @discardableResult
    public func connect() async throws -> ServerGreeting {
        let deadline = configuration.requestTimeout.map { ContinuousClock.now + $0 }
        return try await pool.connection(before: deadline).greeting
    }

    /// Waits for the answers of all open requests, then closes the connections. Later requests throw
    /// `clientClosed`.
    ///
    /// A client that is released without this closes at once.
    public func close() async {
        await pool.drain()
    }

    /// Runs `body` with a client and closes it afterwards, whether `body` throws or not.
    public static func withClient<Result>(
        _ configuration: ClientConfiguration, _ body: (NeedletailClient) async throws -> Result
    ) async throws -> Result {
        let client = NeedletailClient(configuration)
        do {
            let result = try await body(client)
            await client.close()
            return result
        } catch {
            await client.close()
            throw error
        }
    }

    // MARK: Requests

    /// Sends a request, again if need be, and gives the JSON text of its result.
    ///
    /// - Parameters:
    ///   - timeout: for all attempts together; `nil` stands for the configuration's.
    ///   - first: an attempt that was submitted already.
    func perform(
        _ request: OutgoingRequest, timeout: Timeout = .standard, first: SubmittedRequest? = nil,
        onProgress: (@Sendable (Progress) -> Void)? = nil
    ) async throws -> [UInt8] {
        let deadline = timeout.resolved(configuration).map { ContinuousClock.now + $0 }
        var attempt = 0
        var submitted = first
        while true {
            do {
                if let current = submitted {
                    submitted = nil
                    return try await current.value()
                }
                let connection = try await pool.connection(before: deadline)
                let remaining = deadline.map { ContinuousClock.now.duration(to: $0) }
                if let remaining, remaining <= .zero {
                    throw NeedletailError(.timedOut, "no connection within the time-out")
                }
                return try await connection.submit(request, timeout: remaining, onProgress: onProgress)
                    .value()
            } catch {
                if Task.isCancelled || error is CancellationError { throw CancellationError() }
                guard let error = error as? NeedletailError else { throw error }
                attempt += 1
                let remaining = deadline.map { ContinuousClock.now.duration(to: $0) }
                let decision = configuration.retry.decide(
                    error, attempt: attempt, remaining: remaining, repeatability: request.repeatability,
                    everConnected: pool.everConnected, jitter: Double.random(in: 0...1))
                guard case .retry(let delay) = decision else { throw error }
                configuration.logger.info(
                    "trying again",
                    metadata: ["method": "\(request.method)", "error": "\(error)", "after": "\(delay)"])
                try await Task.sleep(for: delay)
            }
        }
    }
}

/// How long a call may take.
public enum Timeout: Hashable, Sendable {
    /// What the client's configuration says.
    case standard
    /// This long, retries included.
    case after(Duration)
    /// For ever.
    case none

    func resolved(_ configuration: ClientConfiguration) -> Duration? {
        switch self {
        case .standard: configuration.requestTimeout
        case .after(let duration): duration
        case .none: nil
        }
    }
}
