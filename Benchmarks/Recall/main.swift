// recall-benchmark PATH [METRIC [M [EFC [EF,EF,... [THREADS [TIER]]]]]]
//
// Builds a graph over the vectors of a .npy or .fbin file and prints recall@10 and searches per second as a
// Markdown table. The first 1,000 rows are the queries and are not in the graph.
// Benchmarks/Peers/hnswlib_curve.py does the same with hnswlib.

import Glibc
import NeedleCore
import NeedleVectors

func seconds(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

func argument(_ index: Int, _ fallback: String) -> String {
    CommandLine.arguments.count > index ? CommandLine.arguments[index] : fallback
}

guard CommandLine.arguments.count > 1 else {
    print("usage: recall-benchmark PATH [METRIC [M [EFC [EF,EF,... [THREADS [TIER]]]]]]")
    exit(64)
}
let metric = Metric(name: argument(2, "cosine")) ?? .cosine
let parameters = GraphBuilder.Parameters(
    m: Int(argument(3, "16")) ?? 16, efConstruction: Int(argument(4, "128")) ?? 128, seed: 1)
let widths = argument(5, "16,32,48,64,96,128,256").split(separator: ",").compactMap { Int($0) }
let threads = Int(argument(6, "1")) ?? 1
let cap: DistanceKernels.Tier =
    switch argument(7, "best") {
    case "scalar": .scalar
    case "avx2": .avx2
    default: .avx512
    }
let file = try VectorFile(path: argument(1, ""))
let run = try RecallRun(
    file: file, metric: metric, parameters: parameters, threads: threads, kernels: DistanceKernels(cap: cap))
print("\(run.title)\n")
print("| ef | recall@10 | searches/s | µs | distances' tier |\n|--:|--:|--:|--:|---|")
for width in widths {
    let result = try run.measure(ef: width)
    let recall = (result.recall * 10_000).rounded() / 10_000
    print(
        "| \(width) | \(recall) | \(Int(1 / result.seconds)) | \(Int(result.seconds * 1e6)) |",
        "\(run.kernels.tierName) |")
}
