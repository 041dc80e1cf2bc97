import Glibc
import NeedleCore
import NeedleEngine
import NeedleStorage
import SimulationKit
import Testing

/// A small database with everything in it: two sealed segments with graphs, string ids, expiries and deletions, and
/// rows that are only in the log. What it answers while it is whole is the truth that answers are compared with
/// after something was damaged.
struct DamageBench {
    static let isLong = getenv("NEEDLETAIL_LONG").map { String(cString: $0) } == "1"

    let disk: SimulatedFileSystem
    let options: EngineOptions
    let queries: [[Float]]
    private let points: [PointID: PointRecord]
    private let deleted: [PointID]
    /// Those that are asked for by id.
    private let asked: [PointID]
    /// Of every query, each point's score.
    private let scores: [[PointID: Double]]
    private let nearest: [[PointID]]

    static let size = 16

    /// Made once: tests work on copies of the disk.
    static let shared = Result { try DamageBench() }

    private let filter: Filter

    init() throws {
        filter = Filter(must: [.matchAny(try FieldPath(parsing: "even"), [.bool(true)])])
        var options = TestDatabase.smallOptions
        options.checkpointBytes = 16_000
        options.exactRows = 50
        options.trainingRows = 64
        options.firstRecallSample = 4
        options.recallSample = 8
        options.quality.sample = 50
        self.options = options
        let database = try TestDatabase(options: options)
        let collection = try database.create(size: Self.size)
        let vectors = clusteredVectors(420, dimension: Self.size, seed: 5)
        func batch(_ range: Range<Int>) -> [PointWrite] {
            range.map { i in
                var write = point(
                    UInt64(i), vectors[i],
                    "{\"even\":\(i % 2 == 0),\"text\":\"\(String(repeating: "needle ", count: 8))\(i)\"}",
                    expiresAt: i % 7 == 0 ? 4_000_000_000_000 : nil)
                if i % 3 == 0 { write.id = PointID("point-\(i)") }
                return write
            }
        }
        try collection.upsert(batch(0..<220))
        database.settle()
        let changed = (10..<60).map { $0 % 3 == 0 ? PointID("point-\($0)") : PointID(UInt64($0)) }
        try collection.set(#"{"even":true,"changed":1}"#, .ids(changed))
        try collection.upsert(batch(200..<380))
        deleted = [PointID(1), PointID(4), PointID("point-9"), PointID(301)]
        try collection.delete(.ids(deleted))
        database.settle()
        try collection.upsert(batch(370..<420))
        disk = database.disk
        queries = clusteredVectors(2, dimension: Self.size, seed: 6)
        let all = try collection.scrollAll(limit: 100)
        points = Dictionary(uniqueKeysWithValues: all.map { ($0.id, $0) })
        let results = try queries.map { try collection.search($0, limit: 1000, effort: .exact) }
        scores = results.map { Dictionary(uniqueKeysWithValues: zip($0.ids, $0.scores)) }
        nearest = results.map(\.ids)
        asked = all.map(\.id).enumerated().filter { $0.offset % 12 == 0 }.map(\.element)
        #expect(points.count == 416 && collection.describe().segments.count == 3)
        database.database.close()
    }

    /// Paths of files, by what their names hold.
    func files(_ part: String) throws -> [String] {
        let name = try #require(try disk.list("db/collections").first)
        let directory = "db/collections/\(name)"
        if part == "CATALOGUE" { return ["db/CATALOGUE"] }
        if part == "log" { return try disk.list("\(directory)/log").map { "\(directory)/log/\($0)" } }
        let files = try disk.list(directory).filter { $0.contains(part) }.map { "\(directory)/\($0)" }
        #expect(!files.isEmpty, "there is a file to be damaged")
        return files
    }

    /// Of a segment file, to know where its parts lie.
    func reader(of path: String) throws -> SegmentReader {
        let parts = path.split(separator: "/")
        let incarnation = try #require(Incarnation(hex: String(parts[2])))
        let id = try #require(UInt64(parts[3].prefix(12)))
        return try SegmentReader(disk, path: path, incarnation: incarnation, segmentID: id)
    }

    func open(_ disk: SimulatedFileSystem) throws -> TestDatabase {
        try TestDatabase(disk: disk, options: options)
    }

    /// What came of comparing.
    struct Verdict {
        /// Some answer was refused as damaged, or said that it is not complete.
        var isTold = false
        var wrong: [String] = []
    }

    /// Asks everything, and compares.
    func compare(_ database: TestDatabase) throws -> Verdict {
        var verdict = Verdict()
        let collection: Collection
        do {
            collection = try database.collection()
        } catch let error as DatabaseError {
            verdict.isTold = true
            if error.kind != .corruption, !error.message.contains("format") {
                verdict.wrong.append("\(error)")
            }
            return verdict
        }
        for index in queries.indices {
            told(&verdict) { try compareSearches(index, in: collection, &$0) }
        }
        for id in asked { told(&verdict) { try compareGet(id, in: collection, &$0) } }
        for id in deleted {
            told(&verdict) { verdict in
                if try !collection.get([id]).points.isEmpty { verdict.wrong.append("\(id) is back") }
            }
        }
        told(&verdict) { verdict in
            let count = try collection.count()
            if count != points.count { verdict.wrong.append("count \(count)") }
        }
        told(&verdict) { verdict in
            let count = try collection.count(filter)
            let expected = points.values.count { $0.payload?.text.contains("\"even\":true") == true }
            if count != expected { verdict.wrong.append("\(count) match, not \(expected)") }
        }
        told(&verdict) { verdict in
            let all = try collection.scrollAll(limit: 100)
            if all.count != points.count || all.contains(where: { points[$0.id] != $0 }) {
                verdict.wrong.append("scroll gives \(all.count) points")
            }
        }
        return verdict
    }

    private func told(_ verdict: inout Verdict, _ body: (inout Verdict) throws -> Void) {
        do {
            try body(&verdict)
        } catch {
            verdict.isTold = true
            if (error as? DatabaseError)?.kind != .corruption { verdict.wrong.append("\(error)") }
        }
    }

    private func compareSearches(
        _ index: Int, in collection: Collection, _ verdict: inout Verdict
    ) throws {
        for effort in [SearchEffort.exact, .ef(64), .standard] {
            for filter in [nil, filter] {
                let result = try collection.search(queries[index], limit: 8, effort: effort, filter: filter)
                if !result.complete { verdict.isTold = true }
                let wrong = zip(result.ids, result.scores).filter { scores[index][$0] != $1 }
                if !wrong.isEmpty { verdict.wrong.append("scores \(wrong)") }
                if result.hits.contains(where: { points[$0.record.id]?.payload != $0.record.payload }) {
                    verdict.wrong.append("payloads of a search")
                }
                guard result.complete else { continue }
                if result.ids.count != 8 { verdict.wrong.append("\(result.ids.count) hits") }
                if filter == nil, case .exact = effort, result.ids != Array(nearest[index].prefix(8)) {
                    verdict.wrong.append("hits \(result.ids)")
                }
            }
        }
    }

    private func compareGet(
        _ id: PointID, in collection: Collection, _ verdict: inout Verdict
    ) throws {
        let found = try collection.get([id]).points
        if found.first != points[id] { verdict.wrong.append("\(id) is \(found)") }
    }
}
