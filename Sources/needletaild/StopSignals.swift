import Glibc

/// SIGTERM and SIGINT, taken by waiting for them instead of by handlers, in which next to nothing is allowed.
enum StopSignals {
    private static func set() -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGTERM)
        sigaddset(&set, SIGINT)
        return set
    }

    /// For the calling thread and those it begins from now on.
    static func block() {
        var set = set()
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// Waits for one of them.
    static func wait() -> String {
        var set = set()
        var number: Int32 = 0
        while sigwait(&set, &number) != 0 {}
        return number == SIGINT ? "SIGINT" : "SIGTERM"
    }

    /// From now on either ends the process at once: for whoever does not want to wait any longer.
    static func restoreDefaults() {
        signal(SIGTERM, SIG_DFL)
        signal(SIGINT, SIG_DFL)
        var set = set()
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }
}
