import NeedleCore
import NeedleStorage
import SimulationKit
import Testing

@Suite struct PayloadFileTests {
    static let rowCount = 70_000

    static var sample: PayloadFile {
        var file = PayloadFile(lsn: LSN(9))
        for (row, lsn, text) in [
            (7, 3, "{}"), (69_999, 3, #"{"a":1.50}"#), (0, 8, #"{"name":"é"}"#), (8, 9, #"{"b":[]}"#),
        ] as [(Int, UInt64, String)] {
            Array(text.utf8).withUnsafeBufferPointer { file.append(row: row, lsn: LSN(lsn), payload: $0) }
        }
        return file
    }

    static func write(_ file: PayloadFile, _ disk: some FileSystem, _ path: String) throws {
        try file.write(
            to: path, disk, incarnation: SegmentSample.incarnation, segmentID: 4, rowCount: rowCount)
    }

    static func read(_ disk: some FileSystem, _ path: String) throws -> PayloadFile {
        try PayloadFile.read(
            disk, path: path, incarnation: SegmentSample.incarnation, segmentID: 4, rowCount: rowCount)
    }

    @Test func whatIsWrittenIsRead() throws {
        let disk = SimulatedFileSystem()
        try Self.write(Self.sample, disk, "p")
        let file = try Self.read(disk, "p")
        #expect(file == Self.sample)
        #expect(Array(file.payload(at: 1)) == Array(#"{"a":1.50}"#.utf8))
        let alone = try PayloadFile.read(disk, path: "p")
        #expect(alone.file == file && alone.segmentID == 4 && alone.rowCount == Self.rowCount)
    }

    @Test func namesSayWhatTheyAre() {
        let name = PayloadFile.name(segmentID: 4, lsn: LSN(9))
        #expect(name == "000000000004-9.overlay" && PayloadFile.lsn(ofFile: name) == LSN(9))
        for other in ["000000000004-9.deletions", "000000000004.overlay", "000000000004-x.overlay"] {
            #expect(PayloadFile.lsn(ofFile: other) == nil)
        }
        #expect(FieldIndexFile.name(segmentID: 4, index: LSN(9)) == "000000000004-9.fields")
        let known = FieldIndexFile.name(segmentID: 4, index: LSN(9), knownLSN: LSN(12))
        #expect(known == "000000000004-9-12.fields" && FieldIndexFile.index(ofFile: known) == LSN(9))
    }

    @Test func anotherSegmentsFileIsRefused() throws {
        let disk = SimulatedFileSystem()
        try Self.write(Self.sample, disk, "p")
        let other = #expect(throws: DatabaseError.self) {
            try PayloadFile.read(
                disk, path: "p", incarnation: SegmentSample.incarnation, segmentID: 5,
                rowCount: Self.rowCount)
        }
        #expect(other?.kind == .corruption)
    }

    @Test func everyFlippedByteIsFound() throws {
        let disk = SimulatedFileSystem()
        try Self.write(Self.sample, disk, "p")
        let whole = try #require(disk.content(of: "p"))
        for offset in whole.indices {
            let damaged = SimulatedFileSystem()
            var bytes = whole
            bytes[offset] ^= 0x10
            damaged.put(bytes, at: "p")
            // Between the parts of a file lie bytes that mean nothing; their block's checksum is not asked.
            do {
                #expect(try Self.read(damaged, "p") == Self.sample, "byte \(offset)")
            } catch let error as DatabaseError {
                #expect(
                    error.kind == .corruption || error.message.contains("format"), "byte \(offset): \(error)")
            }
        }
    }

    /// Right checksums, wrong content.
    @Test func changesThatContradictEachOtherAreDamage() throws {
        let changes: [(inout PayloadFile) -> Void] = [
            { $0.rows[0] = UInt32(Self.rowCount) }, { $0.rows[1] = $0.rows[0] }, { $0.lsns[0] = 0 },
            { $0.lsns[3] = 10 }, { $0.lsns[1] = 9 }, { $0.offsets[1] = 1 }, { $0.offsets[4] += 1 },
            { $0.offsets[2] = .max }, { $0.rows.removeLast() }, { $0.lsns.append(9) }, { $0.offsets[0] = 1 },
        ]
        for (number, change) in changes.enumerated() {
            var file = Self.sample
            change(&file)
            let disk = SimulatedFileSystem()
            try Self.write(file, disk, "p")
            let error = #expect(throws: DatabaseError.self, "change \(number)") { try Self.read(disk, "p") }
            #expect(error?.kind == .corruption)
        }
    }
}
