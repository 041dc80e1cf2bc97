import CNeedleKernels

/// CRC-32C (Castagnoli, RFC 3720), the checksum of every file format here.
///
/// Computed by the best kernel of the processor. Catches every burst of up to 32 bits and any other damage
/// but one in four thousand million; it is no protection against intent.
package enum CRC32C {
    private static let kernel = nk_select(UInt32(NK_BEST)).pointee.crc32c

    /// The checksum of `bytes`, or of what came before them and `bytes`.
    ///
    /// - Parameter seed: 0, or the checksum of the bytes before these.
    package static func checksum(_ bytes: UnsafeRawBufferPointer, seed: UInt32 = 0) -> UInt32 {
        guard let base = bytes.baseAddress else { return seed }
        return kernel(seed, base, bytes.count)
    }

    package static func checksum(_ bytes: RawSpan, seed: UInt32 = 0) -> UInt32 {
        bytes.withUnsafeBytes { checksum($0, seed: seed) }
    }

    package static func checksum(_ bytes: [UInt8], seed: UInt32 = 0) -> UInt32 {
        bytes.withUnsafeBytes { checksum($0, seed: seed) }
    }
}
