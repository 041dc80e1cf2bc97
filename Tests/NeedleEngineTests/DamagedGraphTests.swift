import NeedleCore
import NeedleEngine
import NeedleStorage
import SimulationKit
import Testing

/// A segment file whose graph or quantizer is damaged: the graph is given up, or searching survives it.
@Suite struct DamagedGraphTests {
    private struct Sealed {
        let database: TestDatabase
        let path: String
        let reader: SegmentReader
        let vectors: [[Float]]

        func section(_ kind: SectionKind) throws -> Range<Int> {
            try #require(reader.section(kind, space: 0)).range
        }
    }

    private static let vectors = clusteredVectors(600, dimension: 12, seed: 31)

    /// One sealed segment each; tests work on copies.
    private static let disks: [QuantizationKind: Result<SimulatedFileSystem, any Error>] = Dictionary(
        uniqueKeysWithValues: [QuantizationKind.int8, .binary, .none].map { kind in
            (kind, Result { try makeDisk(kind) })
        })

    private static func makeDisk(_ quantization: QuantizationKind) throws -> SimulatedFileSystem {
        let database = try TestDatabase()
        let collection = try database.create(size: 12, quantization: quantization)
        try collection.upsert(vectors.enumerated().map { point(UInt64($0), $1) })
        _ = collection.optimize()
        database.settle()
        database.database.close()
        return database.disk
    }

    private func sealed(_ quantization: QuantizationKind = .int8) throws -> Sealed {
        let disk = try #require(try Self.disks[quantization]?.get()).clone()
        let database = try TestDatabase(disk: disk)
        let collection = try database.collection()
        let name = try #require(try database.disk.list("db/collections").first)
        let directory = "db/collections/\(name)"
        let file = try #require(try database.disk.list(directory).first { $0.hasSuffix(".segment") })
        let id = try #require(collection.describe().segments.first { $0.state == .sealed }).id
        let incarnation = try #require(Incarnation(hex: name))
        let reader = try SegmentReader(
            database.disk, path: "\(directory)/\(file)", incarnation: incarnation, segmentID: id)
        return Sealed(
            database: database, path: "\(directory)/\(file)", reader: reader, vectors: Self.vectors)
    }

    private func forge(_ sealed: Sealed, _ change: (inout [UInt8]) -> Void) throws {
        try sealed.database.disk.forgeSegment(sealed.path, change)
    }

    private static let parts: [SectionKind] = [
        .graphLevels, .graphNodes, .graphUpperOffsets, .graphUpperLinks,
    ]

    @Test(arguments: [QuantizationKind.int8, .binary, .none])
    func everySectionIsThere(quantization: QuantizationKind) throws {
        let sealed = try sealed(quantization)
        for kind in Self.parts + [.graphScalars] {
            #expect(sealed.reader.section(kind, space: 0) != nil, "\(kind.rawValue)")
        }
        #expect((sealed.reader.section(.quantizer, space: 0) != nil) == (quantization != .none))
        #expect(sealed.reader.section(.codes, space: 0) == nil, "codes lie in the nodes")
    }

    /// The scalars share a block with originals, so the segment is quarantined; the quantizer lies among the graph.
    @Test(arguments: [SectionKind.graphScalars, .quantizer])
    func aFlippedByteOfWhatDescribesTheGraphIsFoundAtOpening(kind: SectionKind) throws {
        let sealed = try sealed()
        for offset in stride(
            from: try sealed.section(kind).lowerBound, to: try sealed.section(kind).upperBound, by: 5)
        {
            sealed.database.disk.flip(sealed.path, at: offset)
            try sealed.database.reopen()
            #expect(sealed.database.database.summaries().first?.state == .degraded, "byte \(offset)")
            let result = try sealed.database.collection().search(sealed.vectors[0], limit: 5)
            if kind == .graphScalars {
                #expect(!result.complete && result.hits.isEmpty, "byte \(offset)")
            } else {
                #expect(result.complete && result.strategy == .exact, "byte \(offset)")
            }
            sealed.database.disk.flip(sealed.path, at: offset)
        }
        try sealed.database.reopen()
        #expect(try sealed.database.collection().count() == 600)
    }

