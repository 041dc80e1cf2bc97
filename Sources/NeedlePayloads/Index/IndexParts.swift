import NeedleCore

#if !_endian(little)
    #error("field indexes are used in place and need a little-endian machine")
#endif

// An index as bytes (docs/format/fields.md): a header, then parts at multiples of 64. It is used where it lies, in
// memory or in a mapped file. Numbers here are part of the format: never change them.

enum IndexFormat {
    static let magic: UInt32 = 0x4946_544E  // "NTFI"
    static let version: UInt32 = 1
    static let headerBytes = 40
    static let alignment = 64
    static let mostParts = 16

    /// Type of an index in its header.
    static func code(of type: FieldIndexType) -> UInt32 {
        switch type {
        case .keyword: 1
        case .integer: 2
        case .float: 3
        case .bool: 4
        case .datetime: 5
        case .geo: 6
        case .text: 7
        }
    }

    static func type(code: UInt32) -> FieldIndexType? {
        FieldIndexType.allCases.first { self.code(of: $0) == code }
    }
}

/// Memory of an index that was built and not read from a file; aligned like a mapping.
package final class IndexMemory: @unchecked Sendable {
    // SAFETY: written in init only.
    private let memory: UnsafeMutableRawBufferPointer

    package init(_ bytes: [UInt8]) {
        memory = .allocate(byteCount: bytes.count, alignment: IndexFormat.alignment)
        memory.copyBytes(from: bytes)
    }

    deinit { memory.deallocate() }

    /// Valid while this object lives.
    package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(memory) }
}

/// Writes the parts of an index one after the other.
struct IndexWriter {
    private var parts: [(offset: Int, count: Int)] = []
    private var body = ByteWriter()
    private let partCount: Int
    private let bodyStart: Int

    init(parts: Int) {
        partCount = parts
        let header = IndexFormat.headerBytes + 16 * parts
        bodyStart = (header + IndexFormat.alignment - 1) / IndexFormat.alignment * IndexFormat.alignment
    }

    mutating func append(_ part: UnsafeRawBufferPointer) {
        body.align(to: IndexFormat.alignment)
        parts.append((bodyStart + body.count, part.count))
        body.append(bytes: part.bytes)
    }

    mutating func append<Element: BitwiseCopyable>(_ elements: [Element]) {
        elements.withUnsafeBytes { append($0) }
    }

    mutating func append(_ set: PointSet) {
        set.keepingAlive { append(set.bytes) }
    }

    consuming func finish(type: FieldIndexType, rows: Range<Int>) -> [UInt8] {
        precondition(parts.count == partCount, "as many parts as were announced")
        var writer = ByteWriter(reserving: bodyStart + body.count)
        writer.append(IndexFormat.magic)
        writer.append(IndexFormat.version)
        writer.append(IndexFormat.code(of: type))
        writer.append(UInt32(partCount))
        writer.append(UInt64(rows.lowerBound))
        writer.append(UInt64(rows.count))
        writer.append(UInt64(bodyStart + body.count))
        for part in parts {
            writer.append(UInt64(part.offset))
            writer.append(UInt64(part.count))
        }
        writer.align(to: IndexFormat.alignment)
        writer.append(bytes: body.bytes)
        return writer.bytes
    }
}

/// The parts of an index where they lie.
struct IndexParts: @unchecked Sendable {
    let type: FieldIndexType
    let rows: Range<Int>
    /// For error messages.
    let file: String
    /// Keeps the bytes.
    let owner: AnyObject
    // SAFETY: valid while the owner lives, and never changed.
    private let bytes: UnsafeRawBufferPointer
    private let ranges: [Range<Int>]

    /// O(parts).
    init(
        opening bytes: UnsafeRawBufferPointer, rowLimit: Int, owner: AnyObject, file: String
    ) throws(DatabaseError) {
        var reader = ByteReader(bytes.bytes, file: file)
        guard try reader.readUInt32() == IndexFormat.magic else { throw reader.damage("no field index") }
        let version = try reader.readUInt32()
        guard version == IndexFormat.version else {
            throw DatabaseError(.storageFailed, "\(file): a field index of version \(version)", at: file)
        }
        guard let type = IndexFormat.type(code: try reader.readUInt32()) else {
            throw reader.damage("a field index of an unknown type")
        }
        let count = Int(try reader.readUInt32())
        let first = try reader.readSize()
        let rowCount = try reader.readSize()
        guard count <= IndexFormat.mostParts, first <= PointSet.rowLimit,
            rowCount <= PointSet.rowLimit - first,
            try reader.readSize() == bytes.count
        else { throw reader.damage("a field index whose header contradicts itself") }
        var ranges: [Range<Int>] = []
        for _ in 0..<count {
            let offset = try reader.readSize()
            let length = try reader.readSize()
            guard offset % IndexFormat.alignment == 0, offset <= bytes.count, length <= bytes.count - offset
            else { throw reader.damage("a part of a field index lies outside") }
            ranges.append(offset..<(offset + length))
        }
        self.type = type
        rows = first..<(first + rowCount)
        self.file = file
        self.owner = owner
        self.bytes = bytes
        self.ranges = ranges
    }

    var byteCount: Int { bytes.count }

    func withBytes<Result>(
        _ body: (UnsafeRawBufferPointer) throws(DatabaseError) -> Result
    ) throws(DatabaseError) -> Result {
        let (bytes, owner) = (bytes, owner)
        return try withExtendedLifetime(owner) { () throws(DatabaseError) in try body(bytes) }
    }

    func requireParts(_ count: Int) throws(DatabaseError) {
        guard ranges.count == count else { throw damage("\(ranges.count) parts in place of \(count)") }
    }

    func damage(_ what: String) -> DatabaseError { .corruption(file: file, offset: 0, what: what) }

    func bytes(_ part: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[ranges[part]])
    }

    func column<Element: BitwiseCopyable>(
        _ part: Int, as type: Element.Type
    ) throws(DatabaseError) -> UnsafeBufferPointer<Element> {
        let raw = bytes(part)
        guard raw.count % MemoryLayout<Element>.stride == 0 else {
            throw damage("part \(part) ends inside an element")
        }
        // SAFETY: aligned to 64, whole elements of a type for which any bytes are a value.
        return UnsafeBufferPointer(
            start: raw.baseAddress?.assumingMemoryBound(to: type),
            count: raw.count / MemoryLayout<Element>.stride)
    }

    func set(_ part: Int, at offset: Int = 0) throws(DatabaseError) -> PointSet {
        try PointSet(opening: bytes(part), at: offset, owner: owner, file: file)
    }

    /// Whether a row that the index names is one of its rows.
    func check(_ row: UInt32) throws(DatabaseError) {
        guard rows.contains(Int(row)) else { throw damage("row \(row) outside \(rows)") }
    }
}
