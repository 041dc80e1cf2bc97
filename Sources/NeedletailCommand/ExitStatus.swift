/// How the process ends; documented in `docs/cli.md` and in `needletail --help`.
package enum ExitStatus: Int32, Sendable, CaseIterable {
    case success = 0
    /// The server refused the request, or did not find what was asked for.
    case refused = 1
    /// The command line is wrong.
    case usage = 2
    /// No server was reached.
    case cannotConnect = 3
    /// No answer in time.
    case timedOut = 4
    /// A file cannot be read or holds a malformed line.
    case badInput = 5
    /// The connection broke, or the server speaks something else.
    case broken = 6
    /// Ctrl-C.
    case interrupted = 130
    /// Nobody reads standard output any more.
    case brokenPipe = 141
}
