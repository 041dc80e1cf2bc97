import NeedleStorage
import SimulationKit
import Testing

extension SimulatedFileSystem {
    /// Changes bytes of a segment file and puts the checksums of blocks, table and header right again.
    func forgeSegment(_ path: String, _ change: (inout [UInt8]) -> Void) throws {
        var bytes = try #require(content(of: path))
        change(&bytes)
        func put(_ value: UInt32, _ offset: Int) {
            withUnsafeBytes(of: value) { bytes.replaceSubrange(offset..<(offset + 4), with: $0) }
        }
        let (table, size) = bytes.withUnsafeBytes {
            (
                Int(truncatingIfNeeded: $0.loadUnaligned(fromByteOffset: 88, as: UInt64.self)),
                Int($0.loadUnaligned(fromByteOffset: 104, as: UInt32.self))
            )
        }
        for block in 0..<((table + size - 1) / size) {
            let start = block == 0 ? 4096 : block * size
            put(CRC32C.checksum(Array(bytes[start..<min(table, (block + 1) * size)])), table + 4 * block)
        }
        put(CRC32C.checksum(Array(bytes[table...])), 100)
        put(CRC32C.checksum(Array(bytes[..<4092])), 4092)
        try unlink(path)
        self.put(bytes, at: path)
    }
}
