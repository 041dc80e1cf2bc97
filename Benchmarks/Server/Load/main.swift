// server-benchmark FILE --server HOST:PORT [options]: load over TCP on a running server. `Benchmarks/Server/run` starts
// one and runs this.

import Glibc
import NeedleCore

func stop(_ message: String, status: Int32) -> Never {
    _ = Array("\(message)\n".utf8).withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    exit(status)
}

/// All phases asked for, in their order.
func measure(_ options: Options) throws {
    let data = try VectorData(path: options.file)
    guard data.rows > options.queries else { throw Failure(description: "the file has queries only") }
    let queries = (0..<options.queries).map(data.row)
    let connection = try Connection(host: options.host, port: options.port)
    var report = Report()
    if options.phases.contains("import") {
        let figures = try Import.run(options, data, on: connection)
        report.note("import", figures)
        print("import: \(String(decoding: figures.utf8, as: UTF8.self))\n")
    }
    let phases = SearchPhases(options: options, queries: queries, metric: options.metric)
    let stored = options.stored(of: data.rows)
    if options.phases != ["import"] {
        let truth =
            options.recallWanted
            ? Truth(data, queries: queries, stored: stored, metric: options.metric) : nil
        try measureSearches(phases, data, truth, on: connection, into: &report)
        print(report.table)
    }
    if !report.ratios.isEmpty {
        print("\n| ratio | |\n|---|--:|")
        for ratio in report.ratios { print("| \(ratio.name) | \(ratio.value.doubleValue ?? .nan) |") }
    }
    let state = try connection.call("collection.get", ["collection": .string(options.collection)])
    if let path = options.json {
        try writeFile(path, report.json(options, data, collection: state).utf8 + [10])
    }
}

func measureSearches(
    _ phases: SearchPhases, _ data: VectorData, _ truth: Truth?, on connection: Connection,
    into report: inout Report
) throws {
    let options = phases.options
    for name in options.phases {
        switch name {
        case "sequential":
            let (figures, recall) = try phases.closed(connections: [connection], inFlight: 1, truth: truth)
            report.add(name, figures.json(recall: recall))
            addBeyond("single_p50", figures, options, into: &report)
            guard options.pollMicroseconds > 0 else { continue }
            connection.pollMicroseconds = options.pollMicroseconds
            let (polling, _) = try phases.closed(connections: [connection], inFlight: 1, truth: nil)
            connection.pollMicroseconds = 0
            report.note("sequential_polling", polling.json(recall: nil))
            report.add("", polling.json(recall: nil), as: "sequential, the client polls")
            addBeyond("single_p50_polling", polling, options, into: &report)
        case "pipelined":
            let (figures, recall) = try phases.closed(
                connections: [connection], inFlight: options.inFlight, truth: truth)
            report.add(name, figures.json(recall: recall))
            report.ratio(
                "pipelined_over_in_process",
                options.inProcess.map { Double(figures.answers) / figures.seconds / $0 })
            // The same in processor time: what other load on the machine disturbs less.
            if let rate = options.inProcess, let server = figures.serverSeconds {
                report.ratio("pipelined_cpu_over_in_process", Double(figures.answers) / server / rate)
            }
        case "connections":
            let several = try (0..<options.connections).map { _ in
                try Connection(host: options.host, port: options.port)
            }
            let (figures, recall) = try phases.closed(connections: several, inFlight: 1, truth: truth)
            report.add(name, figures.json(recall: recall))
        case "batch":
            let (figures, recall) = try phases.batched(connection: connection, truth: truth)
            report.add(name, figures.json(searches: options.batch, recall: recall))
        case "mixed": try measureMixed(phases, data, truth, on: connection, into: &report)
        default: break
        }
    }
}

/// What a lone search takes beyond the search itself.
func addBeyond(_ name: String, _ figures: Measurement, _ options: Options, into report: inout Report) {
    report.ratio("\(name)_beyond_took_us", figures.tookMedian.map { figures.latency(50) - $0 })
    report.ratio("\(name)_beyond_in_process_us", options.inProcess.map { figures.latency(50) - 1e6 / $0 })
}

/// Searches beside writes; then what the searches find with everything written.
func measureMixed(
    _ phases: SearchPhases, _ data: VectorData, _ truth: Truth?, on connection: Connection,
    into report: inout Report
) throws {
    let (figures, written) = try MixedPhase(phases: phases, data: data).run(on: connection)
    var recall: Double?
    if var truth {
        truth.add(written, queries: phases.queries, metric: phases.metric)
        recall = try phases.recall(connection: connection, truth: truth)
    }
    guard let idle = figures["idle"], let mixed = figures["while_writing"] else { return }
    report.note("mixed", figures)
    report.add("idle", idle, as: "paced, idle")
    report.add("while_writing", mixed, as: "paced, while writing")
    if let before = idle["p99_us"]?.doubleValue, let during = mixed["p99_us"]?.doubleValue {
        report.ratio("p99_while_writing_over_idle", during / before)
    }
    report.ratio("written_per_s", figures["written_per_s"]?.doubleValue)
    report.ratio("recall_after_writing", recall)
}

do {
    try measure(try Options(CommandLine.arguments.dropFirst()))
} catch let failure as Failure where CommandLine.arguments.count < 3 {
    stop("\(failure)\n\(usage)", status: 64)
} catch {
    stop("\(error)", status: 1)
}
