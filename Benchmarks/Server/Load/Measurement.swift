// The figures of one timed phase.

import Histogram
import NeedleCore

/// Answers, time, and what both sides spent.
struct Measurement {
    private(set) var answers = 0
    var seconds = 0.0
    var clientSeconds = 0.0
    var serverSeconds: Double?
    /// Nanoseconds from sending (or from when sending was due) to the answer.
    private(set) var latency = Histogram<UInt64>(numberOfSignificantValueDigits: .three)
    /// Microseconds that the server itself named.
    private(set) var took = Histogram<UInt64>(numberOfSignificantValueDigits: .three)

    mutating func record(latency nanoseconds: UInt64, took microseconds: Int?) {
        answers += 1
        _ = latency.record(nanoseconds)
        if let microseconds { _ = took.record(UInt64(microseconds)) }
    }

    /// Microseconds at a percentile of the latencies.
    func latency(_ percentile: Double) -> Double { Double(latency.valueAtPercentile(percentile)) / 1_000 }

    var tookMedian: Double? { took.totalCount == 0 ? nil : Double(took.valueAtPercentile(50)) }

    /// Runs `body` and notes the processor time that both sides used meanwhile.
    mutating func accounted(server process: Int32?, _ body: (inout Measurement) throws -> Void) rethrows {
        let before = ProcessUsage(process)
        let own = ownProcessorSeconds()
        let start = now()
        try body(&self)
        seconds += Double(now() - start) * 1e-9
        clientSeconds += ownProcessorSeconds() - own
        if let before, let after = ProcessUsage(process) {
            serverSeconds = (serverSeconds ?? 0) + after.processorSeconds - before.processorSeconds
        }
    }

    /// - Parameter searches: searches in each answer.
    func json(searches: Int = 1, recall: Double?) -> JSONValue {
        let count = Double(answers * searches)
        var members: [JSONValue.Member] = [
            .init("searches_per_s", .figure(count / seconds)),
            .init("p50_us", .figure(latency(50))),
            .init("p99_us", .figure(latency(99))),
            .init("p999_us", .figure(latency(99.9))),
            .init("client_cpu_us", .figure(clientSeconds / count * 1e6)),
        ]
        if let tookMedian { members.append(.init("took_p50_us", .figure(tookMedian))) }
        if let serverSeconds { members.append(.init("server_cpu_us", .figure(serverSeconds / count * 1e6))) }
        if let recall { members.append(.init("recall_at_10", .figure(recall, digits: 4))) }
        return .object(members)
    }
}

extension JSONValue {
    /// A number for people: rounded to so many digits behind the point.
    static func figure(_ value: Double, digits: Int = 1) -> JSONValue {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let rounded = (value * scale).rounded() / scale
        return rounded.isFinite ? .number(.double(rounded)) : .null
    }
}
