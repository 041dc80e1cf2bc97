// recall-benchmark PATH [flags]
//
// Builds a graph over the vectors of a .npy or .fbin file and prints recall@10 and searches per second as a
// Markdown table; `--json FILE` writes the same for Benchmarks/Peers. The first 1,000 rows are the queries and
// are not in the graph.

import Glibc
import NeedleCore
import NeedleVectors
import VectorFiles

func seconds(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

func rounded(_ value: Double, _ places: Double) -> Double { (value * places).rounded() / places }

let arguments = Arguments(Array(CommandLine.arguments.dropFirst()))
let run = try RecallRun(file: try VectorFile(path: arguments.path), arguments: arguments)
print("\(run.title)\n")
if !arguments.shares.isEmpty {
    try run.printFiltered(shares: arguments.shares, queries: 200)
    exit(0)
}
print("| ef | recall@10 | searches/s | µs | distances' tier |\n|--:|--:|--:|--:|---|")
var points: [String] = []
for width in arguments.widths {
    let result = try run.measure(ef: width)
    let rate = 1 / result.seconds
    print(
        "| \(width) | \(rounded(result.recall, 10_000)) | \(Int(rate)) | \(Int(result.seconds * 1e6)) |",
        "\(run.kernels.tierName) |")
    points.append(
        """
        {"setting": "ef \(width)", "recall": \(result.recall), "searches_per_second": \(rounded(rate, 10))}
        """)
}
if let path = arguments.json {
    let text = """
        {"name": "needletail \(arguments.quantization.rawValue)", "build_seconds": \(run.buildSeconds), \
        "threads": \(arguments.threads), "points": [\(points.joined(separator: ", "))]}

        """
    guard let file = fopen(path, "w"), fputs(text, file) >= 0, fclose(file) == 0 else {
        print("recall-benchmark: cannot write \(path)")
        exit(74)
    }
}
