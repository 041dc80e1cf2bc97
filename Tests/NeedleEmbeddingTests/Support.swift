// What the tests of this room share: fixtures, throw-away model directories, safetensors built by hand.

import Foundation
import NeedleCore
import NeedleEmbedding
import Testing

enum Fixtures {
    static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Fixtures").path
    static let tiny = "\(directory)/tiny"

    static func bytes(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    static func json(_ path: String) throws -> JSONValue {
        let text = try bytes(path)
        return try JSONValue(parsing: text.span)
    }

    /// The texts of tiny/expected.json.
    static func tinyCases() throws -> [Case] {
        try #require(json("\(tiny)/expected.json").arrayValue).map(Case.init)
    }

    struct Case {
        var text: String
        var ids: [Int32]
        var isTruncated: Bool
        var mean: [Float]
        var cls: [Float]

        init(_ value: JSONValue) throws {
            text = try #require(value["text"]?.stringValue)
            ids = try #require(value["ids"]?.arrayValue).map { try Int32(#require($0.integerValue)) }
            isTruncated = value["truncated"]?.boolValue ?? false
            mean = try (value["mean"]?.arrayValue ?? []).map { try Float(#require($0.doubleValue)) }
            cls = try (value["cls"]?.arrayValue ?? []).map { try Float(#require($0.doubleValue)) }
        }
    }
}

/// A copy of the tiny model that a test may change; removed with the value.
final class ModelCopy {
    let directory: String

    init() throws {
        directory =
            FileManager.default.temporaryDirectory
            .appendingPathComponent("needletail-\(UUID().uuidString)/tiny").path
        let parent = URL(fileURLWithPath: directory).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: Fixtures.tiny, toPath: directory)
    }

    deinit {
        try? FileManager.default.removeItem(at: URL(fileURLWithPath: directory).deletingLastPathComponent())
    }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(directory)/\(name)"))
    }

    func write(_ name: String, _ text: String) throws {
        try write(name, Array(text.utf8))
    }

    func remove(_ name: String) throws {
        try FileManager.default.removeItem(atPath: "\(directory)/\(name)")
    }

    /// Replaces text in one of the small files; the text must be there.
    func replace(_ old: String, by new: String, in name: String) throws {
        let text = String(decoding: try Fixtures.bytes("\(directory)/\(name)"), as: UTF8.self)
        try #require(text.contains(old))
        try write(name, text.replacingOccurrences(of: old, with: new))
    }
}

/// A safetensors file put together byte by byte.
struct Container {
    var header: String
    var data: [UInt8]

    var bytes: [UInt8] {
        withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) } + Array(header.utf8) + data
    }
}

/// The kind of error that `body` throws, or `nil` when it returns.
func errorKind(_ body: () throws -> Void) -> ErrorKind? {
    do {
        try body()
        return nil
    } catch let error as DatabaseError {
        return error.kind
    } catch {
        Issue.record("untyped error: \(error)")
        return nil
    }
}

func cosine(_ left: [Float], _ right: [Float]) -> Double {
    precondition(left.count == right.count)
    var (dot, a, b) = (0.0, 0.0, 0.0)
    for (x, y) in zip(left, right) {
        dot += Double(x) * Double(y)
        a += Double(x) * Double(x)
        b += Double(y) * Double(y)
    }
    return dot / (a.squareRoot() * b.squareRoot())
}

func floats(base64: String) throws -> [Float] {
    let data = try #require(Data(base64Encoded: base64))
    return stride(from: 0, to: data.count, by: 4).map { offset in
        Float(bitPattern: data[offset..<offset + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
    }
}
