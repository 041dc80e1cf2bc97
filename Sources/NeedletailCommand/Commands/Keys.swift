import ArgumentParser
import Glibc
import NeedleClient

struct KeyCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "Make API keys for a server, and tokens of a key for others.",
        discussion: """
            The server reads its keys from the file that security.keys names, at its start and
            on SIGHUP. A key is taken back by removing its line.

            EXAMPLES
              needletail key create search-app --role reader --collections docs --file keys
              NEEDLETAIL_API_KEY=nt_... needletail key token search-app --role reader --for 1h
            """,
        subcommands: [CreateKey.self, CreateToken.self])
}

extension APIKey.Role: ExpressibleByArgument {}

struct KeyGrant: ParsableArguments {
    @Option(help: "What it may do: read; write points and documents too; everything.")
    var role: APIKey.Role
    @Option(help: "Only these collections, with commas between them. Default: all.")
    var collections: String?

    var names: [String]? { collections.map { $0.split(separator: ",").map(String.init) } }

    func validate() throws {
        if let names, names.isEmpty { throw ValidationError("--collections names none") }
    }
}

struct CreateKey: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a key: shown once; the file gets its hash only.",
        discussion: """
            EXAMPLES
              needletail key create ops --role admin --file /etc/needletail/keys
              needletail key create loader --role writer --expires 90d >> ~/loader.key
            """)

    @Argument(help: "What people and logs call it.")
    var name: String
    @OptionGroup var grant: KeyGrant
    @Option(
        help: ArgumentHelp("When it ends: 45s, 30m, 12h, 90d from now. Default: never.", valueName: "span"))
    var expires: String?
    @Option(
        help: ArgumentHelp(
            "The server's file of keys, which gets a line more. Without it the line is printed to standard error.",
            valueName: "file"))
    var file: String?

    func validate() throws {
        guard (1...64).contains(name.utf8.count) else { throw ValidationError("a name has 1 to 64 bytes") }
        if let expires, Span.seconds(expires) == nil { throw ValidationError("--expires is for example 90d") }
    }

    func run() throws {
        let terminal = Terminal.current()
        let key = APIKey(
            name: name, role: grant.role, collections: grant.names,
            expiresAt: expires.flatMap(Span.seconds).map { (Int(time(nil)) + $0) * 1000 })
        if let file {
            try append(key.line, to: file)
            terminal.say(
                "added to \(file); a running server reads it on SIGHUP. This is the key, shown once:")
        } else {
            terminal.say("a line for the server's file of keys:")
            terminal.say(key.line)
            terminal.say("and the key, shown once:")
        }
        terminal.print(key.secret)
    }

    /// The file is for its owner only: its hashes are what tokens are signed with.
    private func append(_ line: String, to file: String) throws {
        let text = access(file, F_OK) == 0 ? try Self.contents(of: file) : ""
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let key = (try? JSONValue(parsing: String(line)))?.objectValue
            guard key?["name"]?.stringValue == name else { continue }
            throw Failure(
                .usage, "\(file):\(number + 1) is a key named \"\(name)\" already",
                advice: ["choose another name, or remove that line"])
        }
        let descriptor = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        let bytes = Array(((text.isEmpty || text.hasSuffix("\n") ? "" : "\n") + line + "\n").utf8)
        guard descriptor >= 0, write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0
        else {
            throw Failure(.badInput, "cannot write \(file): \(String(cString: strerror(errno)))")
        }
        close(descriptor)
    }

    private static func contents(of file: String) throws -> String {
        let input = try InputFile(file)
        var bytes: [UInt8] = []
        while let piece = try input.nextBytes(isInterrupted: { false }) { bytes += piece }
        return String(decoding: bytes, as: UTF8.self)
    }
}

struct CreateToken: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Make a token of a key: for somebody who may do less, for a while.",
        discussion: """
            The server need not be asked: it checks the token when it is used, like a key. It
            ends with its time, or when its key is taken back.

            EXAMPLES
              needletail key token search-app --role reader --for 1h --api-key-file app.key
            """)

    @Argument(help: "The name of the key.")
    var name: String
    @OptionGroup var grant: KeyGrant
    @Option(name: .customLong("for"), help: ArgumentHelp("How long: 45s, 30m, 12h, 90d.", valueName: "span"))
    var span: String
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if Span.seconds(span) == nil { throw ValidationError("--for is for example 1h") }
    }

    func run() throws {
        guard let secret = try global.apiKey() else {
            throw Failure(.usage, "a token is made of a key: set NEEDLETAIL_API_KEY, or --api-key-file FILE")
        }
        let end = (Int(time(nil)) + (Span.seconds(span) ?? 0)) * 1000
        Terminal.current().print(
            APIKey.token(
                of: secret, named: name, role: grant.role, collections: grant.names, expiresAt: end))
    }
}
