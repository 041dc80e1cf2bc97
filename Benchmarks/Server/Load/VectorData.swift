// The data set of a run, used where it lies in the file: NumPy (version 1, C order, float16 or float32) and .fbin (u32
// rows, u32 columns, floats). The first rows are queries and are not stored in the collection.

import Glibc

struct Failure: Error, CustomStringConvertible {
    let description: String
}

/// A mapped matrix. Rows are copied out as float32.
final class VectorData: Sendable {
    let rows: Int
    let dimension: Int
    private let half: Bool
    // SAFETY: the mapping is read-only, lives as long as the process, and `init` has checked its size.
    private nonisolated(unsafe) let values: UnsafeRawPointer

    init(path: String) throws {
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else { throw Failure(description: "cannot open \(path)") }
        defer { close(descriptor) }
        let size = Int(lseek(descriptor, 0, SEEK_END))
        guard size > 12, let base = mmap(nil, size, PROT_READ, MAP_SHARED, descriptor, 0), base != MAP_FAILED
        else { throw Failure(description: "cannot map \(path)") }
        let bytes = UnsafeRawBufferPointer(start: base, count: size)
        let offset: Int
        if path.hasSuffix(".fbin") {
            rows = Int(bytes.loadUnaligned(as: UInt32.self))
            dimension = Int(bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
            (offset, half) = (8, false)
        } else {
            offset = 10 + Int(bytes[8]) + Int(bytes[9]) << 8
            guard offset <= size else { throw Failure(description: "\(path): no NumPy file") }
            let header = String(decoding: bytes[10..<offset], as: UTF8.self)
            half = header.contains("'<f2'")
            guard half || header.contains("'<f4'"), header.contains("False"),
                let start = header.lastIndex(of: "("), let end = header.lastIndex(of: ")")
            else { throw Failure(description: "\(path): not a C-ordered float array: \(header)") }
            let shape = header[header.index(after: start)..<end].split(separator: ",")
                .compactMap { Int($0.filter(\.isNumber)) }
            guard shape.count == 2 else { throw Failure(description: "\(path): not a matrix") }
            (rows, dimension) = (shape[0], shape[1])
        }
        guard size >= offset + rows * dimension * (half ? 2 : 4) else {
            throw Failure(description: "\(path) is cut short")
        }
        values = UnsafeRawPointer(base) + offset
    }

    /// Copies one row to `output`, which has room for `dimension` values.
    func copy(_ row: Int, to output: UnsafeMutablePointer<Float>) {
        precondition((0..<rows).contains(row), "the file has \(rows) rows")
        if half {
            let source = values + row * dimension * 2
            for i in 0..<dimension {
                output[i] = Float(
                    Float16(bitPattern: source.loadUnaligned(fromByteOffset: i * 2, as: UInt16.self)))
            }
        } else {
            memcpy(output, values + row * dimension * 4, dimension * 4)
        }
    }

    func row(_ row: Int) -> [Float] {
        [Float](unsafeUninitializedCapacity: dimension) { buffer, count in
            if let base = buffer.baseAddress { copy(row, to: base) }
            count = dimension
        }
    }
}
