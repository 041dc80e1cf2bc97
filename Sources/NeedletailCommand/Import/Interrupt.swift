// Ctrl-C during an import: the first one stops reading and lets the batches under way be acknowledged, the
// second ends the process at once.

@preconcurrency import Dispatch
import Glibc
import Synchronization

/// Watches for SIGINT while it lives.
final class Interrupt: Sendable {
    private let seen = Atomic<Bool>(false)
    private let source: any DispatchSourceSignal

    var isRaised: Bool { seen.load(ordering: .relaxed) }

    init(_ terminal: Terminal) {
        signal(SIGINT, SIG_IGN)
        source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
        source.setEventHandler { [weak self] in
            guard let self else { return }
            if seen.exchange(true, ordering: .relaxed) { exit(ExitStatus.interrupted.rawValue) }
            terminal.say("\nstopping: waiting for the batches under way (Ctrl-C again to leave at once)")
        }
        source.activate()
    }

    deinit {
        source.cancel()
        signal(SIGINT, SIG_DFL)
    }
}
