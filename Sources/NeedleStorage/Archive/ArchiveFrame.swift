import NeedleCore

/// A piece of a file's content: at most 64 KiB of it, with a checksum, compressed if that saves an eighth.
///
/// A frame can be made and read by itself, so neither side holds more than one.
enum ArchiveFrame {
    /// - Precondition: 1 to 65,536 bytes.
    static func encode(_ content: RawSpan, into output: inout ByteWriter) {
        precondition((1...ArchiveFormat.frameBytes).contains(content.byteCount), "content for one frame")
        let start = output.count
        output.append(UInt32(content.byteCount))
        if let block = LZ4Block.compressed(content) {
            output.append(UInt32(block.count))
            output.append(checksum(output.bytes, from: start, block.span.bytes))
            output.append(bytes: block)
        } else {
            output.append(UInt32(content.byteCount))
            output.append(checksum(output.bytes, from: start, content))
            output.append(bytes: content)
        }
    }

    private static func checksum(_ written: [UInt8], from start: Int, _ stored: RawSpan) -> UInt32 {
        let lengths = written.span.bytes.extracting(start..<(start + 8))
        return CRC32C.checksum(stored, seed: CRC32C.checksum(lengths))
    }

    /// The twelve bytes before what is stored.
    struct Head {
        let contentBytes: Int
        let storedBytes: Int
        private let checksum: UInt32
        private let lengthsChecksum: UInt32

        /// - Parameters:
        ///   - bytes: exactly twelve.
        ///   - remaining: bytes of the file that have not come yet.
        ///   - origin: where in the archive the frame lies.
        init(decoding bytes: [UInt8], remaining: Int, file: String, origin: Int) throws(DatabaseError) {
            var reader = ByteReader(bytes.span.bytes, file: file, origin: origin)
            contentBytes = Int(try reader.readUInt32())
            storedBytes = Int(try reader.readUInt32())
            lengthsChecksum = CRC32C.checksum(bytes.span.bytes.extracting(0..<8))
            checksum = try reader.readUInt32()
            // All frames of a file are full but the last: there is one way to write an archive's frames.
            let expected = min(remaining, ArchiveFormat.frameBytes)
            guard contentBytes == expected else {
                throw .corruption(
                    file: file, offset: origin, what: "a frame of \(contentBytes) bytes, \(expected) expected"
                )
            }
            guard storedBytes >= 1, storedBytes <= contentBytes else {
                throw .corruption(
                    file: file, offset: origin + 4,
                    what: "\(storedBytes) bytes stored for \(contentBytes) of content")
            }
        }

        /// The content of the frame.
        func content(of stored: [UInt8], file: String, origin: Int) throws(DatabaseError) -> [UInt8] {
            guard CRC32C.checksum(stored, seed: lengthsChecksum) == checksum else {
                throw .corruption(file: file, offset: origin, what: "the frame's checksum is wrong")
            }
            guard storedBytes < contentBytes else { return stored }
            guard let content = LZ4Block.decompressed(stored.span.bytes, count: contentBytes) else {
                throw .corruption(
                    file: file, offset: origin, what: "no LZ4 block of \(contentBytes) bytes")
            }
            return content
        }
    }
}
