// The file of API keys: a JSON object a line, lines that begin with `#` are comments (docs/format/keys.md).

import NeedleCore
import NeedleWire

/// Reading the file. Everything that is wrong with it is said at once, with its line.
package enum KeyFile {
    /// - Throws: what is wrong; nothing of a file is taken then.
    package static func keys(inFile path: String) throws(ConfigurationError) -> [AccessKey] {
        let text: String
        do throws(TextFile.Unreadable) {
            text = try TextFile.contents(of: path)
        } catch {
            throw ConfigurationError(problems: [ConfigurationProblem(place: path, message: error.reason)])
        }
        return try keys(in: text, file: path)
    }

    /// - Throws: what is wrong, one problem for each line.
    package static func keys(in text: String, file: String) throws(ConfigurationError) -> [AccessKey] {
        var keys: [AccessKey] = []
        var problems: [ConfigurationProblem] = []
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = line.drop { $0 == " " || $0 == "\t" || $0 == "\r" }
            guard !line.isEmpty, !line.hasPrefix("#") else { continue }
            do throws(Malformed) {
                let key = try self.key(String(line))
                if keys.contains(where: { $0.name == key.name }) {
                    throw Malformed(what: "a key named \"\(key.name)\" stands above already")
                }
                if keys.contains(where: { $0.digest == key.digest }) {
                    throw Malformed(what: "the same key stands above already")
                }
                keys.append(key)
            } catch {
                problems.append(ConfigurationProblem(place: "\(file):\(number + 1)", message: error.what))
            }
        }
        guard problems.isEmpty else { throw ConfigurationError(problems: problems) }
        return keys
    }

    private struct Malformed: Error {
        var what: String
    }

    private static func key(_ line: String) throws(Malformed) -> AccessKey {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue(parsing: line)
        } catch {
            throw Malformed(what: "not JSON: \(error.message) (byte \(error.offset))")
        }
        guard case .object(let members) = value else { throw Malformed(what: "not an object") }
        var fields = Dictionary(
            members.map { ($0.name, $0.value) },
            // Names that differ by their bytes may be the same for a dictionary: one of them is unknown then.
            uniquingKeysWith: { $1 })
        func take(_ name: String) -> JSONValue? {
            let value = fields.removeValue(forKey: name)
            return value == .null ? nil : value
        }
        guard let name = take("name")?.stringValue, (1...64).contains(name.utf8.count) else {
            throw Malformed(what: "\"name\" has to be a text of 1 to 64 bytes")
        }
        guard let role = take("role")?.stringValue.flatMap(Grant.Role.init) else {
            let roles = Grant.Role.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
            throw Malformed(what: "\"role\" has to be one of \(roles)")
        }
        guard let digest = take("sha256")?.stringValue.flatMap(Self.bytes), digest.count == 32 else {
            throw Malformed(what: "\"sha256\" has to be 64 hexadecimal digits")
        }
        let grant = Grant(role: role, collections: try collections(take("collections")))
        let expiresAt = try integer(take("expires_at"), "\"expires_at\"")
        let limits = try limits(take("limits"))
        if let unknown = fields.keys.sorted().first { throw Malformed(what: "unknown key \"\(unknown)\"") }
        return AccessKey(name: name, grant: grant, expiresAt: expiresAt, limits: limits, digest: digest)
    }

    /// `"*"` or nothing: all.
    private static func collections(_ value: JSONValue?) throws(Malformed) -> [String]? {
        if value == nil || value == .string("*") { return nil }
        let names = value?.arrayValue?.compactMap(\.stringValue)
        guard let names, names.count == value?.arrayValue?.count else {
            throw Malformed(what: "\"collections\" has to be \"*\" or an array of names")
        }
        return names
    }

    private static func limits(_ value: JSONValue?) throws(Malformed) -> AccessLimits {
        guard let value else { return AccessLimits() }
        guard case .object(let members) = value else {
            throw Malformed(what: "\"limits\" has to be an object")
        }
        var limits = AccessLimits()
        for member in members {
            let number = try integer(member.value, "\"limits.\(member.name)\"")
            switch member.name {
            case "connections": limits.connections = number.map { Int($0) }
            case "requests_per_second": limits.requestsPerSecond = number.map { Double($0) }
            case "bytes_per_second": limits.bytesPerSecond = number.map { Double($0) }
            default: throw Malformed(what: "unknown key \"limits.\(member.name)\"")
            }
        }
        return limits
    }

    private static func integer(_ value: JSONValue?, _ name: String) throws(Malformed) -> Int64? {
        guard let value, value != .null else { return nil }
        guard let number = value.integerValue, number > 0 else {
            throw Malformed(what: "\(name) has to be an integer above 0")
        }
        return Int64(number)
    }

    static func bytes(_ hexadecimal: String) -> [UInt8]? {
        let digits = Array(hexadecimal.utf8)
        guard digits.count % 2 == 0, digits.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }) else {
            return nil
        }
        return stride(from: 0, to: digits.count, by: 2).compactMap {
            UInt8(String(decoding: digits[$0...($0 + 1)], as: UTF8.self), radix: 16)
        }
    }
}
