// What /metrics shows: what was counted, and what is looked up now. Made on a thread of its own when somebody asks.

import NeedleCore
import NeedleEngine
import NeedleWire

/// Where the figures of a server come from.
struct MetricsPage: Sendable {
    let metrics: ServerMetrics
    let database: Database
    let status: ServerStatus
    /// Connections that are open, by transport.
    let connections: @Sendable () -> [(transport: String, count: Int)]
    /// Requests that wait, by the threads they wait for.
    let queues: @Sendable () -> [(pool: String, requests: Int)]
    let isReady: @Sendable () -> Bool
    /// Collections, and spaces of collections, that get series of their own.
    let limit: Int

    func make() -> [UInt8] {
        var text = MetricsText()
        addProcess(&text)
        addRequests(&text)
        addTransports(&text)
        let meters = database.meters
        text.family(.logSync) { $0.add([], meters.logSyncs) }
        text.family(.logWritten, Double(meters.loggedBytes))
        CollectionSeries(database.figures(), limit: limit).add(to: &text)
        addMemory(&text)
        addEmbedding(&text)
        addJobs(&text)
        return text.bytes
    }

    // MARK: The process

    private func addProcess(_ text: inout MetricsText) {
        text.family(.build) {
            let kernels = (name: "kernels", value: status.kernelTier)
            $0.add([(name: "version", value: needletailVersion), kernels], 1)
        }
        text.family(.uptime, Double(status.uptimeNanoseconds) / 1e9)
        text.family(.cpu, ProcessSettings.processorSeconds())
        text.family(.resident, Double(ProcessSettings.residentBytes()))
        text.family(.openFiles, Double(ProcessSettings.openFiles()))
        text.family(.maximumFiles, Double(ProcessSettings.fileLimit()))
        text.family(.ready, isReady() ? 1 : 0)
    }

    // MARK: Requests

    private func addRequests(_ text: inout MetricsText) {
        let meters = metrics.meters
        text.family(.requests) { samples in
            for (method, meter) in meters {
                let label = (name: "method", value: method?.rawValue ?? "unknown")
                let answered = meter.answered.counts.total
                if method != nil { samples.add([label, (name: "outcome", value: "ok")], answered) }
                for (kind, count) in meter.failed {
                    samples.add([label, (name: "outcome", value: kind.rawValue)], count)
                }
            }
        }
        text.family(.requestDuration) { samples in
            for (method, meter) in meters {
                guard let method else { continue }
                samples.add([(name: "method", value: method.rawValue)], meter.answered)
            }
        }
        text.family(.queued) { samples in
            for (pool, requests) in queues() { samples.add([(name: "pool", value: pool)], requests) }
        }
    }

    private func addTransports(_ text: inout MetricsText) {
        text.family(.connections) { samples in
            for (transport, count) in connections() {
                samples.add([(name: "transport", value: transport)], count)
            }
        }
        let figures = [("tcp", metrics.tcp.figures), ("http", metrics.http.figures)]
        func add(_ family: MetricFamily, _ value: (TransportMeter.Figures) -> Int) {
            text.family(family) { samples in
                for (transport, figures) in figures {
                    samples.add([(name: "transport", value: transport)], value(figures))
                }
            }
        }
        add(.connectionsOpened) { $0.opened }
        add(.connectionsRefused) { $0.refused }
        add(.received) { $0.received }
        add(.sent) { $0.sent }
        text.family(.httpResponses) { samples in
            for (outcome, count) in metrics.httpResponses {
                let status = (name: "status", value: String(outcome.status))
                samples.add([(name: "route", value: outcome.route), status], count)
            }
        }
    }

    // MARK: Memory, embedding, jobs

    private func addMemory(_ text: inout MetricsText) {
        text.family(.memory) { samples in
            for (purpose, bytes) in status.memory(of: database) {
                samples.add([(name: "purpose", value: purpose)], bytes)
            }
        }
    }

    private func addEmbedding(_ text: inout MetricsText) {
        let cache = database.embedders.first?.cacheStatistics
        func tiers(_ memory: Int, _ file: Int) -> (inout MetricsText.Samples) -> Void {
            { samples in
                guard cache != nil else { return }
                samples.add([(name: "tier", value: "memory")], memory)
                samples.add([(name: "tier", value: "file")], file)
            }
        }
        func one(_ value: Int?) -> (inout MetricsText.Samples) -> Void {
            { samples in if let value { samples.add([], value) } }
        }
        text.family(.cacheHits, tiers(cache?.memoryHits ?? 0, cache?.fileHits ?? 0))
        text.family(.cacheMisses, one(cache?.misses))
        text.family(.cacheEntries, one(cache?.entries))
        text.family(.cacheBytes, tiers(cache?.bytesInMemory ?? 0, cache?.bytesOnDisk ?? 0))
    }

    private func addJobs(_ text: inout MetricsText) {
        let jobs = database.jobs()
        let states = Dictionary(grouping: jobs) { JobGroup(kind: $0.kind, state: $0.state.rawValue) }
        text.family(.jobs) { samples in
            for (group, jobs) in states.sorted(by: { $0.key < $1.key }) {
                let labels = [(name: "kind", value: group.kind), (name: "state", value: group.state)]
                samples.add(labels, jobs.count)
            }
        }
        // By kind only: what a job is about has a name that users made, and it may be one of very many.
        let running = Dictionary(grouping: jobs.filter { $0.state == .running && $0.total > 0 }, by: \.kind)
        text.family(.jobProgress) { samples in
            for (kind, jobs) in running.sorted(by: { $0.key < $1.key }) {
                let shares = jobs.map { Double($0.done) / Double($0.total) }
                samples.add([(name: "kind", value: kind)], shares.reduce(0, +) / Double(shares.count))
            }
        }
    }

    private struct JobGroup: Hashable, Comparable {
        var kind: String
        var state: String

        static func < (left: JobGroup, right: JobGroup) -> Bool {
            (left.kind, left.state) < (right.kind, right.state)
        }
    }
}
