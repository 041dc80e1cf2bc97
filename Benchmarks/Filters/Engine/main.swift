// filtered-benchmark VECTORS.npy KEYS.npy NAME,NAME,...
//
// The engine in process, in one thread, for Benchmarks/Filters/run.py: a collection of the vectors, whose payloads are the
// integers of KEYS.npy (a column for each name, stored as floats), with an index on each, optimised. It says "ready", then
// reads commands line by line:
//
//   case RECALL LIMIT KEY LOW HIGH NUMBER NUMBER ...   adds a search: LOW <= KEY < HIGH, or no filter if KEY is "-"
//   forget                                             removes all of them
//   pass                                               answers each: a line with nanoseconds and ids, then "end"
//   again COUNT                                        does COUNT passes and says how long one took: for a profiler
//
// An answer's time is that of the call of `Collection.search`.

import Glibc
import NeedleCore
import VectorFiles

/// Whoever drives this waits for it.
func say(_ line: String) {
    print(line)
    fflush(nil)
}

guard CommandLine.arguments.count == 4 else {
    print("usage: filtered-benchmark VECTORS.npy KEYS.npy NAME,NAME,...")
    exit(64)
}
let run = try FilteredRun(
    vectors: try VectorFile(path: CommandLine.arguments[1]),
    keys: try VectorFile(path: CommandLine.arguments[2]),
    names: CommandLine.arguments[3].split(separator: ",").map(String.init),
    directory: "/tmp/filtered-benchmark-\(getpid())")
say("ready")
var queries: [SearchQuery] = []
while let line = readLine() {
    let words = line.split(separator: " ")
    switch words.first {
    case "case": queries.append(try FilteredRun.query(words.dropFirst()))
    case "forget": queries = []
    case "pass":
        for answer in try run.pass(queries) {
            say(([String(answer.nanoseconds)] + answer.ids).joined(separator: " "))
        }
        say("end")
    case "again":
        let count = words.count > 1 ? Int(words[1]) ?? 1 : 1
        let began = FilteredRun.now()
        for _ in 0..<count { _ = try run.pass(queries) }
        say("\((FilteredRun.now() - began) / UInt64(max(1, count * queries.count))) ns a search")
    default: say("? \(line.prefix(40))")
    }
}
run.remove()
