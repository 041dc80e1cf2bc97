import NeedleCore
import NeedleStorage
import SimulationKit
import Testing

@Suite struct ContentHashTests {
    /// FIPS 180-4, examples.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func knownHashes(text: String, hash: String) {
        #expect(ContentHash.hex(of: Array(text.utf8)) == hash)
        #expect(ContentHash.isHash(hash))
        #expect(!ContentHash.isHash(hash.uppercased()) || text == hash)
        #expect(!ContentHash.isHash(String(hash.dropLast())))
    }

    @Test func aFileIsHashedPieceByPiece() throws {
        let disk = SimulatedFileSystem()
        let bytes = (0..<(2 * ContentHash.pieceBytes + 77)).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        disk.put(bytes, at: "f")
        var pieces: [Int] = []
        let hash = try ContentHash.hex(ofFile: "f", disk) { (count) throws(DatabaseError) in
            pieces.append(count)
        }
        #expect(hash == ContentHash.hex(of: bytes))
        #expect(pieces == [ContentHash.pieceBytes, ContentHash.pieceBytes, 77])
        #expect(throws: DatabaseError(.cancelled, "enough")) {
            try ContentHash.hex(ofFile: "f", disk) { (_) throws(DatabaseError) in
                throw DatabaseError(.cancelled, "enough")
            }
        }
        #expect(disk.openHandleCount == 0)
    }
}
