import NeedleCore
import NeedleStorage
import SimulationKit
import Testing

@Suite struct DeletionFileTests {
    private func file(_ rowCount: Int, _ rows: [UInt32]) -> DeletionFile {
        DeletionFile(
            incarnation: SegmentSample.incarnation, segmentID: 4, lsn: LSN(77), rowCount: rowCount, rows: rows
        )
    }

    private func read(_ disk: SimulatedFileSystem, rowCount: Int = 1000) throws(DatabaseError) -> DeletionFile
    {
        try DeletionFile.read(
            disk, path: "d", incarnation: SegmentSample.incarnation, segmentID: 4, rowCount: rowCount)
    }

    @Test func listsAndBitmapsComeBackAndTheSmallerIsTaken() throws {
        for rows in [
            [], [0], [999], [0, 63, 64, 127, 128, 999], Array(0..<1000),
            Array(stride(from: 1, to: 1000, by: 2)),
        ] {
            let disk = SimulatedFileSystem()
            let file = file(1000, rows.map { UInt32($0) })
            try file.write(disk, path: "d")
            #expect(try read(disk) == file)
            #expect(file.encoded().count <= 84 + min(rows.count * 4, 128))
        }
    }

    @Test func everyFlippedByteAndTruncationIsFound() throws {
        for rows in [[3, 5, 500], Array(0..<200)] {
            let bytes = file(1000, rows.map { UInt32($0) }).encoded()
            for offset in bytes.indices {
                var damaged = bytes
                damaged[offset] ^= 0x10
                #expect(throws: DatabaseError.self) { try DeletionFile(decoding: damaged, file: "d") }
                #expect(throws: DatabaseError.self) {
                    try DeletionFile(decoding: Array(bytes[..<offset]), file: "d")
                }
            }
        }
    }

    @Test func theDeletionsOfAnotherSegmentAreRefused() throws {
        let disk = SimulatedFileSystem()
        try file(1000, [1]).write(disk, path: "d")
        #expect(throws: DatabaseError.self) { try read(disk, rowCount: 999) }
        #expect(throws: DatabaseError.self) {
            try DeletionFile.read(
                disk, path: "d", incarnation: SegmentSample.incarnation, segmentID: 5, rowCount: 1000)
        }
    }
}
