import Glibc

/// SIGTERM, SIGINT, SIGHUP and SIGUSR1, taken by waiting for them instead of by handlers, in which next to nothing is allowed.
enum AwaitedSignals {
    private static func set() -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGTERM)
        sigaddset(&set, SIGINT)
        sigaddset(&set, SIGUSR1)
        sigaddset(&set, SIGHUP)
        return set
    }

    /// For the calling thread and those it begins from now on.
    static func block() {
        var set = set()
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// Waits for one that ends the server.
    ///
    /// - Parameters:
    ///   - onRequest: called for each SIGUSR1 meanwhile.
    ///   - onReload: for each SIGHUP.
    static func waitForEnd(onRequest: () -> Void, onReload: () -> Void) -> String {
        var set = set()
        while true {
            var number: Int32 = 0
            guard sigwait(&set, &number) == 0 else { continue }
            switch number {
            case SIGUSR1: onRequest()
            case SIGHUP: onReload()
            case SIGINT: return "SIGINT"
            default: return "SIGTERM"
            }
        }
    }

    /// From now on either of those that end the server ends the process at once: for whoever does not want to wait any
    /// longer.
    static func restoreDefaults() {
        signal(SIGTERM, SIG_DFL)
        signal(SIGINT, SIG_DFL)
        signal(SIGUSR1, SIG_IGN)
        signal(SIGHUP, SIG_IGN)
        var set = set()
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }
}
