// A collection with integer payloads and an index on each key, and searches of it that are timed one by one.

import Glibc
import NeedleCore
import NeedleEngine
import NeedleStorage
import VectorFiles

final class MonotonicClock: Clock {
    func wallMilliseconds() -> Int64 { Int64(Self.nanoseconds(CLOCK_REALTIME) / 1_000_000) }
    func monotonicNanoseconds() -> UInt64 { Self.nanoseconds(CLOCK_MONOTONIC) }

    static func nanoseconds(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

struct FilteredRun {
    struct Malformed: Error {
        let what: String
    }

    struct Answer {
        var nanoseconds: UInt64
        var ids: [String]
    }

    private static let batch = 500
    private let database: Database
    private let collection: Collection
    private let directory: String
    private let context = OperationContext()

    /// Stores every row under its number, builds the indexes, merges everything, and does all the other work there is.
    init(
        vectors: VectorFile, keys: VectorFile, names: [String], directory: String
    ) throws {
        guard keys.rows == vectors.rows, keys.dimension == names.count else {
            throw Malformed(what: "a row of keys for each vector, and a name for each column")
        }
        self.directory = directory
        database = try Database.open(
            directory: directory, fileSystem: PosixFileSystem(), clock: MonotonicClock(),
            options: EngineOptions())
        database.loadCollections()
        let space = SpaceConfig(
            name: CollectionConfig.defaultSpaceName, size: vectors.dimension, metric: .cosine)
        _ = try database.createCollection(
            named: "filters", config: CollectionConfig(spaces: [space], durability: .memory))
        collection = try database.collection(named: "filters")
        for first in stride(from: 0, to: vectors.rows, by: Self.batch) {
            let rows = first..<min(first + Self.batch, vectors.rows)
            try store(rows.map { Self.point($0, vectors, keys, names) })
        }
        for name in names {
            _ = try collection.createIndex(FieldIndexDefinition(path: FieldPath(key: name), type: .integer))
        }
        settle()
        _ = collection.optimize()
        settle()
    }

    private static func point(
        _ row: Int, _ vectors: VectorFile, _ keys: VectorFile, _ names: [String]
    ) -> PointWrite {
        let size = vectors.dimension
        let members = names.enumerated().map { column, name in
            "\"\(name)\":\(Int(keys.values[row * names.count + column]))"
        }
        return PointWrite(
            id: PointID(UInt64(row)),
            vectors: .single(Array(vectors.values[(row * size)..<((row + 1) * size)])),
            payload: Payload(compactJSON: Array("{\(members.joined(separator: ","))}".utf8)))
    }

    private func store(_ points: [PointWrite]) throws(DatabaseError) {
        let write = try collection.prepare(
            .upsert(points, ifAbsent: false), model: nil, opKey: nil, context: context)
        if case .failure(let error) = collection.commit([write])[0] { throw error }
    }

    private func settle() {
        while database.maintain(context: context) {}
    }

    static func now() -> UInt64 { MonotonicClock.nanoseconds(CLOCK_MONOTONIC) }

    /// - Parameter words: RECALL LIMIT KEY LOW HIGH NUMBER NUMBER ...
    static func query(_ words: ArraySlice<Substring>) throws -> SearchQuery {
        let words = Array(words)
        guard words.count > 5, let recall = Double(words[0]), let limit = Int(words[1]),
            let low = Int64(words[3]), let high = Int64(words[4])
        else { throw Malformed(what: "a case is RECALL LIMIT KEY LOW HIGH NUMBER NUMBER ...") }
        let window = RangeTest(
            kind: .number, lower: RangeTest.Bound(value: ExactNumber(low), isInclusive: true),
            upper: RangeTest.Bound(value: ExactNumber(high), isInclusive: false))
        let filter = Filter(must: [.range(FieldPath(key: String(words[2])), window)])
        return SearchQuery(
            target: .vector(try words[5...].map(Self.number)), limit: limit,
            filter: words[2] == "-" ? nil : filter, effort: .recall(recall),
            selection: PointSelection(payload: .none))
    }

    private static func number(_ word: Substring) throws -> Float {
        guard let value = Float(word) else { throw Malformed(what: "\(word) is no number") }
        return value
    }

    func pass(_ queries: [SearchQuery]) throws(DatabaseError) -> [Answer] {
        var answers: [(nanoseconds: UInt64, result: SearchResult)] = []
        answers.reserveCapacity(queries.count)
        for query in queries {
            let began = Self.now()
            let result = try collection.search(query, context: context)
            answers.append((Self.now() - began, result))
        }
        return answers.map { answer in
            Answer(nanoseconds: answer.nanoseconds, ids: answer.result.hits.map { "\($0.record.id)" })
        }
    }

    func remove() {
        database.close()
        do { try Self.remove(directory, PosixFileSystem()) } catch { print("left \(directory): \(error)") }
    }

    private static func remove(_ path: String, _ files: any FileSystem) throws(DatabaseError) {
        guard try files.kind(of: path) == .directory else { return try files.unlink(path) }
        for name in try files.list(path) { try remove("\(path)/\(name)", files) }
        try files.removeDirectory(path)
    }
}
