// Golden transcripts: reading them and comparing answers with them. The form is described in proto/README.md.
// The codec's, the client's and the server's tests replay them.

package import Foundation
package import NeedleCore

/// One file of `proto/transcripts`.
package struct Transcript: Sendable, CustomStringConvertible {
    package enum Line: Sendable {
        case send(String)
        case expect(JSONValue)
    }

    package var name: String
    /// `live`: can be replayed against a server that was just started on an empty directory; `codec`: cannot.
    package var isLive: Bool
    /// Whether the server needs the built-in model.
    package var needsModel: Bool
    /// The limits the server must have.
    package var limits = Limits()
    package var lines: [Line] = []

    package var description: String { name }

    /// All transcripts, by name.
    package static func all() throws -> [Transcript] {
        let folder = protoFolder.appending(path: "transcripts")
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).filter {
            $0.hasSuffix(".jsonl")
        }
        .sorted().map {
            try Transcript(parsing: String(contentsOf: folder.appending(path: $0), encoding: .utf8))
        }
    }

    /// The repository's `proto`.
    package static let protoFolder = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().appending(
            path: "proto")

    package init(parsing text: String) throws {
        let values = try text.split(separator: "\n").map {
            try JSONValue(parsing: String($0), maximumDepth: 128)
        }
        guard let head = values.first, let name = head["transcript"]?.stringValue else {
            throw Malformed(line: 0)
        }
        self.name = name
        isLive = head["kind"]?.stringValue != "codec"
        needsModel = head["needs"]?.stringValue == "model"
        limits.lineBytes = head["limits"]?["line_bytes"]?.integerValue ?? limits.lineBytes
        limits.inFlight = head["limits"]?["in_flight"]?.integerValue ?? limits.inFlight
        limits.batchPoints = head["limits"]?["batch_points"]?.integerValue ?? limits.batchPoints
        limits.dimensions = head["limits"]?["dimensions"]?.integerValue ?? limits.dimensions
        limits.waitMS = head["limits"]?["wait_ms"]?.integerValue ?? limits.waitMS
        for (index, value) in values.enumerated().dropFirst() {
            if let line = value["send"]?.stringValue {
                lines.append(.send(line))
            } else if let pattern = value["expect"] {
                lines.append(.expect(pattern))
            } else if value["note"] == nil {
                throw Malformed(line: index)
            }
        }
    }

    struct Malformed: Error {
        var line: Int
    }
}

/// Compares values with patterns and remembers what patterns name.
package struct PatternMatcher {
    package init() {}

    private(set) var values: [String: JSONValue] = [:]

    /// `line` with every `${name}` replaced by the string remembered under that name.
    package func substituted(_ line: String) -> String {
        var line = line
        for (name, value) in values {
            guard let text = value.stringValue else { continue }
            line = line.replacing("${\(name)}", with: text)
        }
        return line
    }

    /// `nil` if the value matches, otherwise where and why it does not.
    package mutating func mismatch(_ value: JSONValue, _ pattern: JSONValue, at path: String = "") -> String?
    {
        if let expected = pattern["$any"]?.stringValue {
            guard Self.isOf(expected, value) else { return "\(path): \(Self.text(value)) is no \(expected)" }
            if let name = pattern["as"]?.stringValue { values[name] = value }
            return nil
        }
        if let near = pattern["$near"]?.doubleValue {
            guard let number = value.doubleValue, abs(number - near) <= 1e-4 * max(1, abs(near)) else {
                return "\(path): \(Self.text(value)) is not near \(near)"
            }
            return nil
        }
        if let name = pattern["$same"]?.stringValue {
            return values[name] == value ? nil : "\(path): \(Self.text(value)) is not what \(name) was"
        }
        switch (value, pattern) {
        case (.object(let members), .object(let patterns)):
            return mismatch(members, patterns, isOpen: pattern["$open"]?.boolValue == true, at: path)
        case (.array(let values), .array(let patterns)):
            guard values.count == patterns.count else {
                return "\(path): \(values.count) elements instead of \(patterns.count)"
            }
            for index in values.indices {
                if let found = mismatch(values[index], patterns[index], at: "\(path)[\(index)]") {
                    return found
                }
            }
            return nil
        case (.number, .number):
            return value == pattern || value.doubleValue == pattern.doubleValue && value.integerValue == nil
                || pattern.integerValue == nil && value.doubleValue == pattern.doubleValue
                ? nil : "\(path): \(Self.text(value)) instead of \(Self.text(pattern))"
        default:
            return value == pattern ? nil : "\(path): \(Self.text(value)) instead of \(Self.text(pattern))"
        }
    }

    private mutating func mismatch(
        _ members: [JSONValue.Member], _ patterns: [JSONValue.Member], isOpen: Bool, at path: String
    ) -> String? {
        let object = JSONValue.object(members)
        for pattern in patterns where pattern.name != "$open" {
            guard let value = object[pattern.name] else { return "\(path).\(pattern.name) is missing" }
            if let found = mismatch(value, pattern.value, at: "\(path).\(pattern.name)") { return found }
        }
        guard !isOpen else { return nil }
        let known = Set(patterns.map(\.name))
        return members.first { !known.contains($0.name) }.map { "\(path).\($0.name) is unexpected" }
    }

    private static func isOf(_ kind: String, _ value: JSONValue) -> Bool {
        switch value {
        case _ where kind == "value": true
        case .null: false
        case .bool: kind == "boolean"
        case .number(.double): kind == "number"
        case .number: kind == "number" || kind == "integer"
        case .string: kind == "string"
        case .array: kind == "array"
        case .object: kind == "object"
        }
    }

    private static func text(_ value: JSONValue) -> String { String(decoding: value.utf8, as: UTF8.self) }

    /// Some value that the pattern matches.
    package static func sample(_ pattern: JSONValue) -> JSONValue {
        if let sample = pattern["sample"], pattern["$any"] != nil { return sample }
        if let kind = pattern["$any"]?.stringValue {
            switch kind {
            case "integer": return 1
            case "number": return 1.5
            case "string": return "text"
            case "boolean": return true
            case "array": return []
            case "value": return .null
            default: return [:]
            }
        }
        if let near = pattern["$near"]?.doubleValue { return .number(.double(near)) }
        if pattern["$same"] != nil { return 1 }
        switch pattern {
        case .object(let members):
            return .object(
                members.filter { $0.name != "$open" }.map { JSONValue.Member($0.name, sample($0.value)) })
        case .array(let patterns): return .array(patterns.map(sample))
        default: return pattern
        }
    }
}
