// The figures as a Markdown table and as JSON.

import Glibc
import NeedleCore

struct Report {
    private(set) var phases: [JSONValue.Member] = []
    private(set) var ratios: [JSONValue.Member] = []
    private var rows: [String] = []

    /// A search phase: one row of the table.
    mutating func add(_ name: String, _ json: JSONValue, as title: String? = nil) {
        let names = [
            "searches_per_s", "p50_us", "p99_us", "p999_us", "took_p50_us", "server_cpu_us", "client_cpu_us",
        ]
        let cells = names.map { json[$0]?.doubleValue.map { "\(Int($0.rounded()))" } ?? "" }
        let recall = json["recall_at_10"]?.doubleValue.map { "\($0)" } ?? ""
        rows.append("| \(title ?? name) | \(recall) | \(cells.joined(separator: " | ")) |")
        if title == nil { note(name, json) }
    }

    /// A phase without a row.
    mutating func note(_ name: String, _ json: JSONValue) { phases.append(.init(name, json)) }

    mutating func ratio(_ name: String, _ value: Double?) {
        if let value { ratios.append(.init(name, .figure(value, digits: 3))) }
    }

    var table: String {
        let names = [
            "phase", "recall@10", "searches/s", "p50 µs", "p99 µs", "p99.9 µs", "took_us p50",
            "server CPU µs",
            "client CPU µs",
        ]
        let head = "| \(names.joined(separator: " | ")) |"
        return ([head, "|---|--:|--:|--:|--:|--:|--:|--:|--:|"] + rows).joined(separator: "\n")
    }

    /// Everything, for `scripts/bench`.
    func json(_ options: Options, _ data: VectorData, collection: JSONValue) -> JSONValue {
        [
            "benchmark": "server",
            "data": [
                "file": .string(options.file.split(separator: "/").last.map(String.init) ?? ""),
                "rows": .number(.signed(Int64(data.rows))),
                "dimensions": .number(.signed(Int64(data.dimension))),
                "metric": .string(options.metric.rawValue),
            ],
            "collection": collection,
            "phases": .object(phases),
            "ratios": .object(ratios),
        ]
    }
}

func writeFile(_ path: String, _ bytes: [UInt8]) throws {
    guard let file = fopen(path, "wb") else {
        throw Failure(description: "cannot write \(path): \(systemError())")
    }
    let written = fwrite(bytes, 1, bytes.count, file)
    guard fclose(file) == 0, written == bytes.count else {
        throw Failure(description: "writing \(path) failed: \(systemError())")
    }
}
