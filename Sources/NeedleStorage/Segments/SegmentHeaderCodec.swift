import NeedleCore

/// The header page and the directory as bytes.
enum SegmentHeaderCodec {
    static func encode(_ header: SegmentHeader, _ layout: SegmentLayout) -> [UInt8] {
        var writer = ByteWriter(reserving: SegmentFormat.headerBytes)
        writer.append(bytes: SegmentFormat.magic)
        writer.append(SegmentFormat.version)
        writer.append(SegmentFormat.features)
        writer.append(bytes: header.incarnation.bytes)
        writer.append(header.segmentID)
        writer.append(UInt64(header.rowCount))
        writer.append(header.minLSN.value)
        writer.append(header.maxLSN.value)
        writer.append(UInt64(layout.fileBytes))
        writer.append(UInt32(layout.sectionCount))
        writer.append(UInt32(header.spaces.count))
        writer.append(UInt64(layout.directoryOffset))
        writer.append(UInt64(layout.tableOffset))
        writer.append(layout.directoryChecksum)
        writer.append(layout.tableChecksum)
        writer.append(UInt32(layout.blockBytes))
        writer.append(zeros: SegmentFormat.spacesOffset - writer.count)
        for space in header.spaces {
            writer.append(UInt32(space.dimensions))
            writer.append(UInt32(space.metric.rawValue))
            writer.append(UInt64(0))
        }
        writer.append(zeros: SegmentFormat.headerBytes - 4 - writer.count)
        writer.append(CRC32C.checksum(writer.bytes))
        return writer.bytes
    }

    static func decode(
        _ bytes: [UInt8], fileBytes: Int, file: String
    ) throws(DatabaseError) -> (SegmentHeader, SegmentLayout) {
        var reader = ByteReader(bytes.span.bytes, file: file)
        guard bytes.count == SegmentFormat.headerBytes, try reader.readBytes(8) == SegmentFormat.magic else {
            throw .corruption(file: file, offset: 0, what: "not a segment file")
        }
        // First of all: a damaged version is damage, not another version.
        try FormatCheck.trailingChecksum(bytes, file: file)
        try FormatCheck.version(
            try reader.readUInt32(), features: try reader.readUInt32(), of: "segment", file: file,
            supported: SegmentFormat.version, known: SegmentFormat.features)
        let incarnation = Incarnation(bytes: try reader.readBytes(16))
        let segmentID = try reader.readUInt64()
        let rowCount = try reader.readSize()
        let minLSN = LSN(try reader.readUInt64())
        let maxLSN = LSN(try reader.readUInt64())
        let statedBytes = try reader.readSize()
        let sectionCount = Int(try reader.readUInt32())
        let spaceCount = Int(try reader.readUInt32())
        let layout = SegmentLayout(
            fileBytes: statedBytes, sectionCount: sectionCount, directoryOffset: try reader.readSize(),
            directoryChecksum: 0, tableOffset: try reader.readSize(), tableChecksum: 0)
        var checked = layout
        checked.directoryChecksum = try reader.readUInt32()
        checked.tableChecksum = try reader.readUInt32()
        checked.blockBytes = Int(try reader.readUInt32())
        guard SegmentFormat.blockSizes.contains(checked.blockBytes),
            checked.blockBytes & (checked.blockBytes - 1) == 0
        else { throw reader.damage("blocks of \(checked.blockBytes) bytes") }
        guard rowCount <= SegmentFormat.maximumRows, spaceCount <= SegmentFormat.maximumSpaces else {
            throw reader.damage("\(rowCount) rows and \(spaceCount) spaces are too many")
        }
        try check(checked, fileBytes: fileBytes, file: file)
        try reader.skip(SegmentFormat.spacesOffset - reader.offset)
        var spaces: [SegmentSpace] = []
        for _ in 0..<spaceCount {
            let dimensions = Int(try reader.readUInt32())
            let metric = try reader.readUInt32()
            guard let metric = UInt8(exactly: metric).flatMap(Metric.init(rawValue:)), dimensions > 0 else {
                throw reader.damage("a space of \(dimensions) dimensions and metric \(metric)")
            }
            spaces.append(SegmentSpace(dimensions: dimensions, metric: metric))
            try reader.skip(8)
        }
        let header = SegmentHeader(
            incarnation: incarnation, segmentID: segmentID, rowCount: rowCount, minLSN: minLSN,
            maxLSN: maxLSN,
            spaces: spaces)
        return (header, checked)
    }

