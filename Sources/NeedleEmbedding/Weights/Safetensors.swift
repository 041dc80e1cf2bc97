// The safetensors container: 8 bytes of little-endian header length, a JSON header that names tensors with
// dtype, shape and byte range, then the bytes. (https://github.com/huggingface/safetensors, "Format")
//
// Nothing in the file is believed: lengths, products and offsets are checked before they are used, so that a
// truncated, damaged or hostile file ends in a `corruption` error that names the place, never in a trap.

package import NeedleCore

/// A parsed weights file, held in memory as it was read. Immutable; safe from any thread.
package struct Safetensors: Sendable {
    /// How the numbers of a tensor are stored. Other types of the format are refused when such a tensor is
    /// read.
    package enum ElementType: String, Sendable {
        case float32 = "F32"
        case float16 = "F16"
        case bfloat16 = "BF16"

        var size: Int { self == .float32 ? 4 : 2 }
    }

    struct Tensor: Sendable {
        var type: String
        var shape: [Int]
        /// Within the whole file.
        var bytes: Range<Int>
    }

    /// Headers beyond this are refused, as the reference implementation does.
    private static let maximumHeader = 100_000_000
    private static let maximumRank = 8
    /// Bytes per element of every type the format knows, to check that offsets agree with shapes.
    private static let sizes: [String: Int] = [
        "F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2,
        "I8": 1, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1,
    ]

    private let contents: [UInt8]
    private let file: String
    let tensors: [String: Tensor]

    package var names: [String] { tensors.keys.sorted() }

    /// O(header).
    ///
    /// - Parameter file: the name used in errors.
    /// - Throws: `corruption` when the container is not sound.
    package init(_ contents: [UInt8], file: String) throws(DatabaseError) {
        func damaged(_ offset: Int, _ what: String) -> DatabaseError {
            DatabaseError.corruption(file: file, offset: offset, what: what)
        }
        guard contents.count >= 8 else {
            throw damaged(contents.count, "shorter than its 8-byte header length")
        }
        let length = contents[..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length <= Self.maximumHeader, length <= contents.count - 8 else {
            throw damaged(0, "the header claims \(length) bytes, the file has \(contents.count - 8) more")
        }
        let data = 8 + Int(length)
        let header: JSONValue
        do throws(JSONError) {
            header = try JSONValue(parsing: contents.span.extracting(8..<data))
        } catch {
            throw damaged(8 + error.offset, "the header is not sound JSON: \(error.message)")
        }
        guard case .object(let members) = header else { throw damaged(8, "the header is not an object") }

        var tensors: [String: Tensor] = [:]
        for member in members where member.name != "__metadata__" {
            let tensor = try Self.tensor(
                member.value, named: member.name, data: data, end: contents.count, file: file)
            guard tensors.updateValue(tensor, forKey: member.name) == nil else {
                throw damaged(8, "tensor \(member.name) comes twice")
            }
        }
        // Every byte belongs to exactly one tensor: no gaps, no overlaps, nothing behind the last one.
        var expected = data
        for (name, tensor) in tensors.sorted(by: {
            ($0.value.bytes.lowerBound, $0.value.bytes.upperBound)
                < ($1.value.bytes.lowerBound, $1.value.bytes.upperBound)
        }) {
            guard tensor.bytes.lowerBound == expected else {
                throw damaged(tensor.bytes.lowerBound, "tensor \(name) overlaps another or leaves a gap")
            }
            expected = tensor.bytes.upperBound
        }
        guard expected == contents.count else {
            throw damaged(expected, "\(contents.count - expected) bytes belong to no tensor")
        }
        self.contents = contents
        self.file = file
        self.tensors = tensors
    }

    private static func tensor(
        _ value: JSONValue, named name: String, data: Int, end: Int, file: String
    ) throws(DatabaseError) -> Tensor {
        func damaged(_ what: String) -> DatabaseError {
            DatabaseError.corruption(file: file, offset: 8, what: "tensor \(name): \(what)")
        }
        guard case .object = value, case .string(let type)? = value["dtype"],
            let shape = value["shape"]?.sizes, let offsets = value["data_offsets"]?.sizes, offsets.count == 2
        else { throw damaged("dtype, shape or data_offsets are missing or of the wrong kind") }
        guard let size = sizes[type] else { throw damaged("unknown dtype \(type)") }
        guard shape.count <= maximumRank else { throw damaged("\(shape.count) dimensions") }
        var byteCount = size
        for extent in shape {
            let (product, overflow) = byteCount.multipliedReportingOverflow(by: extent)
            guard !overflow else { throw damaged("its shape overflows") }
            byteCount = product
        }
        guard offsets[0] <= offsets[1], offsets[1] <= end - data else {
            throw damaged(
                "data_offsets \(offsets[0])…\(offsets[1]) lie outside the \(end - data) bytes of data")
        }
        guard offsets[1] - offsets[0] == byteCount else {
            throw damaged(
                "shape and dtype need \(byteCount) bytes, data_offsets give \(offsets[1] - offsets[0])")
        }
        return Tensor(type: type, shape: shape, bytes: data + offsets[0]..<data + offsets[1])
    }

    /// A tensor's numbers in row-major order, widened to float32. O(elements).
    ///
    /// - Throws: `corruption` when it is absent, not of `shape`, of no float type, or holds NaN or infinity.
    package func floats(_ name: String, shape: [Int]) throws(DatabaseError) -> [Float] {
        guard let tensor = tensors[name] else {
            throw DatabaseError.corruption(file: file, offset: 8, what: "tensor \(name) is missing")
        }
        func damaged(_ what: String) -> DatabaseError {
            DatabaseError.corruption(
                file: file, offset: tensor.bytes.lowerBound, what: "tensor \(name): \(what)")
        }
        guard tensor.shape == shape else { throw damaged("shape \(tensor.shape), expected \(shape)") }
        guard let type = ElementType(rawValue: tensor.type) else {
            throw damaged("dtype \(tensor.type); F32, F16 and BF16 are accepted")
        }
        let count = tensor.bytes.count / type.size
        let result = contents.withUnsafeBytes { all in
            // SAFETY: `tensor.bytes` was checked to lie within `contents`; loads are unaligned.
            let source = UnsafeRawBufferPointer(rebasing: all[tensor.bytes])
            return [Float](unsafeUninitializedCapacity: count) { target, initialized in
                Self.widen(source, type, into: target)
                initialized = count
            }
        }
        guard Self.isFinite(result) else { throw damaged("holds NaN or infinity") }
        return result
    }

    private static func widen(
        _ source: UnsafeRawBufferPointer, _ type: ElementType, into target: UnsafeMutableBufferPointer<Float>
    ) {
        func word(_ index: Int) -> UInt16 {
            UInt16(littleEndian: source.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self))
        }
        switch type {
        case .float32:
            // Little-endian like every platform this builds on.
            UnsafeMutableRawBufferPointer(target).copyMemory(from: source)
        case .float16:
            for index in target.indices {
                target.initializeElement(at: index, to: HalfFloat.widen(word(index)))
            }
        case .bfloat16:
            for index in target.indices {
                target.initializeElement(at: index, to: Float(bitPattern: UInt32(word(index)) << 16))
            }
        }
    }

    private static func isFinite(_ values: [Float]) -> Bool {
        values.withUnsafeBufferPointer { values in
            var isBad = false
            for index in 0..<values.count {
                isBad = isBad || values[index].bitPattern & 0x7F80_0000 == 0x7F80_0000
            }
            return !isBad
        }
    }
}

/// IEEE 754 binary16 by bits: `Float16` is not available on every platform this builds on.
enum HalfFloat {
    static func widen(_ bits: UInt16) -> Float {
        let sign = UInt32(bits & 0x8000) << 16
        let exponent = UInt32(bits >> 10 & 0x1F)
        let fraction = UInt32(bits & 0x3FF)
        switch exponent {
        case 0:
            let magnitude = Float(fraction) * 0x1p-24
            return sign == 0 ? magnitude : -magnitude
        case 31: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
        default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
        }
    }
}

extension JSONValue {
    /// An array of non-negative integers.
    fileprivate var sizes: [Int]? {
        guard case .array(let values) = self else { return nil }
        var result: [Int] = []
        for value in values {
            guard let size = value.unsignedValue.flatMap({ Int(exactly: $0) }) else { return nil }
            result.append(size)
        }
        return result
    }
}
