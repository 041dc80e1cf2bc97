// PROBES: searches that were asked when a snapshot was taken, with their exact answers, so that a restored copy can
// be asked again (docs/format/snapshot.md). Small: written, read and checked as a whole.

package import NeedleCore

/// One search and its exact answer.
package struct Probe: Hashable, Sendable {
    package struct Hit: Hashable, Sendable {
        package var id: PointID
        package var score: Double

        package init(id: PointID, score: Double) {
            self.id = id
            self.score = score
        }
    }

    /// Index in the configuration.
    package var space: Int
    package var vector: [Float]
    /// Most hits there may be.
    package var limit: Int
    /// Best first.
    package var hits: [Hit]

    package init(space: Int, vector: [Float], limit: Int, hits: [Hit]) {
        self.space = space
        self.vector = vector
        self.limit = limit
        self.hits = hits
    }
}

/// The content of PROBES.
package struct ProbeFile: Hashable, Sendable {
    package var incarnation: Incarnation
    package var lsn: LSN
    package var probes: [Probe]

    package static let fileName = "PROBES"
    static let magic: [UInt8] = Array("NTPRB".utf8) + [0, 13, 10]
    static let version: UInt32 = 1
    static let features: UInt32 = 0
    static let headerBytes = 48
    /// Beyond this no file is believed.
    static let maximumBytes = 64 << 20

    package init(incarnation: Incarnation, lsn: LSN, probes: [Probe]) {
        self.incarnation = incarnation
        self.lsn = lsn
        self.probes = probes
    }

    package func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.append(bytes: Self.magic)
        writer.append(Self.version)
        writer.append(Self.features)
        writer.append(bytes: incarnation.bytes)
        writer.append(lsn.value)
        writer.append(UInt32(probes.count))
        writer.append(UInt32(0))
        for probe in probes {
            writer.append(UInt32(probe.space))
            writer.append(UInt32(probe.vector.count))
            writer.append(UInt32(probe.limit))
            writer.append(UInt32(probe.hits.count))
            writer.append(floats: probe.vector.span)
            for hit in probe.hits {
                writer.append(id: hit.id)
                writer.append(hit.score.bitPattern)
            }
        }
        writer.append(CRC32C.checksum(writer.bytes))
        return writer.bytes
    }

    /// Reads and checks a file.
    package static func read(_ fileSystem: any FileSystem, path: String) throws(DatabaseError) -> ProbeFile {
        try ProbeFile(decoding: try fileSystem.readAll(path, limit: maximumBytes), file: path)
    }

    package init(decoding bytes: [UInt8], file: String) throws(DatabaseError) {
        guard bytes.count >= Self.headerBytes + 4 else {
            throw .corruption(file: file, offset: bytes.count, what: "the file ends inside its header")
        }
        var reader = ByteReader(bytes.span.bytes.extracting(0..<(bytes.count - 4)), file: file)
        guard try reader.readBytes(8) == Self.magic else {
            throw .corruption(file: file, offset: 0, what: "not a file of probes")
        }
        try FormatCheck.version(
            try reader.readUInt32(), features: try reader.readUInt32(), of: "probes", file: file,
            supported: Self.version, known: Self.features)
        try FormatCheck.trailingChecksum(bytes, file: file)
        incarnation = Incarnation(bytes: try reader.readBytes(16))
        lsn = LSN(try reader.readUInt64())
        let count = try reader.readUInt32()
        try reader.skip(4)
        probes = []
        for _ in 0..<count { probes.append(try Self.probe(&reader)) }
        try reader.expectEnd()
    }

    private static func probe(_ reader: inout ByteReader) throws(DatabaseError) -> Probe {
        let space = Int(try reader.readUInt32())
        let dimensions = Int(try reader.readUInt32())
        let limit = Int(try reader.readUInt32())
        let hits = Int(try reader.readUInt32())
        var probe = Probe(space: space, vector: try reader.readFloats(dimensions), limit: limit, hits: [])
        guard hits <= limit, limit > 0 else {
            throw reader.damage("\(hits) hits where \(limit) were asked for")
        }
        for _ in 0..<hits {
            let id = try reader.readPointID()
            let score = Double(bitPattern: try reader.readUInt64())
            guard score.isFinite else { throw reader.damage("a score that is not finite") }
            probe.hits.append(Probe.Hit(id: id, score: score))
        }
        return probe
    }
}
