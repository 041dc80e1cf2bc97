// Ctrl-C during something long: the first one stops it in an orderly way (an import lets the batches under way be
// acknowledged), the second ends the process at once.

@preconcurrency import Dispatch
import Glibc
import Synchronization

/// Watches for SIGINT while it lives.
final class Interrupt: Sendable {
    private let seen = Atomic<Bool>(false)
    private let source: any DispatchSourceSignal

    var isRaised: Bool { seen.load(ordering: .relaxed) }

    /// - Parameter message: what is said after the first one.
    init(_ terminal: Terminal, _ message: String = "stopping: waiting for the batches under way") {
        signal(SIGINT, SIG_IGN)
        source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
        source.setEventHandler { [weak self] in
            guard let self else { return }
            if seen.exchange(true, ordering: .relaxed) { exit(ExitStatus.interrupted.rawValue) }
            terminal.say("\n\(message) (Ctrl-C again to leave at once)")
        }
        source.activate()
    }

    deinit {
        source.cancel()
        signal(SIGINT, SIG_DFL)
    }
}
