// Writing the collection: batches of 500 points in base64, some of them in flight, each acknowledged when it is as
// durable as the collection promises (fsync). Then the time until the last point is indexed.

import Glibc
import NeedleCore

/// A point to be written.
typealias StoredPoint = (id: UInt64, vector: [Float])

enum Import {
    static let batch = 500
    static let inFlight = 8

    static func run(_ options: Options, _ data: VectorData, on connection: Connection) throws -> JSONValue {
        try makeCollection(options, dimension: data.dimension, on: connection)
        let rows = options.stored(of: data.rows)
        let usage = ProcessUsage(options.serverProcess)
        let own = ownProcessorSeconds()
        let start = now()
        try write(rows, of: data, options, on: connection)
        let acknowledged = seconds(since: start)
        let client = ownProcessorSeconds() - own
        try waitUntilIndexed(options, points: rows.count, on: connection)
        let indexed = seconds(since: start)
        var members: [JSONValue.Member] = [
            .init("points", .number(.signed(Int64(rows.count)))),
            .init("points_per_s", .figure(Double(rows.count) / acknowledged)),
            .init("acknowledged_s", .figure(acknowledged, digits: 2)),
            .init("indexed_s", .figure(indexed, digits: 2)),
            .init("client_cpu_us", .figure(client / Double(rows.count) * 1e6)),
        ]
        if options.optimize {
            _ = try connection.call(
                "collection.optimize", ["collection": .string(options.collection), "wait": true])
            members.append(.init("optimized_s", .figure(seconds(since: start), digits: 2)))
        }
        if let usage, let after = ProcessUsage(options.serverProcess) {
            members.append(
                .init("server_cpu_s", .figure(after.processorSeconds - usage.processorSeconds, digits: 2)))
            members.append(.init("server_resident_bytes", .number(.signed(Int64(after.residentBytes)))))
        }
        return .object(members)
    }

    private static func makeCollection(_ options: Options, dimension: Int, on connection: Connection) throws {
        let there = try connection.call("collection.list", [:])["collections"]?.arrayValue ?? []
        if there.contains(where: { $0["name"]?.stringValue == options.collection }) {
            _ = try connection.call("collection.delete", ["collection": .string(options.collection)])
        }
        var space: [JSONValue.Member] = [
            .init("size", .number(.signed(Int64(dimension)))),
            .init("metric", .string(options.metric.rawValue)),
        ]
        if let kind = options.quantization { space.append(.init("quantization", ["kind": .string(kind)])) }
        var graph: [JSONValue.Member] = []
        if let m = options.m { graph.append(.init("m", .number(.signed(Int64(m))))) }
        if let width = options.efConstruct {
            graph.append(.init("ef_construct", .number(.signed(Int64(width)))))
        }
        if !graph.isEmpty { space.append(.init("hnsw", .object(graph))) }
        _ = try connection.call(
            "collection.create", ["name": .string(options.collection), "vectors": .object(space)])
    }

    private static func write(
        _ rows: Range<Int>, of data: VectorData, _ options: Options, on connection: Connection
    ) throws {
        var writer = JSONWriter(reservingCapacity: batch * (data.dimension * 6 + 64))
        var open = 0
        for first in stride(from: rows.lowerBound, to: rows.upperBound, by: batch) {
            let points = (first..<min(first + batch, rows.upperBound)).lazy.map { row in
                (id: UInt64(row), vector: data.row(row))
            }
            writer.reset()
            encode(points, collection: options.collection, id: first, into: &writer)
            try writer.bytes.withUnsafeBytes { try connection.send($0) }
            open += 1
            while open >= inFlight { open -= try connection.receive(checkDurable) }
        }
        while open > 0 { open -= try connection.receive(checkDurable) }
    }

    /// Writes an upsert as one line.
    static func encode(
        _ points: some Sequence<StoredPoint>, collection: String, id: Int, into writer: inout JSONWriter
    ) {
        writer.beginObject()
        writer.key("id")
        writer.write(id)
        writer.key("method")
        writer.write(literal: "point.upsert")
        writer.key("params")
        writer.beginObject()
        writer.key("collection")
        writer.write(collection)
        writer.key("points")
        writer.beginArray()
        for point in points {
            writer.beginObject()
            writer.key("id")
            writer.write(point.id)
            writer.key("vector")
            writer.writeBase64(point.vector.span)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        writer.endObject()
        writer.endLine()
    }

    static func checkDurable(_ reply: Reply) throws {
        guard try reply.result()["durable"]?.stringValue == "fsync" else {
            throw Failure(description: "a write was acknowledged without fsync")
        }
    }

    private static func waitUntilIndexed(_ options: Options, points: Int, on connection: Connection) throws {
        while true {
            let state = try connection.call("collection.get", ["collection": .string(options.collection)])
            guard state["points"]?.integerValue == points else {
                throw Failure(description: "the collection does not hold what was acknowledged: \(state)")
            }
            if state["indexed_points"]?.integerValue == points { return }
            usleep(50_000)
        }
    }
}
