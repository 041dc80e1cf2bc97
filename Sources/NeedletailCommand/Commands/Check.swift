import ArgumentParser
import NeedleClient
import NeedleOffline

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check the files of a stopped server, a snapshot, an archive or a backup.",
        discussion: """
            Reads everything and compares it with all checksums and with each other. Nothing
            is changed. PATH is a data directory, which no server may have open, a snapshot's
            directory in it, a directory made by needletail backup, an exported archive, or
            any single file of these.

            EXAMPLES
              needletail check /var/lib/needletail
              needletail check docs.archive
              needletail check /mnt/backups/2026-11-21

            EXIT STATUS
              0  clean    1  damage found    2  wrong path, or a server has it open
              5  files cannot be read
            """)

    @Argument(help: "A directory or a file.")
    var path: String
    @OptionGroup var output: OutputOptions

    func run() throws {
        let terminal = Terminal.current()
        let reports =
            try BackupCheck(path: path)?.run() ?? [OfflineFailure.explained { try OfflineTools.check(path) }]
        for report in reports { OfflineText.show(report, json: output.json, terminal) }
        guard reports.allSatisfy(\.isClean) else { throw StatusError(status: .refused) }
        if !output.json { terminal.say("nothing is wrong") }
    }
}

struct Dump: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print a file of a data directory as text.",
        discussion: """
            Log files, segments, deletions, manifests, catalogues, probes, recall, archives.
            Damaged ones are shown as far as they can be read.

            EXAMPLES
              needletail dump needletail-data/CATALOGUE
              needletail dump 00000000000000000001.log
              needletail dump 000000000004.segment --rows 1000
            """)

    @Argument(help: "The file.")
    var path: String
    @Option(help: "Rows shown of a segment, of deletions, of probes.")
    var rows = 100

    func validate() throws {
        guard rows >= 0 else { throw ValidationError("--rows must not be negative") }
    }

    func run() throws {
        let text = try OfflineFailure.explained { try OfflineTools.dump(path, rowLimit: rows) }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        Terminal.current().print(lines.map { DisplayWidth.safe(String($0)) })
    }
}

struct Repair: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Bring a damaged data directory back to where the server opens it.",
        discussion: """
            Says what is wrong and what it would do; does it only with --yes. Nothing is
            deleted: what is taken out of use lies in DIR/quarantine afterwards, with the
            reason. Restoring a snapshot or a backup, where there is one, is better.

            EXAMPLES
              needletail repair /var/lib/needletail
              needletail repair /var/lib/needletail --yes

            EXIT STATUS
              0  nothing to repair, or repaired    1  damage is (still) there
              2  wrong path, or a server has it open    5  files cannot be read or written
            """)

    @Argument(help: "The data directory of a stopped server.")
    var directory: String
    @Flag(help: "Do it.")
    var yes = false

    func run() throws {
        let terminal = Terminal.current()
        let repair = try OfflineFailure.explained { try OfflineTools.Repair(directory) }
        OfflineText.show(repair.report, json: false, terminal)
        if repair.report.isClean { return terminal.say("nothing to repair") }
        let verb = yes ? "doing" : "would do"
        for step in repair.steps { terminal.print("\(verb): \(DisplayWidth.safe(step))") }
        for line in repair.advice { terminal.print("note: \(DisplayWidth.safe(line))") }
        guard yes, !repair.steps.isEmpty else {
            terminal.say(
                repair.steps.isEmpty ? "there is nothing that a repair could do" : "do it with --yes")
            throw StatusError(status: .refused)
        }
        let (quarantine, after) = try OfflineFailure.explained {
            try repair.carryOut(salt: .random(in: 1 ... .max))
        }
        terminal.print("kept: \(DisplayWidth.safe(quarantine))")
        guard !after.isClean else { return terminal.say("repaired") }
        terminal.say("still damaged:")
        OfflineText.show(after, json: false, terminal)
        throw StatusError(status: .refused)
    }
}

/// From the offline tools' failures to the command's.
enum OfflineFailure {
    static func explained<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as OfflineTools.Failure {
            throw Failure(error.isUsage ? .usage : .badInput, error.message)
        }
    }
}

/// What a check found, for people or for programs.
enum OfflineText {
    static func show(_ report: OfflineTools.Report, json: Bool, _ terminal: Terminal) {
        if !json {
            terminal.print("\(report.kind):")
            terminal.print(report.contents.map { "  \(DisplayWidth.safe($0))" })
        }
        for finding in report.findings {
            if json {
                terminal.print(self.json(finding).description)
            } else {
                terminal.print("\(finding.isNote ? "note" : "DAMAGE"): \(DisplayWidth.safe(finding.text))")
            }
        }
    }

    private static func json(_ finding: OfflineTools.Line) -> JSONObject {
        [
            "damage": .bool(!finding.isNote), "file": .string(finding.file),
            "offset": finding.offset.map { .integer(Int64($0)) } ?? .null, "what": .string(finding.what),
        ]
    }
}
