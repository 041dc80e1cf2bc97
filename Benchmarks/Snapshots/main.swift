// snapshot-benchmark [ROWS [DIMENSIONS [SECONDS [DIRECTORY]]]]
//
// What taking snapshots costs those who search and write meanwhile: one thread searches, one writes batches of ten
// points with durability fsync, one does the background work and one takes a snapshot after the other (both at nice
// 10, as in the server). Rounds with and without snapshots take turns; the 50th, 99th and 99.9th percentile of both.

import Glibc
import NeedleCore
import NeedleEngine
import NeedleStorage
import Synchronization

func argument(_ index: Int, _ fallback: Int) -> Int {
    CommandLine.arguments.count > index ? Int(CommandLine.arguments[index]) ?? fallback : fallback
}
let bench = try SnapshotBench(
    rows: argument(1, 100_000), dimensions: argument(2, 128),
    directory: CommandLine.arguments.count > 4
        ? CommandLine.arguments[4] : "/tmp/snapshot-benchmark-\(getpid())")
try bench.fill()
let seconds = argument(3, 10)
var measured: [Bool: Latencies] = [false: Latencies(), true: Latencies()]
for round in 0..<4 { try bench.round(seconds: seconds, withSnapshots: round % 2 == 1, into: &measured) }
for withSnapshots in [false, true] {
    let name = withSnapshots ? "with snapshots" : "without       "
    let latencies = measured[withSnapshots] ?? Latencies()
    print(
        "\(name)  searches \(Latencies.text(latencies.searches))  writes \(Latencies.text(latencies.writes))")
}
print("snapshots taken: \(bench.snapshotTimes.count), ms each: \(bench.snapshotTimes)")
bench.remove()
