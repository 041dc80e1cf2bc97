// delivered-recall PATH [METRIC [TARGETS [HELD-OUT [DIRECTORY]]]]
//
// Imports the vectors of a .npy or .fbin file into a collection of the engine, lets it measure itself, and asks
// queries that it has never seen at several targets: what recall is delivered, and how fast. 2,000 rows
// are not imported: one half is asked for the tables (HELD-OUT: "random" rows, or the "first" of the file, which in
// many files are unlike the others); the other half, always random, is what clients ask before the last table, so
// that the collection measures itself with queries.

import Glibc
import NeedleCore
import NeedleEngine
import NeedleStorage
import VectorFiles

guard CommandLine.arguments.count > 1 else {
    print("usage: delivered-recall PATH [METRIC [TARGET,TARGET,... [random|first [DIRECTORY]]]]")
    exit(64)
}
func argument(_ index: Int, _ fallback: String) -> String {
    CommandLine.arguments.count > index ? CommandLine.arguments[index] : fallback
}
let targets = argument(3, "0.8,0.9,0.95,0.97,0.98,0.99,0.995").split(separator: ",").compactMap { Double($0) }
let metric = Metric(name: argument(2, "cosine")) ?? .cosine
var run = try DeliveredRun(
    file: try VectorFile(path: argument(1, "")), metric: metric,
    directory: argument(5, "/tmp/delivered-recall-\(getpid())"), isRandom: argument(4, "random") == "random")
print(run.title)
try run.report("stored points, first sample", targets: targets)
run.settle()
try run.report("stored points, full sample", targets: targets)
try run.optimize()
try run.report("after sealing", targets: targets)
try run.reopen()
try run.askOthers()
run.settle()
try run.report("queries", targets: targets)
run.remove()
