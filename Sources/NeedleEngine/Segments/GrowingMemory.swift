import NeedleCore
import Synchronization

/// The row columns of a growing segment: who owns the memory, and the only place that writes to it.
///
/// SAFETY: every byte is written once, by the one writer, before the row is published; readers look only at rows that
/// are published. The pointers live as long as this object, which the segment keeps.
final class GrowingMemory: Sendable {
    private let ids: ReservedMemory
    private let strings: ReservedMemory
    private let versions: ReservedMemory
    private let expiries: ReservedMemory
    private let payloadOffsets: ReservedMemory
    private let payloads: ReservedMemory
    let stringCapacity: Int
    let payloadCapacity: Int

    /// Address space for payloads: more than any line can bring, and far more than a segment should hold.
    private static let payloadReserve = 2 << 30

    init(capacity: Int) throws(DatabaseError) {
        stringCapacity = min(capacity * PointID.maximumStringBytes, 1 << 30)
        payloadCapacity = Self.payloadReserve
        ids = try ReservedMemory(byteCount: capacity * RowColumns.idStride)
        strings = try ReservedMemory(byteCount: stringCapacity)
        versions = try ReservedMemory(byteCount: capacity * 8)
        expiries = try ReservedMemory(byteCount: capacity * 8)
        payloadOffsets = try ReservedMemory(byteCount: (capacity + 1) * 8)
        payloads = try ReservedMemory(byteCount: payloadCapacity)
    }

    func columns(origin: String) -> RowColumns {
        RowColumns(
            ids: UnsafeRawPointer(ids.base),
            strings: UnsafePointer(strings.bound(to: UInt8.self)), stringsLength: stringCapacity,
            versions: UnsafePointer(versions.bound(to: UInt64.self)),
            expiries: UnsafePointer(expiries.bound(to: Int64.self)),
            payloadOffsets: UnsafePointer(payloadOffsets.bound(to: UInt64.self)),
            payloads: UnsafePointer(payloads.bound(to: UInt8.self)), payloadsLength: payloadCapacity,
            origin: origin)
    }

    /// Writes all columns of a row and moves the heaps' ends.
    func write(
        _ point: StoredPoint, row: Int, version: LSN, strings stringsUsed: borrowing Atomic<Int>,
        payloads payloadsUsed: borrowing Atomic<Int>
    ) {
        let record = ids.base + row * RowColumns.idStride
        switch point.id {
        case .integer(let value):
            record.storeBytes(of: value, as: UInt64.self)
            record.storeBytes(of: 0, toByteOffset: 8, as: UInt64.self)
        case .string(let bytes):
            let start = stringsUsed.load(ordering: .relaxed)
            (strings.base + start).copyMemory(from: bytes, byteCount: bytes.count)
            record.storeBytes(of: UInt64(start), as: UInt64.self)
            record.storeBytes(of: UInt64(bytes.count), toByteOffset: 8, as: UInt64.self)
            stringsUsed.store(start + bytes.count, ordering: .relaxed)
        }
        (versions.base + row * 8).storeBytes(of: version.value, as: UInt64.self)
        (expiries.base + row * 8).storeBytes(of: point.expiresAt, as: Int64.self)
        let start = payloadsUsed.load(ordering: .relaxed)
        (payloads.base + start).copyMemory(from: point.payload, byteCount: point.payload.count)
        let end = start + point.payload.count
        (payloadOffsets.base + (row + 1) * 8).storeBytes(of: UInt64(end), as: UInt64.self)
        payloadsUsed.store(end, ordering: .relaxed)
    }
}
