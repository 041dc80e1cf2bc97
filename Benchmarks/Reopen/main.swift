// reopen-benchmark build DIRECTORY VECTORS ROWS [unsealed]
// reopen-benchmark open DIRECTORY VECTORS [TIMES]
//
// How long it takes from opening a database to the answer of the first search. "build" imports the first rows of a
// .npy or .fbin file into one collection with the default settings and seals them into one segment, or leaves all of
// them to be replayed from the log; "open" opens it a number of times, each time with one search for another of the
// file's last 1,000 rows, and prints each time and the medians. Rows to search for are best not among those imported.

import Glibc
import NeedleCore
import NeedleEngine
import NeedleStorage
import VectorFiles

final class SystemTime: Clock {
    func wallMilliseconds() -> Int64 { Int64(Self.nanoseconds(CLOCK_REALTIME) / 1_000_000) }
    func monotonicNanoseconds() -> UInt64 { Self.nanoseconds(CLOCK_MONOTONIC) }

    static func nanoseconds(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    static var now: UInt64 { nanoseconds(CLOCK_MONOTONIC) }
}

func open(_ directory: String, rows: Int = 1_000_000) throws(DatabaseError) -> Database {
    var options = EngineOptions()
    options.measureShare = 0
    options.growingRows = max(1_024, rows)
    options.growingBytes = 1 << 40
    options.checkpointBytes = 1 << 40
    options.replaySeconds = 3_600
    let database = try Database.open(
        directory: directory, fileSystem: PosixFileSystem(), clock: SystemTime(), options: options)
    database.loadCollections()
    return database
}

func build(_ directory: String, _ file: VectorFile, rows: Int, isSealed: Bool) throws(DatabaseError) {
    let database = try open(directory, rows: rows)
    let space = SpaceConfig(
        name: CollectionConfig.defaultSpaceName, size: file.dimension, metric: .cosine, hnsw: .standard)
    _ = try database.createCollection(named: "c", config: CollectionConfig(spaces: [space], durability: .os))
    let collection = try database.collection(named: "c")
    let context = OperationContext()
    for start in stride(from: 0, to: rows, by: 1_000) {
        let points = (start..<min(rows, start + 1_000)).map { row in
            let from = row % file.rows * file.dimension
            return PointWrite(
                id: PointID(UInt64(row)), vectors: .single(Array(file.values[from..<from + file.dimension])))
        }
        let write = try collection.prepare(
            .upsert(points, ifAbsent: false), model: nil, opKey: nil, context: context)
        if case .failure(let error) = collection.commit([write])[0] { throw error }
    }
    // Unsealed, it ends here as if it had been killed: closing would change nothing but the mark of a clean end.
    guard isSealed else { return }
    _ = collection.optimize()
    while database.maintain(context: context) {}
    database.close()
}

func measure(_ directory: String, _ file: VectorFile, times: Int) throws(DatabaseError) {
    var opened: [Double] = []
    var answered: [Double] = []
    for round in 0..<times {
        let began = SystemTime.now
        let database = try open(directory)
        let ready = SystemTime.now
        let collection = try database.collection(named: "c")
        let from = (file.rows - 1 - round % min(1_000, file.rows)) * file.dimension
        let query = Array(file.values[from..<from + file.dimension])
        let found = try collection.search(
            SearchQuery(target: .vector(query), limit: 10), context: OperationContext())
        let end = SystemTime.now
        opened.append(Double(ready - began) / 1e6)
        answered.append(Double(end - began) / 1e6)
        print(
            "opened in \(opened[round]) ms, \(found.hits.count) hits after \(answered[round]) ms, "
                + "\(database.summaries()[0].points) points, \(found.strategy)")
        database.close()
    }
    print("median: opened \(opened.sorted()[times / 2]) ms, first search \(answered.sorted()[times / 2]) ms")
}

let arguments = Array(CommandLine.arguments.dropFirst())
switch arguments.first {
case "build" where arguments.count >= 4:
    guard let rows = Int(arguments[3]), rows > 0 else { fallthrough }
    try build(
        arguments[1], try VectorFile(path: arguments[2]), rows: rows,
        isSealed: arguments.count < 5 || arguments[4] != "unsealed")
case "open" where arguments.count >= 3:
    try measure(
        arguments[1], try VectorFile(path: arguments[2]),
        times: max(1, arguments.count > 3 ? Int(arguments[3]) ?? 5 : 5))
default:
    print("usage: reopen-benchmark build DIRECTORY VECTORS ROWS [unsealed] | open DIRECTORY VECTORS [TIMES]")
    exit(64)
}
