// The one place that calls liblz4: single blocks (LZ4 block format, https://lz4.org), no frames, no state.

import CLZ4

/// Compression of one block, where it pays.
enum LZ4Block {
    /// A compressed copy of `bytes`, or `nil` when it would not save an eighth: vectors and codes hardly shrink,
    /// and what is stored as it is costs its reader nothing.
    static func compressed(_ bytes: RawSpan) -> [UInt8]? {
        let limit = bytes.byteCount - bytes.byteCount / 8 - 1
        guard limit > 0 else { return nil }
        let result = [UInt8](unsafeUninitializedCapacity: limit) { target, initialized in
            // SAFETY: liblz4 writes at most `limit` bytes and answers 0 when they do not suffice.
            initialized = bytes.withUnsafeBytes { source in
                target.withMemoryRebound(to: CChar.self) { target in
                    source.withMemoryRebound(to: CChar.self) { source in
                        Int(
                            LZ4_compress_default(
                                source.baseAddress, target.baseAddress, Int32(source.count), Int32(limit)))
                    }
                }
            }
        }
        return result.isEmpty ? nil : result
    }

    /// The `count` bytes that `block` holds, `nil` if it holds anything else. Safe on hostile input: never reads
    /// or writes out of bounds, never takes more memory than `count`.
    static func decompressed(_ block: RawSpan, count: Int) -> [UInt8]? {
        let result = [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
            // SAFETY: liblz4's "safe" decoder reads only the source and writes at most `count` bytes; it answers
            // a negative number for anything malformed.
            let written = block.withUnsafeBytes { source in
                target.withMemoryRebound(to: CChar.self) { target in
                    source.withMemoryRebound(to: CChar.self) { source in
                        LZ4_decompress_safe(
                            source.baseAddress, target.baseAddress, Int32(source.count), Int32(count))
                    }
                }
            }
            initialized = max(0, Int(written))
        }
        return result.count == count ? result : nil
    }
}
