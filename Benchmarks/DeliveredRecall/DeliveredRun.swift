// One data set in one collection, queries that it has never seen, and their true neighbours.

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

struct DeliveredRun {
    private static let heldOut = 1_000
    private static let batch = 500
    private static let depths = [1, 10, 50, 100]

    let title: String
    private var database: Database
    private var collection: Collection
    private let directory: String
    private let queries: [[Float]]
    private let others: [[Float]]
    private let truths: [[PointID]]
    private let context = OperationContext()

    /// - Parameter isRandom: the rows held out are random ones, else the first of the file.
    init(
        file: VectorFile, metric: Metric, directory: String, isRandom: Bool
    ) throws(DatabaseError) {
        self.directory = directory
        // The queries of the tables are not to be learnt from.
        database = try Self.open(directory, sampledQueries: 0)
        let space = SpaceConfig(
            name: CollectionConfig.defaultSpaceName, size: file.dimension, metric: metric)
        _ = try database.createCollection(
            named: "c", config: CollectionConfig(spaces: [space], durability: .memory))
        collection = try database.collection(named: "c")
        var generator = SeededGenerator(seed: 1)
        let rest = (isRandom ? 0 : Self.heldOut)..<file.rows
        let order = Array(0..<rest.lowerBound) + rest.shuffled(using: &generator)
        func vector(_ row: Int) -> [Float] {
            Array(file.values[row * file.dimension..<(row + 1) * file.dimension])
        }
        queries = order[..<Self.heldOut].map(vector)
        others = order[Self.heldOut..<2 * Self.heldOut].map(vector)
        var rows = order[(2 * Self.heldOut)...].sorted()[...]
        let began = MonotonicClock.nanoseconds(CLOCK_MONOTONIC)
        while !rows.isEmpty {
            let points = rows.prefix(Self.batch).map { row in
                PointWrite(id: PointID(UInt64(row)), vectors: .single(vector(row)))
            }
            let write = try collection.prepare(
                .upsert(points, ifAbsent: false), model: nil, opKey: nil, context: context)
            if case .failure(let error) = collection.commit([write])[0] { throw error }
            rows = rows.dropFirst(Self.batch)
        }
        while collection.describe().indexedPoints < file.rows - 2 * Self.heldOut {
            _ = database.maintain(context: context)
        }
        let indexed = MonotonicClock.nanoseconds(CLOCK_MONOTONIC)
        while collection.describe().recall.isEmpty, database.maintain(context: context) {}
        let measured = MonotonicClock.nanoseconds(CLOCK_MONOTONIC)
        title = """
            \(file.rows - 2 * Self.heldOut) x \(file.dimension), \(metric.name): indexed in \
            \((indexed - began) / 1_000_000) ms, first measured in \((measured - indexed) / 1_000_000) ms
            """
        var truths: [[PointID]] = []
        for query in queries {
            let query = SearchQuery(
                target: .vector(query), limit: Self.depths.max() ?? 1, effort: .exact,
                selection: PointSelection(payload: .none))
            truths.append(try collection.search(query, context: context).hits.map(\.record.id))
        }
        self.truths = truths
    }

    private static func open(_ directory: String, sampledQueries: Int) throws(DatabaseError) -> Database {
        var options = EngineOptions()
        options.measureShare = 1
        options.recallQueries = sampledQueries
        let database = try Database.open(
            directory: directory, fileSystem: PosixFileSystem(), clock: MonotonicClock(), options: options)
        database.loadCollections()
        return database
    }

    /// Opens the collection again; from now on it takes queries into its sample.
    mutating func reopen() throws(DatabaseError) {
        database.close()
        database = try Self.open(directory, sampledQueries: 256)
        collection = try database.collection(named: "c")
    }

    /// All background work that there is.
    func settle() {
        let began = MonotonicClock.nanoseconds(CLOCK_MONOTONIC)
        while database.maintain(context: context) {}
        print("\nsettled in \((MonotonicClock.nanoseconds(CLOCK_MONOTONIC) - began) / 1_000_000) ms")
    }

    func optimize() throws(DatabaseError) {
        _ = collection.optimize()
        settle()
    }

    /// Other queries, as clients would ask them.
    func askOthers() throws(DatabaseError) {
        for query in others {
            _ = try collection.search(
                SearchQuery(target: .vector(query), selection: PointSelection(payload: .none)),
                context: context)
        }
    }

    func report(_ name: String, targets: [Double]) throws(DatabaseError) {
        let recall = collection.describe().recall
        print("\n### \(name)\n")
        for curve in recall {
            print("k \(curve.k), \(curve.queries) \(curve.source); ef: measured (interval) delivered")
            for point in curve.points {
                let delivered = try measure(.ef(point.ef), limit: curve.k).recall
                let numbers = [point.recall, point.low, point.high, delivered].map(Self.rounded)
                print("- \(point.ef): \(numbers[0]) (\(numbers[1]) … \(numbers[2])) \(numbers[3])")
            }
        }
        print("\n| target | \(Self.depths.map { "recall@\($0) | /s" }.joined(separator: " | ")) |")
        print("|--:|\(Self.depths.map { _ in "--:|--:|" }.joined())")
        for target in targets {
            var cells: [String] = []
            for k in Self.depths {
                let (recall, rate) = try measure(.recall(target), limit: k)
                let mark = recall < target - 0.01 ? " **below**" : ""
                cells.append("\(Self.rounded(recall))\(mark) | \(Int(rate))")
            }
            print("| \(target) | \(cells.joined(separator: " | ")) |")
        }
    }

    /// Delivered recall and searches per second of processor time.
    private func measure(_ effort: SearchEffort, limit: Int) throws(DatabaseError) -> (
        recall: Double, rate: Double
    ) {
        var hits = 0
        let began = MonotonicClock.nanoseconds(CLOCK_THREAD_CPUTIME_ID)
        var answers: [[PointID]] = []
        for query in queries {
            let query = SearchQuery(
                target: .vector(query), limit: limit, effort: effort,
                selection: PointSelection(payload: .none))
            answers.append(try collection.search(query, context: context).hits.map(\.record.id))
        }
        let took = Double(MonotonicClock.nanoseconds(CLOCK_THREAD_CPUTIME_ID) - began) * 1e-9
        for (answer, truth) in zip(answers, truths) {
            hits += Set(answer).intersection(truth.prefix(limit)).count
        }
        return (Double(hits) / Double(limit * queries.count), Double(queries.count) / took)
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

    private static func rounded(_ value: Double) -> Double { (value * 10_000).rounded() / 10_000 }
}
