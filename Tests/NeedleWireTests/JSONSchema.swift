// A validator for the part of JSON Schema 2020-12 that proto/ uses. A keyword it does not know is an error,
// so that no schema silently means less than it says.

import Foundation
import NeedleCore

/// The schemas of a folder, with references between its files.
struct SchemaStore {
    private let folder: URL
    private var files: [String: JSONValue] = [:]

    struct Unusable: Error {
        var what: String
    }

    init(folder: URL) throws {
        self.folder = folder
        files["common.json"] = try Self.read(folder.appending(path: "common.json"))
        let methods = folder.appending(path: "methods")
        for name in try FileManager.default.contentsOfDirectory(atPath: methods.path) {
            files["methods/\(name)"] = try Self.read(methods.appending(path: name))
        }
    }

    private static func read(_ file: URL) throws -> JSONValue {
        try JSONValue(parsing: String(contentsOf: file, encoding: .utf8))
    }

    var fileNames: [String] { files.keys.sorted() }

    func definition(_ name: String, of file: String) throws -> JSONValue {
        guard let definition = files[file]?["$defs"]?[name] else {
            throw Unusable(what: "\(file)#/$defs/\(name)")
        }
        return definition
    }

    /// What is wrong with `value`; empty if it is valid.
    func problems(_ value: JSONValue, definition name: String, of file: String) throws -> [String] {
        try check(value, try definition(name, of: file), file, at: "")
    }

    private func resolve(_ reference: String, from file: String) throws -> (JSONValue, String) {
        let parts = reference.split(separator: "#", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, parts[1].hasPrefix("/$defs/") else { throw Unusable(what: reference) }
        let target = parts[0].isEmpty ? file : parts[0].replacing("../", with: "")
        return (try definition(String(parts[1].dropFirst(7)), of: target), target)
    }

    private func check(_ value: JSONValue, _ schema: JSONValue, _ file: String, at path: String) throws
        -> [String]
    {
        guard case .object(let keywords) = schema else { throw Unusable(what: "a schema that is no object") }
        var problems: [String] = []
        for keyword in keywords {
            let argument = keyword.value
            switch keyword.name {
            case "description": break
            case "$ref":
                let (target, targetFile) = try resolve(argument.stringValue ?? "", from: file)
                problems += try check(value, target, targetFile, at: path)
            case "anyOf", "oneOf":
                let valid = try (argument.arrayValue ?? []).filter {
                    try check(value, $0, file, at: path).isEmpty
                }
                let isRight = keyword.name == "anyOf" ? !valid.isEmpty : valid.count == 1
                if !isRight { problems.append("\(path): \(valid.count) of \(keyword.name) hold") }
            case "not":
                if try check(value, argument, file, at: path).isEmpty { problems.append("\(path): not") }
            case "type", "const", "enum":
                if !Self.admits(keyword.name, argument, value) { problems.append("\(path): \(keyword.name)") }
            case "properties", "required", "additionalProperties", "propertyNames", "minProperties":
                problems += try checkObject(value, keyword, schema, file, at: path)
            case "items", "minItems", "maxItems":
                problems += try checkArray(value, keyword, file, at: path)
            case "minLength", "maxLength", "pattern", "minimum", "maximum":
                if try !Self.isWithin(keyword.name, argument, value) {
                    problems.append("\(path): \(keyword.name)")
                }
            default: throw Unusable(what: "keyword \(keyword.name)")
            }
        }
        return problems
    }

    private static func admits(_ keyword: String, _ argument: JSONValue, _ value: JSONValue) -> Bool {
        switch (keyword, argument.stringValue, value) {
        case ("const", _, _): argument == value
        case ("enum", _, _): argument.arrayValue?.contains(value) == true
        case (_, "object", .object), (_, "array", .array), (_, "string", .string), (_, "boolean", .bool),
            (_, "null", .null), (_, "number", .number), (_, "integer", .number(.signed)),
            (_, "integer", .number(.unsigned)):
            true
        case (_, "integer", .number(.double(let number))): number == number.rounded()
        default: false
        }
    }

    private func checkObject(
        _ value: JSONValue, _ keyword: JSONValue.Member, _ schema: JSONValue, _ file: String, at path: String
    ) throws -> [String] {
        guard let members = value.objectValue else { return [] }
        let argument = keyword.value
        switch keyword.name {
        case "required":
            return (argument.arrayValue ?? []).compactMap(\.stringValue).filter { value[$0] == nil }
                .map { "\(path).\($0) is missing" }
        case "minProperties":
            return members.count >= argument.integerValue ?? 0 ? [] : ["\(path): minProperties"]
        case "propertyNames":
            return try members.flatMap {
                try check(.string($0.name), argument, file, at: "\(path).\($0.name)")
            }
        case "properties":
            return try members.flatMap { member in
                try argument[member.name].map {
                    try check(member.value, $0, file, at: "\(path).\(member.name)")
                } ?? []
            }
        default:
            let others = members.filter { schema["properties"]?[$0.name] == nil }
            if argument == .bool(false) { return others.map { "\(path).\($0.name) is unknown" } }
            return try others.flatMap { try check($0.value, argument, file, at: "\(path).\($0.name)") }
        }
    }

    private func checkArray(
        _ value: JSONValue, _ keyword: JSONValue.Member, _ file: String, at path: String
    ) throws -> [String] {
        guard let elements = value.arrayValue else { return [] }
        switch keyword.name {
        case "minItems": return elements.count >= keyword.value.integerValue ?? 0 ? [] : ["\(path): minItems"]
        case "maxItems":
            return elements.count <= keyword.value.integerValue ?? .max ? [] : ["\(path): maxItems"]
        default:
            return try elements.enumerated().flatMap { index, element in
                try check(element, keyword.value, file, at: "\(path)[\(index)]")
            }
        }
    }

    /// Bounds say nothing about values of other types.
    private static func isWithin(_ keyword: String, _ argument: JSONValue, _ value: JSONValue) throws -> Bool
    {
        if let text = value.stringValue {
            switch keyword {
            case "minLength": return text.unicodeScalars.count >= argument.integerValue ?? 0
            case "maxLength": return text.unicodeScalars.count <= argument.integerValue ?? .max
            case "pattern": return try Regex(argument.stringValue ?? "").firstMatch(in: text) != nil
            default: return true
            }
        }
        guard let number = value.doubleValue, let bound = argument.doubleValue else { return true }
        switch keyword {
        case "minimum": return number >= bound
        case "maximum": return number <= bound
        default: return true
        }
    }
}
