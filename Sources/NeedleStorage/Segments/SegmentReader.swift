// Reading a sealed segment file in place. Opening costs O(sections): it checks the header, the directory,
// every bound and alignment, and the table of checksums, but no row. What lies in the sections is checked
// when it is used: everything that serves as an index is compared with its limit, so that a damaged file
// gives `corruption`, never a trap.

package import NeedleCore
import Synchronization

/// An opened segment file. It owns the mapping; all views end with it. Safe to share between threads.
package final class SegmentReader: Sendable {
    package let path: String
    package let header: SegmentHeader
    package let sections: [SegmentSection]
    let region: MappedRegion
    let layout: SegmentLayout
    let blocks: VerifiedBlocks
    let ids: IDSections
    private let payloadOffsets: SegmentSection
    private let payloadHeap: SegmentSection
    private let versionSection: SegmentSection

    /// Opens and maps a file.
    ///
    /// - Throws: `not_found`; `corruption` when it is no segment of this collection and number, or damaged.
    package init(
        _ fileSystem: any FileSystem, path: String, incarnation: Incarnation, segmentID: UInt64
    ) throws(DatabaseError) {
        let file = try fileSystem.openForReading(path)
        var isKept = false
        defer { if !isKept { file.close() } }
        let region = try file.map()
        guard region.count >= SegmentFormat.headerBytes else {
            throw .corruption(file: path, offset: region.count, what: "the file ends inside its header")
        }
        let page = try file.readExactly(SegmentFormat.headerBytes, at: 0)
        let (header, layout) = try SegmentHeaderCodec.decode(page, fileBytes: region.count, file: path)
        guard header.incarnation == incarnation, header.segmentID == segmentID else {
            throw .corruption(
                file: path, offset: 16,
                what: "segment \(header.segmentID) of collection \(header.incarnation)")
        }
        let directory = try file.readExactly(
            layout.tableOffset - layout.directoryOffset, at: layout.directoryOffset)
        let sections = try SegmentHeaderCodec.decodeDirectory(
            directory.span.bytes, layout: layout, header: header, file: path)
        func need(_ kind: SectionKind) throws(DatabaseError) -> SegmentSection {
            guard let section = sections.first(where: { $0.kind == kind && $0.space == nil }) else {
                throw .corruption(
                    file: path, offset: layout.directoryOffset, what: "section \(kind.rawValue) is missing")
            }
            return section
        }
        self.path = path
        self.header = header
        self.sections = sections
        self.region = region
        self.layout = layout
        blocks = try VerifiedBlocks(fileSystem, file: file, layout: layout, path: path)
        isKept = true
        ids = IDSections(
            records: try need(.rowIDs), heap: try need(.stringHeap), table: try need(.idHash),
            order: try need(.idOrder))
        versionSection = try need(.versions)
        payloadOffsets = try need(.payloadOffsets)
        payloadHeap = try need(.payloadHeap)
    }

    /// Opens a file that is taken for what it says it is: for looking at one by itself.
    package convenience init(_ fileSystem: any FileSystem, path: String) throws(DatabaseError) {
        let file = try fileSystem.openForReading(path)
        defer { file.close() }
        let size = try file.size()
        let page = try file.readExactly(min(size, SegmentFormat.headerBytes), at: 0)
        let (header, _) = try SegmentHeaderCodec.decode(page, fileBytes: size, file: path)
        try self.init(
            fileSystem, path: path, incarnation: header.incarnation, segmentID: header.segmentID)
    }

    package var rowCount: Int { header.rowCount }
    package var byteCount: Int { region.count }

    // MARK: Sections

    package func section(_ kind: SectionKind, space: Int? = nil) -> SegmentSection? {
        sections.first { $0.kind == kind && $0.space == space }
    }

    /// The bytes of a section, valid while this reader is held.
    package func bytes(of section: SegmentSection) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: region.bytes[section.range])
    }

    /// A section as an array of `Element`, if it is there.
    ///
    /// - Precondition: its stride is a multiple of the element's.
    package func view<Element: BitwiseCopyable>(
        _ kind: SectionKind, space: Int? = nil, as type: Element.Type
    ) -> SectionView<Element>? {
        section(kind, space: space).map { view(of: $0, as: type) }
    }

    func view<Element: BitwiseCopyable>(of section: SegmentSection, as type: Element.Type) -> SectionView<
        Element
    > {
        precondition(section.stride % MemoryLayout<Element>.stride == 0, "whole elements")
        // SAFETY: bounds and alignment of the section were checked when the file was opened; bytes of any
        // value are a valid integer or float.
        let base = (region.base + section.offset).assumingMemoryBound(to: type)
        return SectionView(base: base, count: section.byteCount / MemoryLayout<Element>.stride)
    }

    /// The LSN that wrote each row.
    package var versions: SectionView<UInt64> { view(of: versionSection, as: UInt64.self) }
    /// When each row expires; `nil` when none does.
    package var expiries: SectionView<Int64>? { view(.expiries, as: Int64.self) }

    /// All vectors of a space, `dimensions` floats a row.
    package func vectors(space: Int) -> SectionView<Float>? { view(.vectors, space: space, as: Float.self) }
    package func inverseNorms(space: Int) -> SectionView<Float>? {
        view(.inverseNorms, space: space, as: Float.self)
    }
    /// Whether each row has a vector in a space, 1 or 0; `nil` when all have.
    package func presence(space: Int) -> SectionView<UInt8>? { view(.presence, space: space, as: UInt8.self) }

    /// A row's payload, valid while this reader is held.
    ///
    /// - Precondition: a row of this segment.
    /// - Throws: `corruption` when its offsets make no sense or a block it lies in is damaged.
    package func payload(at row: Int) throws(DatabaseError) -> UnsafeRawBufferPointer {
        precondition(row >= 0 && row < rowCount, "a row of this segment")
        let place = payloadOffsets.offset + 8 * row
        try verify(place..<(place + 16))
        let offsets = view(of: payloadOffsets, as: UInt64.self)
        let (start, end) = (offsets[row], offsets[row + 1])
        guard start <= end, end <= UInt64(payloadHeap.byteCount) else {
            throw .corruption(file: path, offset: place, what: "row \(row)'s payload lies outside the heap")
        }
        let range = (payloadHeap.offset + Int(start))..<(payloadHeap.offset + Int(end))
        try verify(range)
        return UnsafeRawBufferPointer(rebasing: region.bytes[range])
    }

    /// Tells the system how a section will be used.
    package func advise(_ advice: MappingAdvice, _ section: SegmentSection) {
        region.advise(advice, range: section.range)
    }

    /// Tells the system how a part of a section, counted from its beginning, will be used.
    package func advise(_ advice: MappingAdvice, _ part: Range<Int>, of section: SegmentSection) {
        let range = (section.offset + part.lowerBound)..<(section.offset + part.upperBound)
        region.advise(advice, range: range.clamped(to: section.range))
    }

    /// Bytes of a section that lie in memory now, in our pages or the system's cache. O(pages).
    package func residentBytes(of section: SegmentSection) -> Int {
        region.residentBytes(in: section.range)
    }
}
