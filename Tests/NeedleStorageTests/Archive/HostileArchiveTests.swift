import NeedleCore
import NeedleStorage
import SimulationKit
import Testing

/// Archives that are cut off, altered, newer or made to do harm: refused, with the place.
@Suite struct HostileArchiveTests {
    private let good: [UInt8]

    init() throws {
        good = try ArchiveSample.small.archive()
        try #require(refusal(of: good) == nil)
    }

    @Test func truncatedAtEveryByte() throws {
        for length in good.indices {
            let error = try #require(refusal(of: Array(good[..<length])), "cut to \(length)")
            #expect(error.kind == .corruption && error.at == "archive:\(length)")
        }
    }

    @Test func everyBitOfEveryByteFlipped() throws {
        for offset in good.indices {
            for bit in 0..<8 {
                var bytes = good
                bytes[offset] ^= 1 << UInt8(bit)
                let error = try #require(refusal(of: bytes), "byte \(offset), bit \(bit)")
                #expect(
                    error.kind == .corruption || (8..<16).contains(offset) && error.kind == .storageFailed)
            }
        }
    }

    @Test(arguments: [1, 4_096]) func trailingBytes(count: Int) {
        let error = refusal(of: good + [UInt8](repeating: 0, count: count))
        #expect(error?.kind == .corruption && error?.at == "archive:\(good.count)")
        #expect(error?.message.contains("behind the archive's end") == true)
    }

    @Test func twoArchivesAreNotOne() {
        #expect(refusal(of: good + good)?.kind == .corruption)
    }

    @Test func anotherFile() {
        #expect(
            refusal(of: Array(#"{"id":1,"vector":[1,2]}"#.utf8) + good)?.message.contains("not a") == true)
        #expect(refusal(of: [])?.message.contains("too early") == true)
    }

    @Test func newerFormats() {
        var newer = HandmadeArchive.small
        newer.version = 2
        #expect(refusal(of: newer.bytes)?.kind == .storageFailed)
        #expect(refusal(of: newer.bytes)?.message.contains("archive format 2") == true)
        var featured = HandmadeArchive.small
        featured.features = 4
        #expect(refusal(of: featured.bytes)?.message.contains("features 0x4") == true)
        #expect(refusal(of: HandmadeArchive.small.bytes) == nil, "by itself the handmade one is right")
    }

    @Test(arguments: [
        "../evil", "..", ".", "a/b", "/etc/passwd", "", ".hidden", "a\\b", "a\0b", "ä", "a b", "LOCK\n",
        String(repeating: "x", count: 201),
    ])
    func namesThatAreNotPlain(name: String) {
        var archive = HandmadeArchive.small
        archive.files[0].name = name
        let error = refusal(of: archive.bytes)
        #expect(error?.kind == .corruption && error?.at == "archive:36", "\(name): \(error as Any)")
    }

    @Test func namesThatComeTwiceOrInAnotherOrder() {
        var archive = HandmadeArchive.small
        archive.files[1].name = archive.files[0].name
        #expect(refusal(of: archive.bytes)?.message.contains("comes twice") == true)
        archive.files[1].name = "A"
        archive.files[0].name = "B"
        #expect(refusal(of: archive.bytes)?.message.contains("order of names") == true)
    }

    @Test func sizesThatLie() {
        func check(_ what: String, _ change: (inout HandmadeArchive) -> Void) {
            var archive = HandmadeArchive.small
            change(&archive)
            let error = refusal(of: archive.bytes)
            #expect(error?.kind == .corruption, "\(what): \(error as Any)")
        }
        check("content in all") { $0.contentBytes = 1 }
        check("content in all, huge") { $0.contentBytes = 1 << 62 }
        check("no size") { $0.contentBytes = .max }
        check("a file longer than its frames") { $0.files[0].byteCount = 100 }
        check("a file shorter than its frames") { $0.files[0].byteCount = 1 }
        check("an empty file with a frame") { $0.files[0].byteCount = 0 }
        check("two files that overflow together") {
            $0.files[0].byteCount = 1 << 62
            $0.files[1].byteCount = 1 << 62
        }
        check("more entries than there are") { $0.entries = 3 }
        check("fewer entries than there are") { $0.entries = 1 }
        check("more entries than any archive has") { $0.entries = .max }
        check("a longer directory") { $0.directoryBytes = 500 }
        check("a directory of gigabytes") { $0.directoryBytes = .max }
        check("no directory") { $0.directoryBytes = 0 }
        check("another content") { $0.files[1].content = [9] }
    }

    /// The claim alone is refused, before anything is written.
    @Test func moreThanThereIsRoomFor() {
        var archive = HandmadeArchive.small
        archive.files[0].byteCount = 1 << 50
        archive.contentBytes = nil
        let error = refusal(of: archive.bytes, room: 1 << 40)
        #expect(error?.kind == .diskFull && error?.message.contains("\(1 << 50 + 2)") == true)
        #expect(refusal(of: HandmadeArchive.small.bytes, room: 4) == nil)
        #expect(refusal(of: HandmadeArchive.small.bytes, room: 3)?.kind == .diskFull)
    }

    /// A frame gives at most 64 KiB, whatever its LZ4 block could be blown up to.
    @Test func decompressionBombs() {
        func check(_ what: String, _ content: UInt32, _ stored: [UInt8], byteCount: UInt64) {
            var archive = HandmadeArchive.small
            archive.files[0].byteCount = byteCount
            archive.files[0].frame = (content, stored)
            archive.contentBytes = nil
            let error = refusal(of: archive.bytes)
            #expect(error?.kind == .corruption, "\(what): \(error as Any)")
        }
        // A literal byte, then a match of 15 + 255 * n bytes.
        let bomb: [UInt8] = [0x1F, 0x61, 1, 0] + [UInt8](repeating: 255, count: 4_000) + [0, 0x10, 0x61]
        check("longer than a frame", 1 << 20, bomb, byteCount: 1 << 20)
        check("more than it says", 65_536, bomb, byteCount: 65_536)
        check("less than it says", 65_536, [0x10, 0x61], byteCount: 65_536)
        check("looks back behind its beginning", 100, [0x1F, 0x61, 9, 0, 80, 0x10, 0x61], byteCount: 100)
        check("ends inside", 100, [0xF0], byteCount: 100)
        check("nothing stored", 100, [], byteCount: 100)
        check("more stored than content", 2, [0x30, 1, 2, 3], byteCount: 2)
        check("an empty frame", 0, [], byteCount: 2)
    }

    /// Cut out of any place of a good archive and put into any other: a cheap fuzz, with a seed.
    @Test func splicedArchives() {
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<3_000 {
            var bytes = good
            let from = Int.random(in: 0..<good.count, using: &generator)
            let length = Int.random(in: 1...min(64, good.count - from), using: &generator)
            let to = Int.random(in: 0...(good.count - length), using: &generator)
            bytes.replaceSubrange(to..<(to + length), with: good[from..<(from + length)])
            #expect(refusal(of: bytes) != nil || bytes == good)
        }
    }
}

/// An archive whose every number can be a lie, with checksums that are right.
private struct HandmadeArchive {
    struct File {
        var name: String
        var content: [UInt8]
        /// What the directory's SHA-256 is of.
        var announced: [UInt8]
        /// What the directory says; `nil` tells the truth.
        var byteCount: UInt64?
        /// What the frame says it holds, and what is stored in it.
        var frame: (content: UInt32, stored: [UInt8])?

        init(name: String, content: [UInt8]) {
            self.name = name
            self.content = content
            announced = content
        }
    }

    var version: UInt32 = 1
    var features: UInt32 = 0
    var entries: UInt32?
    var directoryBytes: UInt32?
    var contentBytes: UInt64?
    var files: [File]

    static let small = HandmadeArchive(files: [
        File(name: "one", content: [1, 2]), File(name: "two", content: [3, 4]),
    ])

    private func hash(of bytes: [UInt8]) -> [UInt8] {
        let digits = Array(ContentHash.hex(of: bytes))
        return stride(from: 0, to: digits.count, by: 2).compactMap {
            UInt8(String(digits[$0...($0 + 1)]), radix: 16)
        }
    }

    var bytes: [UInt8] {
        var table = ByteWriter()
        for file in files {
            table.append(UInt8(truncatingIfNeeded: file.name.utf8.count))
            table.append(bytes: Array(file.name.utf8))
            table.append(file.byteCount ?? UInt64(file.content.count))
            table.append(bytes: hash(of: file.announced))
        }
        table.append(CRC32C.checksum(table.bytes))
        var head = ByteWriter()
        head.append(bytes: Array("NTARC".utf8) + [0, 13, 10])
        head.append(version)
        head.append(features)
        head.append(entries ?? UInt32(files.count))
        head.append(directoryBytes ?? UInt32(table.count))
        head.append(
            contentBytes ?? files.reduce(0) { $0 &+ ($1.byteCount ?? UInt64($1.content.count)) })
        head.append(CRC32C.checksum(head.bytes))
        head.append(bytes: table.bytes)
        let digest = hash(of: head.bytes)
        for file in files {
            let frame = file.frame ?? (UInt32(file.content.count), file.content)
            var lengths = ByteWriter()
            lengths.append(frame.content)
            lengths.append(UInt32(frame.stored.count))
            head.append(bytes: lengths.bytes)
            head.append(CRC32C.checksum(frame.stored, seed: CRC32C.checksum(lengths.bytes)))
            head.append(bytes: frame.stored)
        }
        head.append(bytes: Array("NTEND".utf8) + [0, 13, 10])
        head.append(bytes: digest)
        return head.bytes
    }
}
