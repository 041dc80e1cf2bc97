import NeedleCore
import NeedleStorage
import NeedleVectors

/// Everything that must hold of one segment file: against its manifest entry, against its checksums, and, where those
/// are right, of its content.
struct SegmentInspection {
    /// What is wrong, before it is known whose it is.
    struct Fault {
        var error: DatabaseError
        var isDerived: Bool

        func finding(_ subject: Finding.Subject) -> Finding { Finding(subject, error, file: "") }
    }

    let path: String
    let entry: ManifestSegment
    /// In the file's header.
    let incarnation: Incarnation
    let config: CollectionConfig
    private(set) var faults: [Fault] = []

    init(path: String, entry: ManifestSegment, incarnation: Incarnation, config: CollectionConfig) {
        self.path = path
        self.entry = entry
        self.incarnation = incarnation
        self.config = config
    }

    /// - Returns: the file; `nil` when it cannot be opened, which is a fault.
    /// - Throws: why it cannot be read at all.
    mutating func run(_ fileSystem: any FileSystem) throws(DatabaseError) -> SegmentReader? {
        let reader: SegmentReader
        do throws(DatabaseError) {
            reader = try SegmentReader(
                fileSystem, path: path, incarnation: incarnation, segmentID: entry.id)
        } catch {
            switch error.kind {
            case .notFound: fault(at: 0, "the file is missing")
            case .corruption, .storageFailed: faults.append(Fault(error: error, isDerived: false))
            default: throw error
            }
            return nil
        }
        defer { reader.closeFile() }
        compare(reader.header, bytes: reader.byteCount)
        try checkBlocks(of: reader)
        guard faults.isEmpty else { return reader }
        try checkHash(fileSystem)
        do throws(DatabaseError) {
            try checkContent(of: reader)
        } catch {
            guard error.kind == .corruption else { throw error }
            faults.append(Fault(error: error, isDerived: false))
        }
        return reader
    }

    private mutating func fault(at offset: Int, _ what: String, isDerived: Bool = false) {
        faults.append(Fault(error: .corruption(file: path, offset: offset, what: what), isDerived: isDerived))
    }

    // MARK: Manifest and checksums

    private mutating func compare(_ header: SegmentHeader, bytes: Int) {
        func expect<Value: Equatable>(_ found: Value, _ expected: Value, at offset: Int, _ name: String) {
            guard found != expected else { return }
            fault(at: offset, "\(found) \(name) where the manifest has \(expected)")
        }
        expect(header.rowCount, entry.rows, at: 40, "rows")
        expect(header.minLSN, entry.minLSN, at: 48, "as the first write")
        expect(header.maxLSN, entry.maxLSN, at: 56, "as the last write")
        expect(bytes, entry.bytes, at: 64, "bytes")
    }

    private mutating func checkBlocks(of reader: SegmentReader) throws(DatabaseError) {
        for number in 0..<reader.blockCount {
            do throws(DatabaseError) {
                try reader.scrub(number..<(number + 1))
            } catch {
                // Remembered by the reader.
                guard error.kind == .corruption else { throw error }
            }
        }
        faults += reader.damage.map {
            Fault(error: $0.error, isDerived: $0.sections.allSatisfy(\.kind.isDerived))
        }
    }

    private mutating func checkHash(_ fileSystem: any FileSystem) throws(DatabaseError) {
        guard let expected = entry.sha256 else { return }
        let found = try ContentHash.hex(ofFile: path, fileSystem)
        if found != expected { fault(at: 0, "its SHA-256 is not the one in the manifest") }
    }

    // MARK: Content

    private mutating func checkContent(of reader: SegmentReader) throws(DatabaseError) {
        let segment = try SealedSegment(
            reader: reader, config: config, deletions: try DeletionTable(capacity: reader.rowCount))
        faults += segment.graphFaults.map { Fault(error: $0, isDerived: true) }
        try checkRows(of: reader)
        checkOrder(of: reader)
        for index in config.spaces.indices { checkSpace(index, of: reader, segment) }
    }

    private mutating func checkRows(of reader: SegmentReader) throws(DatabaseError) {
        let versions = reader.versions
        let place = reader.section(.versions)?.offset ?? 0
        for row in 0..<reader.rowCount {
            if versions[row] < entry.minLSN.value || versions[row] > entry.maxLSN.value {
                fault(at: place + 8 * row, "row \(row) has version \(versions[row])")
            }
            let id = try reader.id(at: row)
            do throws(DatabaseError) {
                let found = try reader.lookup(id)
                guard let found, found >= row, try reader.id(at: found) == id else {
                    throw .corruption(
                        file: path, offset: reader.section(.idHash)?.offset ?? 0,
                        what: "the id table does not find row \(row), point \(id)")
                }
            } catch {
                faults.append(Fault(error: error, isDerived: true))
            }
            let payload = try reader.payload(at: row)
            guard Self.isObject(payload) else {
                fault(
                    at: reader.section(.payloadHeap)?.offset ?? 0,
                    "the payload of row \(row) is no JSON object")
                continue
            }
        }
    }

    static func isObject(_ payload: some Sequence<UInt8>) -> Bool {
        let text = Array(payload)
        do throws(JSONError) {
            var reader = JSONReader(text.span)
            var compact: [UInt8] = []
            try reader.compactObject(into: &compact)
            try reader.finish()
            return true
        } catch {
            return false
        }
    }

    /// The order of ids holds every row once, by rising id.
    private mutating func checkOrder(of reader: SegmentReader) {
        let offset = reader.section(.idOrder)?.offset ?? 0
        var seen = [Bool](repeating: false, count: reader.rowCount)
        var before: PointID?
        do throws(DatabaseError) {
            for place in 0..<reader.rowCount {
                let row = try reader.row(inIDOrder: place)
                let id = try reader.id(at: row)
                guard !seen[row], before.map({ !(id < $0) }) ?? true else {
                    return fault(
                        at: offset + 4 * place, "row \(row) is out of the order of ids", isDerived: true)
                }
                seen[row] = true
                before = id
            }
        } catch {
            faults.append(Fault(error: error, isDerived: true))
        }
    }

    private mutating func checkSpace(_ index: Int, of reader: SegmentReader, _ segment: SealedSegment) {
        let columns = segment.space(index).columns
        let vectors = reader.section(.vectors, space: index)?.offset ?? 0
        let norms = reader.section(.inverseNorms, space: index)?.offset ?? 0
        var count = 0
        for row in 0..<reader.rowCount where columns.hasVector(row) {
            count += 1
            let vector = Array(columns.vector(of: row))
            guard vector.allSatisfy(\.isFinite) else {
                fault(at: vectors + 4 * vector.count * row, "the vector of row \(row) is not finite")
                continue
            }
            guard let stored = columns.inverseNorms?[row] else { continue }
            let expected = VectorNorms.inverseNorm(norm: VectorNorms.norm(of: vector.span))
            if abs(stored - expected) > 1e-4 * max(abs(stored), abs(expected)) {
                fault(
                    at: norms + 4 * row, "1/length of row \(row) is \(stored), not \(expected)",
                    isDerived: true)
            }
        }
        if let stated = reader.view(.statistics, space: index, as: UInt64.self)?[0], stated != UInt64(count) {
            let offset = reader.section(.statistics, space: index)?.offset ?? 0
            fault(at: offset, "\(count) rows have a vector, the statistics say \(stated)", isDerived: true)
        }
        if let wrong = segment.space(index).graph?.audit() {
            let offset = reader.section(.graphNodes, space: index)?.offset ?? 0
            fault(at: offset, "the graph of space \(index): \(wrong)", isDerived: true)
        }
    }
}
