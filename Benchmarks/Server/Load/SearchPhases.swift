// The timed kinds of searching. Each begins with a pass over all queries that is not timed: it warms up, and its answers
// are compared with the truth. Where no recall is asked for there is no such pass.

import NeedleCore

struct SearchPhases {
    let options: Options
    let queries: [[Float]]
    let metric: Distance

    /// One search a line.
    func singles() -> RequestLines {
        RequestLines("point.search", count: queries.count) { number, writer in
            writer.beginObject()
            writer.key("collection")
            writer.write(options.collection)
            writeSearch(number, &writer)
            writer.endObject()
        }
    }

    /// `options.batch` searches a line; the queries that fill no line are left out.
    func batches() -> RequestLines {
        RequestLines("point.search_batch", count: queries.count / options.batch) { number, writer in
            writer.beginObject()
            writer.key("collection")
            writer.write(options.collection)
            writer.key("searches")
            writer.beginArray()
            for place in 0..<options.batch {
                writer.beginObject()
                writeSearch(number * options.batch + place, &writer)
                writer.endObject()
            }
            writer.endArray()
            writer.endObject()
        }
    }

    private func writeSearch(_ number: Int, _ writer: inout JSONWriter) {
        let query = queries[number]
        writer.key("vector")
        if options.base64 {
            writer.writeBase64(query.span)
        } else {
            writer.writeFloats(query.span)
        }
        writer.key("limit")
        writer.write(Truth.k)
        writer.key("with_payload")
        writer.write(false)
        if case .standard = options.effort { return }
        writer.key("params")
        writer.beginObject()
        switch options.effort {
        case .standard: break
        case .ef(let width):
            writer.key("ef")
            writer.write(width)
        case .recall(let recall):
            writer.key("recall")
            writer.write(recall)
        case .exact:
            writer.key("exact")
            writer.write(true)
        }
        writer.endObject()
    }

    /// About the length of an answer with ten points.
    private static let replyBytes = 500

    // MARK: Phases

    /// Searches over `connections`, each with `inFlight` open.
    func closed(connections: [Connection], inFlight: Int, truth: Truth?) throws -> (Measurement, Double?) {
        var loop = ClosedLoop(singles(), over: connections, inFlight: inFlight)
        var answers = Array(repeating: [UInt64](), count: queries.count)
        if truth != nil {
            try loop.once { reply in answers[reply.id] = Self.ids(try reply.result()) }
        }
        if inFlight >= 8 { loop.wakeSeldom(replyBytes: Self.replyBytes) }
        var measurement = Measurement()
        try measurement.accounted(server: options.serverProcess) { measurement in
            try loop.run(seconds: options.seconds, into: &measurement)
        }
        return (measurement, truth?.recall(of: answers))
    }

    /// Batches, one at a time.
    func batched(connection: Connection, truth: Truth?) throws -> (Measurement, Double?) {
        let lines = batches()
        var loop = ClosedLoop(lines, over: [connection], inFlight: 1)
        var answers = Array(repeating: [UInt64](), count: lines.count * options.batch)
        if truth != nil {
            try loop.once { reply in
                for (place, result) in (try reply.result()["results"]?.arrayValue ?? []).enumerated() {
                    answers[reply.id * options.batch + place] = Self.ids(result)
                }
            }
        }
        var measurement = Measurement()
        try measurement.accounted(server: options.serverProcess) { measurement in
            try loop.run(seconds: options.seconds, into: &measurement)
        }
        return (measurement, truth?.recall(of: answers))
    }

    /// What the searches find now.
    func recall(connection: Connection, truth: Truth) throws -> Double {
        var loop = ClosedLoop(singles(), over: [connection], inFlight: min(8, queries.count))
        var answers = Array(repeating: [UInt64](), count: queries.count)
        try loop.once { reply in answers[reply.id] = Self.ids(try reply.result()) }
        return truth.recall(of: answers)
    }

    private static func ids(_ result: JSONValue) -> [UInt64] {
        (result["points"]?.arrayValue ?? []).compactMap { $0["id"]?.unsignedValue }
    }
}
