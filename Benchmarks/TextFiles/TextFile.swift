import Glibc
package import NeedleCore

/// A file of one JSON object a line.
package struct TextFile {
    private let lines: [Substring]

    package init?(_ path: String) {
        guard let stream = fopen(path, "r") else { return nil }
        defer { fclose(stream) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = fread(&buffer, 1, buffer.count, stream)
            guard count > 0 else { break }
            bytes.append(contentsOf: buffer[..<count])
        }
        lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    }

    package func objects() throws -> [JSONValue] {
        try lines.map { try JSONValue(parsing: String($0)) }
    }

    /// The string of a key of every line; empty where there is none.
    package func texts(_ key: String) throws -> [String] {
        try objects().map { $0[key]?.stringValue ?? "" }
    }
}
