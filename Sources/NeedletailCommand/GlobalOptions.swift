// What every command takes, and what every command does: connect, act, explain, close.

import ArgumentParser
import NeedleClient

/// Where the server is and how long to wait.
struct GlobalOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The server: needletail://HOST:PORT, HOST:PORT, or under TLS needletails://HOST:PORT. Default: NEEDLETAIL_URL, else 127.0.0.1:7700.",
            valueName: "url"))
    var url: String?

    @Option(
        help: ArgumentHelp(
            "Seconds to wait for an answer; 0 waits for ever. Default: 30.", valueName: "seconds"))
    var timeout: Double?

    @Option(
        help: ArgumentHelp(
            "A file that holds the API key, for servers that ask for one. Default: NEEDLETAIL_API_KEY.",
            valueName: "file"))
    var apiKeyFile: String?

    func validate() throws {
        if let timeout, !timeout.isFinite || timeout < 0 {
            throw ValidationError("--timeout is a number of seconds, 0 or more")
        }
    }

    /// `needletail --url X info` means `needletail info --url X`: the options belong to the commands, but
    /// people write them first.
    static func movedBehindCommand(_ arguments: [String]) -> [String] {
        var leading: [String] = []
        var rest = arguments[...]
        while let first = rest.first,
            ["--url", "--timeout", "--api-key-file"].contains(first.prefix { $0 != "=" })
        {
            let length = first.contains("=") ? 1 : 2
            leading += rest.prefix(length)
            rest = rest.dropFirst(length)
        }
        guard !leading.isEmpty, let command = rest.first else { return arguments }
        return [command] + leading + rest.dropFirst()
    }

    /// The address asked for.
    func address(environment: (String) -> String? = Terminal.environment) throws -> ServerAddress {
        let text = url ?? environment("NEEDLETAIL_URL").flatMap { $0.isEmpty ? nil : $0 }
        guard let text else { return .local }
        do {
            return try ServerAddress(text)
        } catch {
            throw Failure(.usage, error.message)
        }
    }

    /// The time-out asked for, in the client's terms.
    var clientTimeout: Timeout {
        switch timeout {
        case nil: .standard
        case 0: .none
        case let seconds?: .after(.seconds(seconds))
        }
    }

    /// How to reach the server asked for.
    func clientConfiguration() throws -> ClientConfiguration {
        var configuration = ClientConfiguration(address: try address())
        configuration.apiKey = try apiKey()
        configuration.tls.certificateAuthorities = Terminal.environment("NEEDLETAIL_CA")
        configuration.tls.certificate = Terminal.environment("NEEDLETAIL_CERTIFICATE")
        configuration.tls.privateKey = Terminal.environment("NEEDLETAIL_PRIVATE_KEY")
        switch clientTimeout {
        case .standard: break
        case .none: configuration.requestTimeout = nil
        case .after(let duration): configuration.requestTimeout = duration
        }
        return configuration
    }

    /// The first line of the file, or the variable. Never an option: what stands on a command line is seen by everybody
    /// on the machine.
    func apiKey(environment: (String) -> String? = Terminal.environment) throws -> String? {
        guard let apiKeyFile else {
            return environment("NEEDLETAIL_API_KEY").flatMap { $0.isEmpty ? nil : $0 }
        }
        let line = try InputFile(apiKeyFile).nextLine { false } ?? []
        guard !line.isEmpty else { throw Failure(.badInput, "there is no key in \(apiKeyFile)") }
        return String(decoding: line, as: UTF8.self)
    }

    /// Runs a command's work with a client, and turns its errors into advice.
    ///
    /// - Parameter collection: the collection the command is about, for naming similar ones.
    func withClient(collection: String? = nil, _ body: (NeedletailClient) async throws -> Void) async throws {
        let client = NeedletailClient(try clientConfiguration())
        do {
            try await body(client)
        } catch let error as StatusError {
            await client.close()
            throw error
        } catch {
            let existing = await Self.existing(after: error, client)
            await client.close()
            throw Failure(error, collection: collection, existing: existing)
        }
        await client.close()
    }

    /// The server's collections, when the error is about a collection that is not there.
    private static func existing(after error: any Error, _ client: NeedletailClient) async -> [String]? {
        let cause = (error as? ImportError)?.cause ?? error
        guard let error = cause as? NeedletailError, error.kind == .notFound, error.at == "collection" else {
            return nil
        }
        return try? await client.collections(timeout: .after(.seconds(2))).map(\.name)
    }
}

/// `--json`, for the commands that have it.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print JSON, one value per line.")
    var json = false
}

/// A filter as protocol JSON.
struct FilterOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Only points that match: a filter or one condition as JSON, for example \
            '{"key":"section","match":{"value":"graphics"}}'.
            """, valueName: "json"))
    var filter: String?

    func parsed() throws -> Filter? {
        guard let filter else { return nil }
        do {
            return try Filter(json: filter)
        } catch {
            throw Failure(
                .usage, "--filter: \(error.message)" + (error.at.map { " (at \($0))" } ?? ""),
                advice: [
                    #"for example: --filter '{"must":[{"key":"section","match":{"value":"graphics"}}]}'"#
                ])
        }
    }
}

/// Point ids on the command line.
struct IDOptions: ParsableArguments {
    @Flag(help: "Take ids of nothing but digits as strings, not as integers.")
    var stringIds = false

    func id(_ text: String) throws -> PointID {
        if !stringIds, !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            guard let integer = UInt64(text) else {
                throw Failure(
                    .usage,
                    "\(text) is larger than any integer id (2^64-1); --string-ids takes it as a string")
            }
            return PointID(integer)
        }
        guard (1...512).contains(text.utf8.count) else {
            throw Failure(.usage, "an id has 1 to 512 bytes, not \(text.utf8.count)")
        }
        return PointID(text)
    }
}

/// Which points a change is for: by id, by filter, or all of them.
struct ChosenPoints: ParsableArguments {
    @Argument(help: "The points.")
    var ids: [String] = []
    @OptionGroup var filter: FilterOption
    @Flag(help: "Every point.")
    var all = false
    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false
    @OptionGroup var kind: IDOptions

    func validate() throws {
        guard [!ids.isEmpty, filter.filter != nil, all].count(where: { $0 }) == 1 else {
            throw ValidationError("give one of: ids, --filter, --all")
        }
    }

    func choice() throws -> PointChoice {
        if let filter = try filter.parsed() { return .filter(filter) }
        return all ? .all : .ids(try ids.map { try kind.id($0) })
    }

    /// Asks before all points are changed, unless --yes was given.
    ///
    /// - Parameter question: of the number of points, in words.
    func confirm(
        _ collection: String, _ client: NeedletailClient, _ terminal: Terminal, _ question: (String) -> String
    ) async throws {
        guard all, !yes else { return }
        try terminal.demand(question(Numbers.count(try await client.count(collection), "point")))
    }
}
