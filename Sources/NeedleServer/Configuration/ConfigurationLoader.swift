// Configuration from three sources: the file, then the environment over it, then flags over both.
//
// Whatever is not understood is an error that names its place (file and line, or the variable) and says what
// would have been right; all of them are reported together, because fixing one at a time is tedious.

import NeedleCore
import TOMLKit

/// Something wrong in the configuration, and where.
package struct ConfigurationProblem: Hashable, Sendable, CustomStringConvertible {
    /// `needletail.toml:12`, `NEEDLETAIL_LIMITS_WAIT_MS` or `--listen`.
    package var place: String
    package var message: String

    package var description: String { "\(place): \(message)" }
}

/// Why the server did not start.
package struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    package var problems: [ConfigurationProblem]

    package var description: String {
        problems.map(\.description).joined(separator: "\n")
    }
}

/// Gathers a configuration and what is wrong with it.
package struct ConfigurationLoader {
    package private(set) var configuration = ServerConfiguration()
    private var problems: [ConfigurationProblem] = []
    private static let byPath = Dictionary(uniqueKeysWithValues: ConfigurationKey.all.map { ($0.path, $0) })

    package init() {}

    /// Reads a TOML file. One that cannot be read is a problem like any other.
    package mutating func read(file: String) {
        do throws(TextFile.Unreadable) {
            read(toml: try TextFile.contents(of: file), file: file)
        } catch {
            report(file, error.reason)
        }
    }

    /// Reads a TOML text. Its values win over what is there already.
    package mutating func read(toml: String, file: String) {
        let table: TOMLTable
        do {
            table = try TOMLTable(string: toml)
        } catch let error as TOMLParseError {
            report("\(file):\(error.source.begin.line)", "not valid TOML: \(error.description)")
            return
        } catch {
            report(file, "not valid TOML: \(error)")
            return
        }
        let lines = TOMLLineIndex(toml)
        for (section, value) in table.sorted(by: { $0.0 < $1.0 }) {
            let place = { (path: String) in "\(file):\(lines.line(of: path))" }
            guard ConfigurationKey.all.contains(where: { $0.section == section }) else {
                report(place(section), "unknown section or key \"\(section)\"; \(Self.sectionsHint)")
                continue
            }
            guard let keys = value.table else {
                report(place(section), "\"\(section)\" is a section: write [\(section)] on a line of its own")
                continue
            }
            for (name, value) in keys.sorted(by: { $0.0 < $1.0 }) {
                let path = "\(section).\(name)"
                set(path, Self.value(of: value), at: place(path))
            }
        }
    }

    /// Reads `NEEDLETAIL_<SECTION>_<KEY>` variables; other variables are left alone.
    ///
    /// - Returns: names that begin with `NEEDLETAIL_` and mean nothing to the server, to warn about.
    package mutating func read(environment: [String: String]) -> [String] {
        for key in ConfigurationKey.all {
            guard let text = environment[key.environmentName] else { continue }
            set(key.path, .reading(text, for: key), at: key.environmentName)
        }
        let known = Set(ConfigurationKey.all.map(\.environmentName)).union(Self.variablesOfOthers)
        return environment.keys.filter { $0.hasPrefix("NEEDLETAIL_") && !known.contains($0) }.sorted()
    }

    /// Sets one key from a command-line flag.
    package mutating func set(_ path: String, flag: String, value text: String) {
        guard let key = Self.byPath[path] else { preconditionFailure("no configuration key \(path)") }
        set(path, .reading(text, for: key), at: flag)
    }

    package mutating func report(_ place: String, _ message: String) {
        problems.append(ConfigurationProblem(place: place, message: message))
    }

    /// The configuration, if everything is right with it.
    package mutating func finish() throws(ConfigurationError) -> ServerConfiguration {
        checkTogether()
        guard problems.isEmpty else { throw ConfigurationError(problems: problems) }
        return configuration
    }

    // MARK: Steps

    /// Rules that concern more than one key.
    private mutating func checkTogether() {
        requireConsent(
            "server.listen", configuration.listen, isGiven: configuration.allowRemote,
            ", and without security.keys nobody is asked who they are; listen on 127.0.0.1, make keys (needletail key "
                + "create), or set server.allow_remote = true if the network is trusted")
        requireConsent(
            "tls.listen", configuration.tls.listen,
            isGiven: configuration.allowRemote || !configuration.tls.clientAuthorities.isEmpty,
            ", and nobody is asked who they are; make keys (security.keys), ask for certificates (tls.client_ca), or "
                + "set server.allow_remote = true")
        requireConsent(
            "http.listen", configuration.http.listen, isGiven: configuration.http.allowRemote,
            "; listen on 127.0.0.1, make keys (security.keys), or set http.allow_remote = true if the network is "
                + "trusted")
        if configuration.limits.serverBytes < 2 * configuration.limits.lineBytes {
            report(
                "limits.server_bytes",
                "must be at least 2 x limits.line_bytes (\(2 * configuration.limits.lineBytes)), else one long line "
                    + "could spend it alone")
        }
        if configuration.dataDirectory.isEmpty { report("storage.data", "must name a directory") }
    }

    /// Listening where other machines can connect needs keys, or somebody who says that it is meant.
    private mutating func requireConsent(
        _ key: String, _ listen: ListenAddress?, isGiven: Bool, _ advice: String
    ) {
        guard let listen, !listen.isLoopback, !isGiven, configuration.keysFile.isEmpty else { return }
        report(key, "\(listen) can be reached from other machines" + advice)
    }

    private mutating func set(_ path: String, _ value: ConfigurationValue, at place: String) {
        guard let key = Self.byPath[path] else {
            let near = Self.nearest(to: path).map { "; did you mean \"\($0)\"?" } ?? ""
            report(place, "unknown key \"\(path)\"\(near)")
            return
        }
        guard key.set(value, in: &configuration) else {
            report(place, "\(path) must be \(key.expectation), not \(value.shown)")
            return
        }
    }

    private static func value(of node: any TOMLValueConvertible) -> ConfigurationValue {
        switch node.type {
        case .int: node.int.map { .integer($0) } ?? .other("an integer")
        case .double: node.double.map { .fraction($0) } ?? .other("a number")
        case .bool: node.bool.map { .flag($0) } ?? .other("a boolean")
        case .string: node.string.map { .text($0) } ?? .other("a string")
        case .table: .other("a table")
        case .array: .other("an array")
        case .date, .time, .dateTime: .other("a date or time")
        }
    }

    /// Variables that the command-line tool, the scripts and the tests read.
    private static let variablesOfOthers: Set<String> = [
        "NEEDLETAIL_URL", "NEEDLETAIL_CONFIG", "NEEDLETAIL_KERNELS", "NEEDLETAIL_MODEL",
        "NEEDLETAIL_API_KEY", "NEEDLETAIL_CA", "NEEDLETAIL_CERTIFICATE", "NEEDLETAIL_PRIVATE_KEY",
    ]

    private static let sectionsHint: String = {
        var seen: [String] = []
        for key in ConfigurationKey.all where !seen.contains(key.section) { seen.append(key.section) }
        return "there are " + seen.map { "[\($0)]" }.joined(separator: ", ")
    }()

    /// The known key that differs least, if it is near enough to be a slip of the fingers.
    private static func nearest(to path: String) -> String? {
        let name = path.split(separator: ".").last.map(String.init) ?? path
        let candidates = ConfigurationKey.all.map {
            ($0.path, min(distance($0.path, path), distance($0.name, name)))
        }
        guard let best = candidates.min(by: { $0.1 < $1.1 }), best.1 <= 3 else { return nil }
        return best.0
    }

    /// Levenshtein's edit distance.
    private static func distance(_ left: String, _ right: String) -> Int {
        let (a, b) = (Array(left.utf8), Array(right.utf8))
        var row = Array(0...b.count)
        for i in a.indices {
            var diagonal = row[0]
            row[0] = i + 1
            for j in b.indices {
                let above = row[j + 1]
                row[j + 1] = a[i] == b[j] ? diagonal : 1 + min(diagonal, above, row[j])
                diagonal = above
            }
        }
        return row[b.count]
    }
}
