import NeedleCore
import NeedleStorage
import SimulationKit
import Testing

/// Files whose checksums are right but whose numbers lie: made by hand, or by a bug. They must give
/// `corruption`.
@Suite struct HostileSegmentTests {
    private let path = "4.segment"

    /// Changes bytes and puts all checksums right again.
    private func forge(_ change: (inout [UInt8]) -> Void) throws -> SimulatedFileSystem {
        let disk = SimulatedFileSystem()
        try SegmentSample.golden.write(disk, path)
        var bytes = try #require(disk.content(of: path))
        change(&bytes)
        func word(_ offset: Int) -> Int {
            bytes.withUnsafeBytes {
                Int(truncatingIfNeeded: $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            }
        }
        func put(_ value: UInt32, _ offset: Int) {
            withUnsafeBytes(of: value) { bytes.replaceSubrange(offset..<(offset + 4), with: $0) }
        }
        let (directory, table) = (word(80), word(88))
        if directory >= 4096, directory <= table, table + 4 <= bytes.count {
            put(CRC32C.checksum(Array(bytes[directory..<table])), 96)
            for block in 0..<((bytes.count - table) / 4) where block * 8_192 < table {
                let start = block == 0 ? 4_096 : block * 8_192
                put(
                    CRC32C.checksum(Array(bytes[start..<min(table, start / 8_192 * 8_192 + 8_192)])),
                    table + 4 * block)
            }
            put(CRC32C.checksum(Array(bytes[table...])), 100)
        }
        put(CRC32C.checksum(Array(bytes[..<4092])), 4092)
        try disk.unlink(path)
        disk.put(bytes, at: path)
        return disk
    }

    private func set(_ bytes: inout [UInt8], _ offset: Int, _ value: UInt64) {
        withUnsafeBytes(of: value) { bytes.replaceSubrange(offset..<(offset + 8), with: $0) }
    }

    private func directoryOffset(_ bytes: [UInt8]) -> Int {
        bytes.withUnsafeBytes {
            Int(truncatingIfNeeded: $0.loadUnaligned(fromByteOffset: 80, as: UInt64.self))
        }
    }

    @Test func forgingItselfWorks() throws {
        #expect(try SegmentSample.golden.matches(try SegmentSample.open(try forge { _ in }, path)))
    }

    @Test(
        arguments: [40, 64, 72, 80, 88, 104, 256],
        [0, 1, 63, 5000, UInt64(UInt32.max), 1 << 40, 1 << 63, .max])
    func headerFieldsThatLie(field: Int, value: UInt64) throws {
        let disk = try forge { set(&$0, field, value) }
        do {
            #expect(try SegmentSample.golden.matches(try SegmentSample.open(disk, path)) == false)
        } catch {
            #expect(error.kind == .corruption, "\(error)")
        }
    }

    @Test(arguments: 0..<10, [4, 8, 16, 24, 32])
    func directoryEntriesThatLie(entry: Int, field: Int) throws {
        let values: [UInt64] = [0, 1, 64, 4096, 4160, 1 << 20, UInt64(UInt32.max), 1 << 62, .max]
        for value in values {
            var isSame = false
            let disk = try forge { bytes in
                let before = bytes
                set(&bytes, directoryOffset(bytes) + 64 * entry + field, value)
                isSame = bytes == before
            }
            do {
                let result = try SegmentSample.golden.matches(try SegmentSample.open(disk, path))
                // Reserved bytes may say anything to this version, and a section may be moved to a place
                // that fits.
                #expect(result || !isSame)
            } catch {
                #expect(error.kind == .corruption, "\(error)")
            }
        }
    }

    @Test func rowsThatPointOutside() throws {
        let probe = try SegmentSample.open(try forge { _ in }, path)
        func section(_ kind: SectionKind) throws -> Int { try #require(probe.section(kind)).offset }
        let records = try section(.rowIDs)
        let longString = try forge { set(&$0, records + 8, 600) }
        #expect(throws: DatabaseError.self) { try SegmentSample.open(longString, path).id(at: 0) }
        let farString = try forge { set(&$0, records, 1 << 63) }
        #expect(throws: DatabaseError.self) { try SegmentSample.open(farString, path).id(at: 0) }
        let table = try section(.idHash)
        let fullTable = try forge { bytes in
            for slot in 0..<16 {
                bytes.replaceSubrange((table + 4 * slot)..<(table + 4 * slot + 4), with: [1, 0, 0, 0])
            }
        }
        #expect(throws: DatabaseError.self) { try SegmentSample.open(fullTable, path).lookup(PointID(999)) }
        let wildTable = try forge { bytes in
            for slot in 0..<16 {
                bytes.replaceSubrange((table + 4 * slot)..<(table + 4 * slot + 4), with: [9, 9, 9, 9])
            }
        }
        #expect(throws: DatabaseError.self) { try SegmentSample.open(wildTable, path).lookup(PointID(999)) }
        let order = try section(.idOrder)
        let wildOrder = try forge { set(&$0, order, .max) }
        #expect(throws: DatabaseError.self) { try SegmentSample.open(wildOrder, path).row(inIDOrder: 0) }
        let payloads = try section(.payloadOffsets)
        for value: UInt64 in [3, 1 << 40, .max] {
            let wild = try forge { set(&$0, payloads + 8, value) }
            let reader = try SegmentSample.open(wild, path)
            if value != 3 { #expect(throws: DatabaseError.self) { try reader.payload(at: 0) } }
            if value != 3 { #expect(throws: DatabaseError.self) { try reader.payload(at: 1) } }
        }
    }
}
