// When to try again, and after how long: a pure decision, so that tests can state it as a table.

/// Whether repeating a request could do harm.
package enum Repeatability: Sendable {
    /// A read, or a write that carries an `op_key`: the server answers a repeat with the first result.
    case safe
    /// Any other write: repeated only when it surely was not executed.
    case onlyIfUnsent
}

/// Decides about retries. Waits grow exponentially with full jitter (Brooker, "Exponential Backoff And
/// Jitter", 2015).
public struct RetryPolicy: Hashable, Sendable {
    /// The longest first wait.
    public var firstDelay: Duration
    /// The longest wait at all.
    public var maximumDelay: Duration
    /// Attempts in all, the first included; 1 never retries.
    public var maximumAttempts: Int

    /// Waits of up to 50 ms, 100 ms, … 2 s, as long as the request's time-out lasts.
    public static let standard = RetryPolicy(firstDelay: .milliseconds(50), maximumDelay: .seconds(2))
    /// Every failure is final.
    public static let never = RetryPolicy(firstDelay: .zero, maximumDelay: .zero, maximumAttempts: 1)

    /// A policy from its bounds.
    public init(firstDelay: Duration, maximumDelay: Duration, maximumAttempts: Int = 1000) {
        self.firstDelay = firstDelay
        self.maximumDelay = maximumDelay
        self.maximumAttempts = maximumAttempts
    }

    package enum Decision: Hashable, Sendable {
        case retry(after: Duration)
        case giveUp
    }

    /// - Parameters:
    ///   - attempt: how many attempts have failed, 1 after the first.
    ///   - remaining: what is left of the request's time-out, `nil` without one.
    ///   - everConnected: a first connection that fails is final: waiting for a server that was never there
    ///     helps nobody.
    ///   - jitter: a random number in 0 … 1.
    package func decide(
        _ error: NeedletailError, attempt: Int, remaining: Duration?, repeatability: Repeatability,
        everConnected: Bool, jitter: Double
    ) -> Decision {
        guard attempt < maximumAttempts, Self.mayBeRepeated(error, repeatability, everConnected) else {
            return .giveUp
        }
        let delay = max(delay(attempt: attempt, jitter: jitter), error.retryAfter ?? .zero)
        if let remaining, delay >= remaining { return .giveUp }
        return .retry(after: delay)
    }

    /// The wait before attempt `attempt` + 1.
    package func delay(attempt: Int, jitter: Double) -> Duration {
        let doublings = min(max(attempt, 1) - 1, 20)
        let ceiling = min(firstDelay * (1 << doublings), maximumDelay)
        return ceiling * jitter
    }

    private static func mayBeRepeated(
        _ error: NeedletailError, _ repeatability: Repeatability, _ everConnected: Bool
    ) -> Bool {
        switch error.kind {
        case .connectionFailed: everConnected
        case .connectionLost: repeatability == .safe || !error.mayHaveBeenExecuted
        // The deadline is the request's own time-out: there is nothing left to wait for.
        case .deadline, .timedOut: false
        // The server answered: a refused request was not executed.
        default: error.isRetryable && error.code != nil
        }
    }
}
