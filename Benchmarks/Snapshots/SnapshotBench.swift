import Glibc
import NeedleCore
import NeedleEngine
import NeedleStorage
import Synchronization

/// Nanoseconds of every call.
struct Latencies: Sendable {
    var searches: [UInt64] = []
    var writes: [UInt64] = []

    static func text(_ times: [UInt64]) -> String {
        let sorted = times.sorted()
        guard let last = sorted.last else { return "none" }
        let percentiles = [0.5, 0.99, 0.999].map { share in
            sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))] / 1_000
        }
        return "\(times.count): p50 \(percentiles[0]) p99 \(percentiles[1]) p99.9 \(percentiles[2]) "
            + "max \(last / 1_000) µs"
    }
}

final class BenchClock: Clock {
    private func now(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    func wallMilliseconds() -> Int64 { Int64(now(CLOCK_REALTIME) / 1_000_000) }
    func monotonicNanoseconds() -> UInt64 { now(CLOCK_MONOTONIC) }
}

/// One collection, and the threads that use it.
final class SnapshotBench {
    private let rows: Int
    private let dimensions: Int
    private let directory: String
    private let fileSystem = PosixFileSystem()
    private let clock = BenchClock()
    private let database: Database
    private var generator = SeededGenerator(seed: 1)
    private var nextID: UInt64 = 0
    private(set) var snapshotTimes: [UInt64] = []

    init(rows: Int, dimensions: Int, directory: String) throws {
        self.rows = rows
        self.dimensions = dimensions
        self.directory = directory
        var options = EngineOptions()
        options.measureShare = 0
        database = try Database.open(
            directory: directory, fileSystem: fileSystem, clock: clock, options: options)
        let space = SpaceConfig(name: CollectionConfig.defaultSpaceName, size: dimensions, metric: .euclid)
        _ = try database.createCollection(named: "c", config: CollectionConfig(spaces: [space]))
    }

    func remove() {
        database.close()
        do { try fileSystem.removeTree(directory) } catch { print("left behind: \(directory)") }
    }

    private func vector() -> [Float] {
        (0..<dimensions).map { _ in Float.random(in: -1...1, using: &generator) }
    }

    private func batch(_ count: Int) -> [PointWrite] {
        (0..<count).map { _ in
            nextID += 1
            return PointWrite(
                id: PointID(nextID), vectors: .single(vector()),
                payload: Payload(compactJSON: Array(#"{"n":\#(nextID)}"#.utf8)))
        }
    }

    private static func write(_ points: [PointWrite], to collection: Collection) throws {
        let write = try collection.prepare(
            .upsert(points, ifAbsent: false), model: nil, opKey: nil, context: OperationContext())
        _ = try collection.commit([write])[0].get()
    }

    /// Most rows sealed, a tenth still growing.
    func fill() throws {
        let collection = try database.collection(named: "c")
        while nextID < rows * 9 / 10 { try Self.write(batch(1_000), to: collection) }
        _ = collection.optimize()
        while database.maintain(context: OperationContext()) {}
        while nextID < rows { try Self.write(batch(1_000), to: collection) }
        print("\(rows) rows of \(dimensions) dimensions in \(directory)")
    }

    func round(seconds: Int, withSnapshots: Bool, into measured: inout [Bool: Latencies]) throws {
        let collection = try database.collection(named: "c")
        let queries = (0..<1_000).map { _ in vector() }
        let batches = (0..<20_000).map { _ in batch(10) }
        let isOver = Atomic<Bool>(false)
        let found = Mutex(Latencies())
        let taken = Mutex<[UInt64]>([])
        let (database, clock) = (database, clock)
        let threads = [
            BenchThread(nice: 0) {
                var times: [UInt64] = []
                while !isOver.load(ordering: .relaxed) {
                    let query = SearchQuery(target: .vector(queries[times.count % queries.count]))
                    let start = clock.monotonicNanoseconds()
                    _ = try collection.search(query, context: OperationContext())
                    times.append(clock.monotonicNanoseconds() - start)
                    usleep(500)
                }
                found.withLock { [times] in $0.searches = times }
            },
            BenchThread(nice: 0) {
                var times: [UInt64] = []
                while !isOver.load(ordering: .relaxed), times.count < batches.count {
                    let start = clock.monotonicNanoseconds()
                    try Self.write(batches[times.count], to: collection)
                    times.append(clock.monotonicNanoseconds() - start)
                    usleep(1_000)
                }
                found.withLock { [times] in $0.writes = times }
            },
            BenchThread(nice: 10) {
                while !isOver.load(ordering: .relaxed) {
                    if !database.maintain(context: OperationContext()) { usleep(2_000) }
                }
            },
            BenchThread(nice: 10) {
                while withSnapshots, !isOver.load(ordering: .relaxed) {
                    let start = clock.monotonicNanoseconds()
                    let work = database.beginSnapshotWork(
                        "snapshot", collection: "c", context: OperationContext())
                    let made = try database.createSnapshot(of: "c", work: work)
                    let took = (clock.monotonicNanoseconds() - start) / 1_000_000
                    taken.withLock { $0.append(took) }
                    try database.deleteSnapshot(made.name)
                }
            },
        ]
        sleep(UInt32(seconds))
        isOver.store(true, ordering: .relaxed)
        for thread in threads { try thread.join() }
        let latencies = found.withLock { $0 }
        measured[withSnapshots]?.searches += latencies.searches
        measured[withSnapshots]?.writes += latencies.writes
        snapshotTimes += taken.withLock { $0 }
    }
}

/// A thread of a priority.
final class BenchThread: Sendable {
    private let nice: Int32
    private let body: @Sendable () throws -> Void
    private let failure = Mutex<(any Error)?>(nil)
    private let handle = Mutex<pthread_t?>(nil)

    init(nice: Int32, _ body: @escaping @Sendable () throws -> Void) {
        self.nice = nice
        self.body = body
        var thread = pthread_t()
        let status = pthread_create(
            &thread, nil,
            { argument in
                // SAFETY: the thread takes over the reference that passRetained made.
                if let argument { Unmanaged<BenchThread>.fromOpaque(argument).takeRetainedValue().run() }
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        precondition(status == 0, "a thread")
        handle.withLock { [thread] in $0 = thread }
    }

    private func run() {
        // On Linux "process" 0 is the calling thread alone.
        if nice != 0 { _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, nice) }
        do { try body() } catch { failure.withLock { [error] in $0 = error } }
    }

    func join() throws {
        if let thread = handle.withLock({ $0 }) { pthread_join(thread, nil) }
        if let error = failure.withLock({ $0 }) { throw error }
    }
}