    /// The parts that the header names follow each other and fill the file.
    private static func check(_ layout: SegmentLayout, fileBytes: Int, file: String) throws(DatabaseError) {
        guard layout.fileBytes == fileBytes else {
            throw .corruption(
                file: file, offset: 64,
                what: "the file has \(fileBytes) bytes, its header says \(layout.fileBytes)")
        }
        guard layout.sectionCount <= SegmentFormat.maximumSections,
            layout.directoryOffset >= SegmentFormat.headerBytes,
            layout.directoryOffset % SegmentFormat.alignment == 0,
            layout.directoryOffset <= fileBytes,
            layout.tableOffset == layout.directoryOffset + layout.sectionCount * SegmentFormat.entryBytes,
            layout.tableOffset <= fileBytes,
            layout.blockCount * 4 == fileBytes - layout.tableOffset
        else {
            throw .corruption(
                file: file, offset: 72, what: "directory and checksum table do not fit into the file")
        }
    }

    static func encode(_ sections: [SegmentSection]) -> [UInt8] {
        var writer = ByteWriter(reserving: sections.count * SegmentFormat.entryBytes)
        for section in sections {
            writer.append(section.kind.rawValue)
            writer.append(section.space.map { UInt32($0) } ?? SegmentFormat.noSpace)
            writer.append(UInt64(section.offset))
            writer.append(UInt64(section.byteCount))
            writer.append(UInt32(section.stride))
            writer.append(UInt32(0))
            writer.append(UInt64(section.count))
            writer.align(to: SegmentFormat.entryBytes)
        }
        return writer.bytes
    }

    /// Entries in the order of their offsets, none overlapping another, each inside the file and of the
    /// right shape.
    static func decodeDirectory(
        _ bytes: RawSpan, layout: SegmentLayout, header: SegmentHeader, file: String
    ) throws(DatabaseError) -> [SegmentSection] {
        guard CRC32C.checksum(bytes) == layout.directoryChecksum else {
            throw .corruption(
                file: file, offset: layout.directoryOffset, what: "the directory's checksum is wrong")
        }
        var reader = ByteReader(bytes, file: file, origin: layout.directoryOffset)
        var sections: [SegmentSection] = []
        var end = SegmentFormat.headerBytes
        for _ in 0..<layout.sectionCount {
            let kind = SectionKind(rawValue: try reader.readUInt32())
            let space = try reader.readUInt32()
            let section = SegmentSection(
                kind: kind, space: space == SegmentFormat.noSpace ? nil : Int(space),
                offset: try reader.readSize(),
                byteCount: try reader.readSize(), stride: Int(try reader.readUInt32()),
                count: try { (r: inout ByteReader) throws(DatabaseError) in
                    try r.skip(4)
                    return try r.readSize()
                }(&reader))
            try reader.skip(SegmentFormat.entryBytes - 40)
            guard section.offset >= end, section.offset % SegmentFormat.alignment == 0,
                section.offset <= layout.directoryOffset,
                section.byteCount <= layout.directoryOffset - section.offset
            else { throw reader.damage("section \(kind.rawValue) lies outside its place") }
            let (bytes, overflow) = section.count.multipliedReportingOverflow(by: section.stride)
            guard section.stride > 0, !overflow, bytes == section.byteCount,
                section.space.map({ $0 < header.spaces.count }) ?? true,
                SegmentShape.isRight(section, header)
            else { throw reader.damage("section \(kind.rawValue) has the wrong shape") }
            let isTwice = sections.contains { $0.kind == section.kind && $0.space == section.space }
            guard !isTwice else { throw reader.damage("section \(kind.rawValue) is there twice") }
            end = section.offset + section.byteCount
            sections.append(section)
        }
        return sections
    }
}

/// Which stride and count a section of each kind must have; readers index without asking again.
enum SegmentShape {
    static func isRight(_ section: SegmentSection, _ header: SegmentHeader) -> Bool {
        let rows = header.rowCount
        let shape = (section.stride, section.count)
        switch section.kind {
        case .rowIDs: return shape == (16, rows)
        case .stringHeap, .payloadHeap: return section.stride == 1
        case .idHash:
            let slots = section.count
            return section.stride == 4 && slots > 0 && slots & (slots - 1) == 0 && slots / 2 >= rows
        case .idOrder: return shape == (4, rows)
        case .versions, .expiries: return shape == (8, rows)
        case .payloadOffsets: return shape == (8, rows + 1)
        case .vectors:
            guard let space = section.space else { return false }
            return shape == (4 * header.spaces[space].dimensions, rows)
        case .inverseNorms: return section.space != nil && shape == (4, rows)
        case .presence: return section.space != nil && shape == (1, rows)
        case .graphLevels: return section.space != nil && shape == (1, rows)
        case .graphNodes: return section.space != nil && section.stride % 4 == 0 && section.count == rows
        case .graphUpperOffsets, .graphUpperLinks: return section.space != nil && section.stride == 4
        case .graphScalars: return section.space != nil && section.stride == 4
        case .quantizer: return section.space != nil && section.stride == 1
        case .statistics: return section.space != nil && section.stride == 8
        case .changedRows: return section.stride == 4 && section.count <= rows
        case .changeLSNs: return section.stride == 8 && section.count <= rows
        case .changeOffsets: return section.stride == 8 && section.count > 0 && section.count - 1 <= rows
        default: return true
        }
    }
}
