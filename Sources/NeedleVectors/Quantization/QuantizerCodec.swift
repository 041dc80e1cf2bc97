// A quantizer as bytes: the section `quantizer` of a segment (docs/format/segment.md).

import CNeedleKernels
package import NeedleCore

extension Quantizer {
    /// Bytes in front of the centre, and of the checksum behind it.
    private static let scalarBytes = 24
    private static let checksumBytes = 4

    /// The section's bytes: little-endian words, the centre, and a CRC-32C over all before it.
    package var serialized: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.scalarBytes + 4 * layout.dimension + Self.checksumBytes)
        func append(_ value: some FixedWidthInteger) {
            withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
        }
        append(kind.rawValue)
        append(UInt32(layout.dimension))
        append(UInt32(transform.metric.rawValue))
        append(UInt32(planes))
        append(transform.seed)
        for element in transform.centre { append(element.bitPattern) }
        append(bytes.withUnsafeBytes(Self.checksum))
        return bytes
    }

    /// The quantizer whose `serialized` bytes these are.
    ///
    /// - Parameter file: named in the error.
    /// - Throws: `corruption` for anything that `serialized` does not give.
    package init(serialized bytes: UnsafeRawBufferPointer, file: String) throws(DatabaseError) {
        func damaged(_ offset: Int, _ what: String) -> DatabaseError {
            .corruption(file: file, offset: offset, what: "quantizer: \(what)")
        }
        func word(_ offset: Int) -> UInt32 {
            UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        }
        let least = Self.scalarBytes + Self.checksumBytes
        guard bytes.count >= least else { throw damaged(0, "cut short") }
        guard let kind = CodeKind(rawValue: word(0)) else { throw damaged(0, "kind \(word(0))") }
        let dimension = Int(word(4))
        guard (1...Limits().dimensions).contains(dimension) else {
            throw damaged(4, "\(dimension) dimensions")
        }
        guard bytes.count == least + 4 * dimension else { throw damaged(4, "\(bytes.count) bytes") }
        let end = bytes.count - Self.checksumBytes
        guard Self.checksum(UnsafeRawBufferPointer(rebasing: bytes[..<end])) == word(end) else {
            throw damaged(end, "the checksum is another one")
        }
        guard let code = UInt8(exactly: word(8)), let metric = Metric(rawValue: code) else {
            throw damaged(8, "metric \(word(8))")
        }
        let planes = Int(word(12))
        guard kind == .binary ? (1...8).contains(planes) : planes == 0 else {
            throw damaged(12, "\(planes) bit planes")
        }
        let seed = UInt64(word(16)) | UInt64(word(20)) << 32
        let centre = (0..<dimension).map { Float(bitPattern: word(Self.scalarBytes + 4 * $0)) }
        if let place = centre.firstIndex(where: { !$0.isFinite }) {
            throw damaged(Self.scalarBytes + 4 * place, "the centre is not finite")
        }
        self.init(
            transform: SpaceTransform(dimension: dimension, metric: metric, seed: seed, centre: centre),
            kind: kind, planes: kind == .binary ? planes : Self.defaultPlanes)
    }

    private static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        guard let first = bytes.baseAddress else { return 0 }
        // SAFETY: the kernel reads `bytes.count` bytes.
        return DistanceKernels.best.table.pointee.crc32c(0, first, bytes.count)
    }
}