    /// Checksums that are right do not help numbers that lie.
    @Test(arguments: 0..<7, [0, 1, 3, 17, 601, 70_000, UInt32.max])
    func scalarsThatLieAreRefusedOrSurvived(word: Int, value: UInt32) throws {
        let sealed = try sealed()
        let place = try sealed.section(.graphScalars).lowerBound + 4 * word
        try forge(sealed) { bytes in
            withUnsafeBytes(of: value) { bytes.replaceSubrange(place..<(place + 4), with: $0) }
        }
        try sealed.database.reopen()
        do {
            try searches(sealed)
        } catch let error as DatabaseError {
            #expect(error.kind == .corruption, "\(error)")
        }
    }

    @Test func aQuantizerOfAnotherSpaceIsNotUsed() throws {
        let sealed = try sealed()
        let range = try sealed.section(.quantizer)
        try forge(sealed) { bytes in
            // Euclid in place of cosine, with the quantizer's own checksum put right.
            bytes[range.lowerBound + 8] = 3
            let end = range.upperBound - 4
            withUnsafeBytes(of: CRC32C.checksum(Array(bytes[range.lowerBound..<end]))) {
                bytes.replaceSubrange(end..<(end + 4), with: $0)
            }
        }
        try expectRebuilt(sealed, "another space")
    }

    /// Searches are exact until the graph is there again.
    private func expectRebuilt(_ sealed: Sealed, _ reason: String) throws {
        try sealed.database.reopen()
        let summary = try #require(sealed.database.database.summaries().first)
        #expect(summary.state == .degraded && summary.reason?.contains(reason) == true, "\(summary)")
        let found = try sealed.database.collection().search(sealed.vectors[7], limit: 5, effort: .ef(64))
        #expect(found.strategy == .exact && found.complete && found.ids.first == PointID(7))
        sealed.database.settle()
        #expect(sealed.database.database.summaries().first?.state == .ready)
        let again = try sealed.database.collection().search(sealed.vectors[7], limit: 5, effort: .ef(64))
        #expect(again.strategy == .graph && again.ids == found.ids)
    }

    /// The directory says that a section is shorter than it must be.
    @Test(arguments: parts + [.graphScalars, .quantizer])
    func aSectionCutShortIsNotUsed(kind: SectionKind) throws {
        let sealed = try sealed()
        let entry = try #require(sealed.reader.sections.firstIndex { $0.kind == kind && $0.space == 0 })
        let section = sealed.reader.sections[entry]
        try forge(sealed) { bytes in
            let directory = bytes.withUnsafeBytes {
                Int(truncatingIfNeeded: $0.loadUnaligned(fromByteOffset: 80, as: UInt64.self))
            }
            let at = directory + 64 * entry
            withUnsafeBytes(of: UInt64(section.byteCount - section.stride)) {
                bytes.replaceSubrange((at + 16)..<(at + 24), with: $0)
            }
            withUnsafeBytes(of: UInt64(section.count - 1)) {
                bytes.replaceSubrange((at + 32)..<(at + 40), with: $0)
            }
            let end = directory + 64 * sealed.reader.sections.count
            withUnsafeBytes(of: CRC32C.checksum(Array(bytes[directory..<end]))) {
                bytes.replaceSubrange(96..<100, with: $0)
            }
        }
        // The file cannot have such a directory, or its graph is given up.
        let isUnreadable = kind == .graphLevels || kind == .graphNodes
        guard isUnreadable else { return try expectRebuilt(sealed, "rebuilt") }
        try sealed.database.reopen()
        #expect(sealed.database.database.summaries().first?.state == .degraded)
        #expect(try sealed.database.collection().search(sealed.vectors[7]).complete == false)
    }

    /// Damage in links and codes that no checksum shows may cost hits, nothing else.
    @Test(arguments: parts, [QuantizationKind.int8, .binary, .none])
    func searchesSurviveDamageInLinksAndCodes(kind: SectionKind, quantization: QuantizationKind) throws {
        let sealed = try sealed(quantization)
        let range = try sealed.section(kind)
        var generator = SeededGenerator(seed: UInt64(kind.rawValue))
        try forge(sealed) { bytes in
            for _ in 0..<(range.count / 3) {
                bytes[Int.random(in: range, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
        }
        try sealed.database.reopen()
        try searches(sealed)
    }

    private func searches(_ sealed: Sealed) throws {
        let collection = try sealed.database.collection()
        for vector in sealed.vectors.prefix(20) {
            for rescores in [true, false] {
                let result = try collection.search(vector, limit: 5) { $0.rescores = rescores }
                #expect(result.ids.count == 5 && result.scores.allSatisfy { $0.isFinite })
            }
        }
        #expect(try collection.search(sealed.vectors[7], limit: 1, effort: .exact).ids == [PointID(7)])
    }
}
