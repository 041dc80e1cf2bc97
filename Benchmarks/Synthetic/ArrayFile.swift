// Writing a NumPy file of format version 1.0 piece by piece: header first, then rows, never the whole in memory.

import Glibc

/// A two-dimensional array file of little-endian float32 or float16 values in C order, being written.
final class ArrayFile {
    struct Failed: Error, CustomStringConvertible {
        let description: String
    }

    private let file: UnsafeMutablePointer<FILE>
    private let path: String
    private let half: Bool
    private var halves: [Float16] = []

    init(path: String, rows: Int, columns: Int, half: Bool) throws {
        guard let file = fopen(path, "wb") else {
            throw Failed(description: "cannot write \(path): \(String(cString: strerror(errno)))")
        }
        self.file = file
        self.path = path
        self.half = half
        let kind = half ? "<f2" : "<f4"
        var header = "{'descr': '\(kind)', 'fortran_order': False, 'shape': (\(rows), \(columns)), }"
        // Magic, version and length take ten bytes; the data begin at a multiple of 64.
        header += String(repeating: " ", count: 63 - (10 + header.utf8.count) % 64) + "\n"
        let length = header.utf8.count
        let magic: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 255), UInt8(length >> 8)]
        try write(magic)
        try write(Array(header.utf8))
    }

    func append(_ row: [Float]) throws {
        guard half else { return try write(row) }
        halves.removeAll(keepingCapacity: true)
        halves.append(contentsOf: row.lazy.map { Float16($0) })
        try write(halves)
    }

    /// Ends the file; without it the last rows may be missing.
    func close() throws {
        guard fclose(file) == 0 else { throw failure() }
    }

    private func write<Element: BitwiseCopyable>(_ values: [Element]) throws {
        let written = fwrite(values, MemoryLayout<Element>.stride, values.count, file)
        guard written == values.count else { throw failure() }
    }

    private func failure() -> Failed {
        Failed(description: "writing \(path) failed: \(String(cString: strerror(errno)))")
    }
}
