import ArgumentParser
import NeedleClient
import Synchronization

struct Optimize: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Index every point and merge segments.",
        discussion: """
            The server does this by itself in time, and finds every point meanwhile. Waits
            until it is done, unless --no-wait is given; Ctrl-C stops the waiting.

            EXAMPLES
              needletail optimize packages
              needletail optimize packages --no-wait
            """)

    @Argument(help: "The collection.")
    var collection: String
    @Flag(inversion: .prefixedNo, help: "Wait until it is done.")
    var wait = true
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let terminal = Terminal.current()
        let start = ContinuousClock.now
        let printer = Mutex(ProgressPrinter(terminal))
        try await global.withClient(collection: collection) { client in
            let job = try await client.optimize(
                collection, wait: wait, timeout: global.timeout == nil ? nil : global.clientTimeout
            ) { progress in
                var line = ProgressLine(label: progress.phase, unit: "steps")
                line.done = progress.done
                line.fraction = progress.total > 0 ? Double(progress.done) / Double(progress.total) : nil
                line.elapsed = start.duration(to: .now).seconds
                printer.withLock { $0.show(line) }
            }
            printer.withLock { $0.end() }
            let took = Numbers.fixed(start.duration(to: .now).seconds, 1)
            terminal.print(wait ? "optimized \(collection) in \(took) s" : "started \(job)")
        }
    }
}

extension Duration {
    /// As a number of seconds.
    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}

struct Completion: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the completion script of a shell.",
        discussion: """
            EXAMPLES
              cd ~/.local/share/bash-completion/completions
              needletail completion bash > needletail

              needletail completion zsh > ~/.zfunc/_needletail
              needletail completion fish > ~/.config/fish/completions/needletail.fish
            """)

    enum Shell: String, ExpressibleByArgument, CaseIterable {
        case bash
        case zsh
        case fish
    }

    @Argument(help: "bash, zsh or fish.")
    var shell: Shell

    func run() throws {
        let script =
            switch shell {
            case .bash: Needletail.completionScript(for: .bash)
            case .zsh: Needletail.completionScript(for: .zsh)
            case .fish: Needletail.completionScript(for: .fish)
            }
        Terminal.current().print(script)
    }
}
