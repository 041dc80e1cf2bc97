import NeedleCore
import NeedleStorage

/// The columns of a segment's rows as borrowed memory: the same layout in a growing segment's reserved memory
/// and in a sealed segment's mapping, so that reading is one piece of code.
///
/// A row is one version of one point. Rows below the owner's published count never change.
///
/// SAFETY: the pointers belong to the segment that hands the columns out, and are valid while it lives;
/// whoever keeps a `RowColumns` keeps its segment. Row numbers are checked by the owner's count, not here.
/// The string and payload ranges of a sealed file are checked against their heaps, because a damaged file
/// must not make us read beyond it.
///
/// Ids and payloads of a sealed file are compared with their blocks' checksums when they are read, until all of the
/// file has been. Versions and expiries, which are read for every row that a search meets, are checked beforehand
/// (`SealedSegment.admit`).
struct RowColumns: @unchecked Sendable {
    /// 16 bytes a row: value or string-heap offset (u64), string length (u32, 0 = integer), reserved (u32).
    let ids: UnsafeRawPointer
    let strings: UnsafePointer<UInt8>
    let stringsLength: Int
    let versions: UnsafePointer<UInt64>
    /// Milliseconds since 1970, 0 = never; `nil` when no row expires.
    let expiries: UnsafePointer<Int64>?
    /// rows + 1 offsets into `payloads`.
    let payloadOffsets: UnsafePointer<UInt64>
    let payloads: UnsafePointer<UInt8>
    let payloadsLength: Int
    /// For error messages: the file, or the segment's name while it grows.
    let origin: String
    /// The file that the columns lie in; `nil` in memory. SAFETY: owned by the segment, like the pointers.
    var file: Unmanaged<SegmentReader>?

    static let idStride = 16

    func id(of row: Int) throws(DatabaseError) -> PointID {
        let record = try idRecord(of: row)
        let value = record.loadUnaligned(as: UInt64.self)
        let length = Int(record.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
        guard length > 0 else { return .integer(value) }
        let bytes = try stringBytes(at: value, length: length, row: row)
        return .string(Array(bytes))
    }

    /// Whether the row's id is this one, without building it.
    func hasID(_ row: Int, _ id: PointID) throws(DatabaseError) -> Bool {
        let record = try idRecord(of: row)
        let value = record.loadUnaligned(as: UInt64.self)
        let length = Int(record.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
        switch id {
        case .integer(let wanted):
            return length == 0 && value == wanted
        case .string(let wanted):
            guard length == wanted.count else { return false }
            return try stringBytes(at: value, length: length, row: row).elementsEqual(wanted)
        }
    }

    /// The protocol's order of ids, between two rows that may lie in different segments.
    func isID(of row: Int, before otherRow: Int, in other: RowColumns) throws(DatabaseError) -> Bool {
        let record = try idRecord(of: row)
        let otherRecord = try other.idRecord(of: otherRow)
        let isString = record.loadUnaligned(fromByteOffset: 8, as: UInt32.self) > 0
        let otherIsString = otherRecord.loadUnaligned(fromByteOffset: 8, as: UInt32.self) > 0
        if !isString && !otherIsString {
            return record.loadUnaligned(as: UInt64.self) < otherRecord.loadUnaligned(as: UInt64.self)
        }
        if isString != otherIsString { return otherIsString }
        return try id(of: row) < other.id(of: otherRow)
    }

    @inline(__always)
    func version(of row: Int) -> LSN { LSN(versions[row]) }

    @inline(__always)
    func expiry(of row: Int) -> Int64 { expiries.map { $0[row] } ?? 0 }

    @inline(__always)
    func isExpired(_ row: Int, at now: Int64) -> Bool {
        guard let expiries else { return false }
        let expiry = expiries[row]
        return expiry != 0 && expiry <= now
    }

    /// The payload as the row was written with, borrowed from the segment. What a read wants is `Segment.payload(of:at:)`:
    /// there may be a newer one.
    func writtenPayload(of row: Int) throws(DatabaseError) -> UnsafeBufferPointer<UInt8> {
        try check(payloadOffsets + row, byteCount: 16)
        let start = payloadOffsets[row]
        let end = payloadOffsets[row + 1]
        guard start <= end, end <= UInt64(payloadsLength), end - start >= 2 else {
            throw .corruption(
                file: origin, offset: row, what: "payload range \(start)..<\(end) of row \(row)")
        }
        try check(payloads + Int(start), byteCount: Int(end - start))
        return UnsafeBufferPointer(start: payloads + Int(start), count: Int(end - start))
    }

    private func idRecord(of row: Int) throws(DatabaseError) -> UnsafeRawPointer {
        let record = ids + row * Self.idStride
        try check(record, byteCount: Self.idStride)
        return record
    }

    @inline(__always)
    private func check(_ start: UnsafeRawPointer, byteCount: Int) throws(DatabaseError) {
        guard let file else { return }
        try file.takeUnretainedValue().verify(start, byteCount: byteCount)
    }

    private func stringBytes(
        at offset: UInt64, length: Int, row: Int
    ) throws(DatabaseError) -> UnsafeBufferPointer<UInt8> {
        guard offset <= UInt64(stringsLength), UInt64(length) <= UInt64(stringsLength) - offset else {
            throw .corruption(
                file: origin, offset: row, what: "string id of row \(row) lies outside its heap")
        }
        try check(strings + Int(offset), byteCount: length)
        return UnsafeBufferPointer(start: strings + Int(offset), count: length)
    }
}
