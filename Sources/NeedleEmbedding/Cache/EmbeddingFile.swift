// Vectors on disk, so that a restart does not forget them. Two generations of one file: new records go to the
// younger; when it has half of the bytes that are allowed, it becomes the elder, and what was the elder goes. A
// record of the elder that is asked for is written to the younger again. So what is used stays, and nothing is
// ever rewritten.
//
// Nothing is synced: what a crash takes has to be computed again, no more. Every record is checked at opening and
// again whenever it is read; what is not what was written is dropped and counted. An error of the file system
// ends the use of the files until the next start; it never fails a request.

import NeedleCore

/// Not thread safe.
struct EmbeddingFile {
    private struct Generation {
        let file: any StorageFile
        var places: [EmbeddingKey: Int] = [:]
        var records = 0
    }

    private static let names = (younger: "younger", elder: "elder")

    private let fileSystem: any FileSystem
    private let directory: String
    private let format: EmbeddingFileFormat
    private let recordsPerGeneration: Int
    private var younger: Generation?
    private var elder: Generation?
    private(set) var damaged = 0

    /// Reads what is there, O(bytes). What was made by another model, or is no such file, is removed.
    init(_ fileSystem: any FileSystem, directory: String, limit: Int, format: EmbeddingFileFormat) {
        self.fileSystem = fileSystem
        self.directory = directory
        self.format = format
        recordsPerGeneration = max(1, (limit / 2 - EmbeddingFileFormat.headerSize) / format.recordSize)
        attempt { file throws(DatabaseError) in
            try fileSystem.ensureDirectory(directory)
            file.elder = try file.open(Self.names.elder)
            file.younger = try file.open(Self.names.younger)
            if file.younger == nil { file.younger = try file.create() }
        }
    }

    var isOpen: Bool { younger != nil }
    var count: Int { (younger?.places.count ?? 0) + (elder?.places.count ?? 0) }
    var bytes: Int {
        [younger, elder].reduce(0) { sum, generation in
            sum + (generation.map { EmbeddingFileFormat.headerSize + $0.records * format.recordSize } ?? 0)
        }
    }

    /// O(1), one read.
    mutating func find(_ key: EmbeddingKey) -> CachedEmbedding? {
        if let place = younger?.places[key] {
            let value = read(place, key, younger)
            if value == nil { younger?.places[key] = nil }
            return value
        }
        guard let place = elder?.places.removeValue(forKey: key), let value = read(place, key, elder) else {
            return nil
        }
        append([(key, value)])
        return value
    }

    private mutating func read(_ place: Int, _ key: EmbeddingKey, _ generation: Generation?)
        -> CachedEmbedding?
    {
        guard let file = generation?.file else { return nil }
        var found: CachedEmbedding?
        attempt { this throws(DatabaseError) in
            let offset = EmbeddingFileFormat.headerSize + place * this.format.recordSize
            let record = try file.readExactly(this.format.recordSize, at: offset)
            if this.format.key(record.span.bytes) == key {
                found = this.format.value(record.span.bytes)
            } else {
                this.damaged += 1
            }
        }
        return found
    }

    /// Writes vectors behind the others; O(what is written).
    mutating func append(_ values: [(key: EmbeddingKey, value: CachedEmbedding)]) {
        attempt { this throws(DatabaseError) in
            var rest = values[...]
            while !rest.isEmpty {
                if let younger = this.younger, younger.records >= this.recordsPerGeneration {
                    try this.begin()
                }
                guard let younger = this.younger else { return }
                let part = rest.prefix(this.recordsPerGeneration - younger.records)
                rest = rest.dropFirst(part.count)
                try this.write(part)
            }
        }
    }

    private mutating func write(
        _ part: ArraySlice<(key: EmbeddingKey, value: CachedEmbedding)>
    ) throws(DatabaseError) {
        guard var generation = younger else { return }
        var records = ByteWriter(reserving: part.count * format.recordSize)
        for (key, value) in part { format.append(value, key, to: &records) }
        let offset = EmbeddingFileFormat.headerSize + generation.records * format.recordSize
        try generation.file.write(records.bytes, at: offset)
        for (key, _) in part {
            generation.places[key] = generation.records
            generation.records += 1
        }
        younger = generation
    }

    /// The younger generation becomes the elder one.
    private mutating func begin() throws(DatabaseError) {
        elder?.file.close()
        elder = nil
        try fileSystem.rename(path(Self.names.younger), to: path(Self.names.elder))
        elder = younger
        younger = nil
        younger = try create()
    }

    private func path(_ name: String) -> String { "\(directory)/\(name)" }

    private func create() throws(DatabaseError) -> Generation {
        try fileSystem.unlinkIfPresent(path(Self.names.younger))
        let file = try fileSystem.create(path(Self.names.younger))
        try file.write(format.header, at: 0)
        return Generation(file: file)
    }

    /// Reads a generation; one that does not begin as it should is removed.
    private mutating func open(_ name: String) throws(DatabaseError) -> Generation? {
        guard try fileSystem.kind(of: path(name)) == .file else { return nil }
        let file = try fileSystem.openForWriting(path(name))
        let size = try file.size()
        let header = EmbeddingFileFormat.headerSize
        guard size >= header, try file.readExactly(header, at: 0) == format.header else {
            file.close()
            try fileSystem.unlink(path(name))
            return nil
        }
        var generation = Generation(file: file)
        // A record that was being written when the process ended is cut off by not being counted.
        let records = min((size - header) / format.recordSize, recordsPerGeneration)
        let atOnce = max(1, (1 << 20) / format.recordSize)
        while generation.records < records {
            let count = min(atOnce, records - generation.records)
            let bytes = try file.readExactly(
                count * format.recordSize, at: header + generation.records * format.recordSize)
            for index in 0..<count {
                let record = bytes.span.bytes.extracting(
                    index * format.recordSize..<(index + 1) * format.recordSize)
                if let key = format.key(record) {
                    generation.places[key] = generation.records
                } else {
                    damaged += 1
                }
                generation.records += 1
            }
        }
        return generation
    }

    /// Does something with the files; an error is the end of them.
    private mutating func attempt(_ body: (inout Self) throws(DatabaseError) -> Void) {
        do throws(DatabaseError) {
            try body(&self)
        } catch {
            younger?.file.close()
            elder?.file.close()
            (younger, elder) = (nil, nil)
        }
    }
}
