// Searches among the rows that a filter leaves: at each selectivity, for filters that have nothing to do with the
// query, that go with it, and that go against it.

import Glibc
import NeedleCore
import NeedleVectors

/// How the rows that a filter leaves lie to the query.
enum FilterKind: String, CaseIterable {
    case random
    /// Those nearest to the query's fiftieth neighbour.
    case correlated
    /// Whole groups of rows, those farthest from the query.
    case opposed = "anti-correlated"
    /// Those farthest from the query: the hardest there is, since hundreds lie equally far.
    case farthest
}

/// The groups of the one file of a run.
private enum GroupCache {
    nonisolated(unsafe) static var groups: [[UInt32]]?
}

/// Masks of one selectivity and kind, one per query, with the true neighbours among their rows.
struct FilteredRun {
    let kind: FilterKind
    let share: Double
    private let queries: [PreparedQuery]
    private let masks: [RowMask]
    private let truth: [[UInt32]]

    /// - Parameter queries: as many masks of one bit a row are kept.
    init(kind: FilterKind, share: Double, queries: [[Float]], table: VectorTable, rows: Int) throws {
        self.kind = kind
        self.share = share
        var masks: [RowMask] = []
        var truth: [[UInt32]] = []
        self.queries = queries.map { PreparedQuery($0, metric: table.metric) }
        for (number, query) in self.queries.enumerated() {
            let distances = try Self.distances(to: query, table: table, rows: rows)
            let admitted = try Self.rows(
                kind, count: max(1, Int(Double(rows) * share)), number: number, distances: distances,
                table: table)
            var mask = RowMask(rowCount: rows)
            for row in admitted { mask.insert(row) }
            masks.append(mask)
            truth.append(
                Array(
                    admitted.sorted { (distances[Int($0)], $0) < (distances[Int($1)], $1) }
                        .prefix(RecallRun.k)))
        }
        self.masks = masks
        self.truth = truth
    }

    private static func distances(to query: PreparedQuery, table: VectorTable, rows: Int) throws -> [Float] {
        var result: [Float] = []
        result.reserveCapacity(rows)
        try ExactScan.scan(0..<UInt32(rows), of: table, query: query, context: OperationContext()) {
            _, distances in
            for i in distances.indices { result.append(distances[i]) }
        }
        return result
    }

    private static func rows(
        _ kind: FilterKind, count: Int, number: Int, distances: [Float], table: VectorTable
    ) throws -> [UInt32] {
        let all = (0..<UInt32(distances.count))
        switch kind {
        case .random:
            var generator = SeededGenerator(seed: UInt64(number))
            return Array(all.shuffled(using: &generator).prefix(count))
        case .correlated:
            let nearest = all.sorted { distances[Int($0)] < distances[Int($1)] }
            let centre = nearest[min(50, nearest.count - 1)]
            let vector = Array(
                UnsafeBufferPointer(start: table.base + Int(centre) * table.stride, count: table.dimension))
            let around = try self.distances(
                to: PreparedQuery(vector, metric: table.metric), table: table, rows: distances.count)
            return Array(all.sorted { around[Int($0)] < around[Int($1)] }.prefix(count))
        case .farthest:
            return Array(all.sorted { distances[Int($0)] > distances[Int($1)] }.prefix(count))
        case .opposed:
            let groups = try self.groups(table: table, rows: distances.count)
            var admitted: [UInt32] = []
            for group in groups.sorted(by: { mean(distances, $0) > mean(distances, $1) }) {
                admitted += group.prefix(count - admitted.count)
                if admitted.count == count { break }
            }
            return admitted
        }
    }

    private static func mean(_ distances: [Float], _ group: [UInt32]) -> Float {
        group.isEmpty ? -.infinity : group.reduce(0) { $0 + distances[Int($1)] } / Float(group.count)
    }

    /// Each row with the nearest of 200 rows spread over the file: as a category would group them.
    private static func groups(table: VectorTable, rows: Int) throws -> [[UInt32]] {
        if let known = GroupCache.groups { return known }
        var nearest = [(distance: Float, group: Int)](repeating: (.infinity, 0), count: rows)
        for group in 0..<200 {
            let centre = UInt32(group * rows / 200)
            let vector = Array(
                UnsafeBufferPointer(
                    start: table.base + Int(centre) * table.stride, count: table.dimension))
            let around = try distances(
                to: PreparedQuery(vector, metric: table.metric), table: table, rows: rows)
            for row in 0..<rows where around[row] < nearest[row].distance {
                nearest[row] = (around[row], group)
            }
        }
        var groups = [[UInt32]](repeating: [], count: 200)
        for row in 0..<rows { groups[nearest[row].group].append(UInt32(row)) }
        GroupCache.groups = groups
        return groups
    }

    /// Recall@10 and the seconds of one search, rescoring in it, the mask ready.
    func measure(
        graph: GraphView, table: VectorTable, ef: Int, scans: Bool, rescored: Int
    ) throws -> (recall: Double, seconds: Double) {
        let scratch = SearchScratch()
        let context = OperationContext()
        var best = Double.infinity
        var results: [[Neighbour]] = []
        for _ in 0..<5 {
            results.removeAll(keepingCapacity: true)
            let start = seconds(CLOCK_THREAD_CPUTIME_ID)
            for (query, mask) in zip(queries, masks) {
                var width = ef
                while true {
                    let found = try GraphSearcher.search(
                        graph, table: table, query: query, ef: width, among: mask, scans: scans,
                        scratch: scratch, context: context)
                    let outcome = Rescoring.rescore(
                        found, wanted: RecallRun.k, atLeast: rescored, of: table, query: query,
                        scratch: scratch)
                    if outcome.isSettled || !scans || width >= mask.count {
                        results.append(outcome.best)
                        break
                    }
                    width *= 4
                }
            }
            best = min(best, seconds(CLOCK_THREAD_CPUTIME_ID) - start)
        }
        var hits = 0
        var wanted = 0
        for (result, truth) in zip(results, truth) {
            hits += result.prefix(RecallRun.k).filter { truth.contains($0.row) }.count
            wanted += truth.count
        }
        return (Double(hits) / Double(wanted), best / Double(queries.count))
    }
}

extension RecallRun {
    /// Prints a table: each kind and selectivity by scan of the codes and by filtered graph.
    func printFiltered(shares: [Double], queries count: Int) throws {
        print("| filter | share | way | ef | recall@10 | µs |\n|---|--:|---|--:|--:|--:|")
        for kind in FilterKind.allCases {
            for share in shares {
                let run = try FilteredRun(
                    kind: kind, share: share, queries: Array(queries.prefix(count)), table: table,
                    rows: Int(graph.header.rowCount))
                for (way, ef) in [("scan", arguments.rescored)] + arguments.widths.map({ ("graph", $0) }) {
                    let result = try run.measure(
                        graph: graph, table: table, ef: ef, scans: way == "scan", rescored: arguments.rescored
                    )
                    print(
                        "| \(kind.rawValue) | \(share) | \(way) | \(ef) | \(rounded(result.recall, 10_000)) |",
                        "\(rounded(result.seconds * 1e6, 10)) |")
                }
            }
        }
    }
}
