// Reading test vectors: NumPy files of float16 or float32 (version 1, C order), and .fbin (u32 rows, u32
// columns, floats).

import Glibc

/// Vectors of a file, row after row.
package struct VectorFile {
    package let rows: Int
    package let dimension: Int
    package let values: [Float]

    package struct Unreadable: Error, CustomStringConvertible {
        package let description: String
    }

    package init(path: String) throws {
        let bytes = try Self.contents(of: path)
        if path.hasSuffix(".fbin") {
            let counts = bytes.withUnsafeBytes { raw in
                (raw.loadUnaligned(as: UInt32.self), raw.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
            }
            rows = Int(counts.0)
            dimension = Int(counts.1)
            values = Self.floats(bytes, from: 8, count: rows * dimension, half: false)
        } else {
            let length = Int(bytes[8]) | Int(bytes[9]) << 8
            let header = String(decoding: bytes[10..<10 + length], as: UTF8.self)
            guard header.contains("'<f2'") || header.contains("'<f4'"), header.contains("False"),
                let open = header.lastIndex(of: "("), let close = header.lastIndex(of: ")")
            else { throw Unreadable(description: "\(path): not a C-ordered float array: \(header)") }
            let shape = header[header.index(after: open)..<close].split(separator: ",")
                .compactMap { Int($0.filter(\.isNumber)) }
            guard shape.count == 2 else { throw Unreadable(description: "\(path): not a matrix") }
            rows = shape[0]
            dimension = shape[1]
            values = Self.floats(
                bytes, from: 10 + length, count: rows * dimension, half: header.contains("'<f2'"))
        }
    }

    private static func floats(_ bytes: [UInt8], from offset: Int, count: Int, half: Bool) -> [Float] {
        precondition(bytes.count >= offset + count * (half ? 2 : 4), "the file is cut short")
        return bytes.withUnsafeBytes { raw in
            (0..<count).map { i in
                half
                    ? Float(
                        Float16(
                            bitPattern: raw.loadUnaligned(fromByteOffset: offset + 2 * i, as: UInt16.self)))
                    : raw.loadUnaligned(fromByteOffset: offset + 4 * i, as: Float.self)
            }
        }
    }

    private static func contents(of path: String) throws -> [UInt8] {
        guard let file = fopen(path, "rb") else { throw Unreadable(description: "cannot open \(path)") }
        defer { fclose(file) }
        fseek(file, 0, SEEK_END)
        let size = ftell(file)
        rewind(file)
        return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            count = fread(buffer.baseAddress, 1, size, file)
        }
    }
}
