// The command line's root, and the one place where a command's failure becomes text and an exit status.

package import ArgumentParser
import Glibc
import NeedleClient

/// `needletail`: administers a Needletail server.
package struct Needletail: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "needletail",
        abstract: "Administer a Needletail vector database server.",
        discussion: """
            The server is found at --url, or at NEEDLETAIL_URL, or at 127.0.0.1:7700. Under TLS
            (needletails://HOST:PORT) its certificate has to come from an authority of the
            system, or of the file NEEDLETAIL_CA; NEEDLETAIL_CERTIFICATE and
            NEEDLETAIL_PRIVATE_KEY name one's own.

            EXAMPLES
              needletail info
              needletail create packages --model all-MiniLM-L6-v2
              zcat packages.jsonl.gz | needletail import packages --text-key text
              needletail search packages "tool to retouch photographs"
              needletail ingest notes ~/notes --create --model all-MiniLM-L6-v2
              needletail search packages --id 17 --limit 5 --json

            check, dump and repair work on the files of a stopped server on this machine;
            doctor says whether the machine is fit for one.

            Results go to standard output, all else to standard error. Colours honour
            NO_COLOR.

            EXIT STATUS
                0  done
                1  refused by the server, or not found
                2  wrong command line
                3  cannot connect
                4  no answer in time
                5  unreadable or malformed input
                6  the connection broke
              130  interrupted (Ctrl-C)
              141  nobody reads the output

            SHELL COMPLETION
              needletail completion --help
            """,
        version: NeedleClientVersion.current,
        subcommands: [
            Info.self, Collections.self, Health.self, Create.self, Drop.self, Import.self, Ingest.self,
            Search.self,
            Get.self,
            Delete.self, DocumentCommands.self, Evaluate.self, ChangePayload.self, Count.self,
            IndexCommands.self,
            Facet.self, Embed.self, ReembedCommands.self,
            Optimize.self, SnapshotCommands.self, Backup.self, Restore.self,
            Check.self, Dump.self, Repair.self, Doctor.self, KeyCommands.self, Completion.self,
        ])

    package init() {}
}

extension Needletail {
    /// Runs a command line.
    ///
    /// - Returns: the status to end the process with.
    package static func run(_ arguments: [String], terminal: Terminal = .current()) async -> ExitStatus {
        do {
            let arguments = GlobalOptions.movedBehindCommand(arguments)
            try refuseUnknownCommand(arguments)
            var command = try parseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            return .success
        } catch let status as StatusError {
            return status.status
        } catch let failure as Failure {
            show(failure, terminal)
            return failure.status
        } catch {
            return finish(error, terminal)
        }
    }

    /// Names the command that was probably meant.
    private static func refuseUnknownCommand(_ arguments: [String]) throws(Failure) {
        guard let first = arguments.first, !first.hasPrefix("-") else { return }
        let names = configuration.subcommands.compactMap { $0._commandName } + ["help"]
        guard !names.contains(first) else { return }
        let meant = Suggestion.closest(to: first, among: names).map { ["did you mean \"\($0)\"?"] } ?? []
        throw Failure(
            .usage, "there is no command \"\(first)\"",
            advice: meant + ["commands: " + names.joined(separator: ", ")])
    }

    /// Help, the version and mistakes on the command line.
    private static func finish(_ error: any Error, _ terminal: Terminal) -> ExitStatus {
        if exitCode(for: error) == .success {
            terminal.print(fullMessage(for: error))
            return .success
        }
        if error is NeedletailError || error is ImportError || error is CancellationError {
            let failure = Failure(error)
            show(failure, terminal)
            return failure.status
        }
        terminal.say(fullMessage(for: error))
        return .usage
    }

    private static func show(_ failure: Failure, _ terminal: Terminal) {
        terminal.say(terminal.errorStyle.red("needletail: ") + DisplayWidth.safe(failure.message))
        for line in failure.advice { terminal.say("  " + line) }
    }
}

/// Ends a command with a status after it has said everything itself.
struct StatusError: Error {
    var status: ExitStatus
}
