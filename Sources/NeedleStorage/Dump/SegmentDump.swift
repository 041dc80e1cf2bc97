package import NeedleCore

/// A segment file as text: header, sections and rows, for people and for golden files.
package enum SegmentDump {
    /// - Parameter rowLimit: so many rows are shown.
    package static func text(_ reader: SegmentReader, rowLimit: Int = 100) throws(DatabaseError) -> String {
        let header = reader.header
        var lines = [
            "segment \(header.segmentID), \(reader.byteCount) bytes, format \(SegmentFormat.version)",
            "  incarnation  \(header.incarnation)",
            "  rows         \(header.rowCount)",
            "  LSNs         \(header.minLSN) to \(header.maxLSN)",
        ]
        for (index, space) in header.spaces.enumerated() {
            lines.append("  space \(index)      \(space.dimensions) dimensions, \(space.metric.name)")
        }
        for section in reader.sections {
            let space = section.space.map { " of space \($0)" } ?? ""
            lines.append(
                "\(section.offset): section \(section.kind.rawValue)\(space), "
                    + "\(section.count) x \(section.stride) bytes: "
                    + HexText.of(reader.bytes(of: section).bytes, limit: 32))
        }
        lines.append("\(reader.layout.directoryOffset): directory, \(reader.sections.count) entries")
        lines.append("\(reader.layout.tableOffset): checksums of \(reader.blockCount) blocks")
        for row in 0..<min(rowLimit, header.rowCount) {
            do throws(DatabaseError) {
                lines.append("row \(row): \(try text(of: row, reader))")
            } catch {
                lines.append("row \(row): DAMAGED: \(error.message)")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func text(of row: Int, _ reader: SegmentReader) throws(DatabaseError) -> String {
        let payload = try reader.payload(at: row)
        for kind in [SectionKind.versions, .expiries] {
            if let section = reader.section(kind) { try reader.verify(section, elements: row..<(row + 1)) }
        }
        let expiry = reader.expiries.map { ", expires \($0[row])" } ?? ""
        return "\(try reader.id(at: row)), version \(reader.versions[row])\(expiry), payload "
            + String(decoding: payload.prefix(200), as: UTF8.self)
    }
}
