import Foundation
import NeedleCore
import NeedleServer
import Synchronization
import Testing

/// What `/metrics` shows of a server at work.
@Suite(.serialized, .timeLimit(.minutes(2))) struct MetricsTests {
    @Test func everythingIsValidAndDocumented() throws {
        let server = try httpServer(embedder: StubEmbedder())
        let client = try server.client()
        try client.fill("docs", count: 10)
        _ = try client.call("collection.optimize", #"{"collection":"docs","wait":true}"#)
        _ = try client.call("nothing")
        let answer = try server.ask(.get("/metrics"))
        #expect(answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
        let metrics = try ParsedMetrics(answer.body)
        let exposed = metrics.families.mapValues(\.type)
        #expect(
            exposed == Dictionary(uniqueKeysWithValues: MetricFamily.all.map { ($0.name, $0.kind.rawValue) }))
        let documented = try Self.documented()
        for (name, type) in exposed {
            #expect(documented[name]?.type == type, "\(name) is not in docs/metrics.md, or as something else")
        }
        for name in documented.keys { #expect(exposed[name] != nil, "docs/metrics.md has \(name)") }
        // Labels are those that are documented.
        for (name, family) in metrics.families {
            for sample in family.samples {
                let labels = Set(sample.labels.keys).subtracting(["le"])
                #expect(labels == documented[name]?.labels, "\(name): \(labels)")
            }
        }
    }

    /// Rows of the tables of docs/metrics.md.
    private static func documented() throws -> [String: (type: String, labels: Set<String>)] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "docs/metrics.md"), encoding: .utf8)
        var found: [String: (type: String, labels: Set<String>)] = [:]
        for line in text.split(separator: "\n") where line.hasPrefix("| `needletail_") {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            let labels = cells[2].matches(of: /`([a-z_]+)`/).map { String($0.output.1) }
            #expect(cells.count == 6 && cells.allSatisfy { !$0.isEmpty }, "\(line)")
            let name = cells[0].filter { $0 != "`" }
            #expect(found[name] == nil, "\(name) is there twice")
            found[name] = (cells[1], Set(labels))
        }
        return found
    }

    /// The panels ask for what there is.
    @Test func theDashboardShowsWhatThereIs() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let data = try Data(contentsOf: root.appending(path: "docs/grafana/needletail.json"))
        let dashboard = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let panels = try #require(dashboard["panels"] as? [[String: Any]])
        let queries = panels.flatMap { ($0["targets"] as? [[String: Any]]) ?? [] }
            .compactMap { $0["expr"] as? String }
        #expect(queries.count >= 10)
        let known = Set(MetricFamily.all.map(\.name))
        for query in queries {
            let names = query.matches(of: /needletail_[a-z_]+/).map { String($0.output) }
            #expect(!names.isEmpty, "\(query)")
            for name in names {
                let family = name.replacing(/_(bucket|sum|count)$/, with: "")
                #expect(known.contains(name) || known.contains(family), "\(name) in \(query)")
            }
        }
    }

    @Test func everyRequestIsCountedOnce() throws {
        let server = try httpServer()
        let client = try server.client()
        try client.fill("docs", count: 3)
        func count(_ method: String, _ outcome: String) throws -> Double {
            try server.metrics()["needletail_requests_total", ["method": method, "outcome": outcome]]
        }
        #expect(try count("server.ping", "ok") == 0)
        for expected in 1...3 {
            _ = try client.call("server.ping")
            #expect(try count("server.ping", "ok") == Double(expected))
        }
        // By either side, answered or not.
        #expect(try server.ask(.rpc(#"{"id":1,"method":"server.ping"}"#)).status == 200)
        client.send(#"{"method":"server.ping"}"# + "\n")
        _ = try client.call("server.cancel", #"{"id":77}"#)
        #expect(try count("server.ping", "ok") == 5)
        #expect(try count("server.cancel", "ok") == 1)
        #expect(
            try server.metrics()["needletail_request_duration_seconds_count", ["method": "server.ping"]] == 5)
        _ = try client.call("point.count", #"{"collection":"none"}"#)
        _ = try client.call("point.search", #"{"collection":"docs","vector":[1]}"#)
        #expect(try count("point.count", "not_found") == 1)
        #expect(try count("point.search", "dimension_mismatch") == 1)
        #expect(try count("point.count", "ok") == 0)
        #expect(try count("collection.create", "ok") == 1)
        // Nobody can tell of which method these are.
        for line in ["{", #"{"id":1,"method":"nothing"}"#, #"[7,{"id":1,"method":"server.ping"}]"#] {
            client.send(line + "\n")
            _ = try client.line()
        }
        #expect(try count("unknown", "parse_error") == 1)
        #expect(try count("unknown", "unknown_method") == 1)
        #expect(try count("unknown", "invalid_request") == 1)
        #expect(try count("server.ping", "ok") == 6)
    }

    @Test func whatDoesNotFitIsCountedAsWhatWasAnswered() throws {
        let server = try httpServer { $0.limits.lineBytes = 2_048 }
        let client = try server.client()
        try client.fill("docs", count: 40)
        let ids = (1...40).map(String.init).joined(separator: ",")
        let answer = try client.call(
            "point.get", #"{"collection":"docs","ids":[\#(ids)],"with_vector":true}"#)
        #expect(answer.contains("limit_exceeded"))
        client.send(String(repeating: "x", count: 3_000) + "\n")
        _ = try client.line()
        let metrics = try server.metrics()
        func count(_ method: String, _ outcome: String) -> Double {
            metrics["needletail_requests_total", ["method": method, "outcome": outcome]]
        }
        #expect(count("point.get", "limit_exceeded") == 1 && count("point.get", "ok") == 0)
        #expect(count("unknown", "line_too_long") == 1)
    }

    @Test func whatIsRefusedForWantOfThreadsIsCounted() throws {
        let embedder = StubEmbedder()
        let server = try httpServer(embedder: embedder) {
            $0.embeddingThreads = 1
            $0.queuedRequests = 2
        }
        embedder.isHeld.store(true, ordering: .relaxed)
        let client = try server.client()
        for id in 1...10 {
            client.send(#"{"id":\#(id),"method":"text.embed","params":{"texts":["a"]}}"# + "\n")
        }
        var refused = 0.0
        #expect(
            eventually {
                let labels = ["method": "text.embed", "outcome": "overloaded"]
                refused = (try? server.metrics()["needletail_requests_total", labels]) ?? 0
                return refused >= 7
            })
        #expect(refused <= 8)
        // One of those that were taken is at work, the others wait.
        #expect(
            eventually {
                (try? server.metrics()["needletail_queued_requests", ["pool": "embedding"]]) == 9 - refused
            })
        embedder.isHeld.store(false, ordering: .relaxed)
        for _ in 1...10 { _ = try client.line() }
        #expect(
            try server.metrics()["needletail_requests_total", ["method": "text.embed", "outcome": "ok"]]
                == 10 - refused)
    }

    @Test func nothingCountedEverFalls() throws {
        let server = try httpServer(embedder: StubEmbedder())
        let client = try server.client()
        try client.fill("docs", count: 300)
        var before = try server.metrics()
        for round in 0..<5 {
            for id in 1...40 {
                client.send(
                    #"{"id":\#(id),"method":"point.search","params":{"collection":"docs","point_id":\#(id)}}"#
                        + "\n")
            }
            let meanwhile = try server.metrics()
            for _ in 1...40 { _ = try client.line() }
            let after = try server.metrics()
            for (earlier, later) in [(before, meanwhile), (meanwhile, after)] {
                for (name, family) in earlier.families where family.type != "gauge" {
                    for sample in family.samples {
                        let now = later[sample.name, sample.labels]
                        #expect(now >= sample.value, "\(name) \(sample.labels) in round \(round)")
                    }
                }
            }
            before = after
        }
        let method = ["method": "point.search"]
        #expect(before["needletail_request_duration_seconds_count", method] == 200)
        let sum = before["needletail_request_duration_seconds_sum", method]
        #expect(sum > 0 && sum < 60)
    }

    @Test func bytesAndConnectionsAreCounted() throws {
        let server = try httpServer()
        func tcp(_ name: String) throws -> Double {
            try server.metrics()["needletail_\(name)", ["transport": "tcp"]]
        }
        #expect(try tcp("connections") == 0 && tcp("connections_opened_total") == 0)
        let client = try server.client()
        #expect(try tcp("connections") == 1 && tcp("connections_opened_total") == 1)
        let (received, sent) = (try tcp("received_bytes_total"), try tcp("sent_bytes_total"))
        #expect(received == 0 && sent > 100)
        let line = #"{"id":1,"method":"server.ping"}"# + "\n"
        client.send(line)
        let answer = try #require(try client.line())
        #expect(try tcp("received_bytes_total") == Double(line.utf8.count))
        #expect(try tcp("sent_bytes_total") == sent + Double(answer.utf8.count) + 1)
        let first = try server.metrics()
        let second = try server.metrics()
        let http = ["transport": "http"]
        let request = Double(HTTPMessage.get("/metrics").head.utf8.count)
        #expect(
            second["needletail_received_bytes_total", http] == first["needletail_received_bytes_total", http]
                + request)
        #expect(
            second["needletail_connections_opened_total", http] == first[
                "needletail_connections_opened_total", http] + 1)
        let route = ["route": "metrics", "status": "200"]
        #expect(
            second["needletail_http_responses_total", route] == first[
                "needletail_http_responses_total", route] + 1)
    }

    @Test func syncsOfTheLogAreMeasured() throws {
        let server = try httpServer()
        let client = try server.client()
        try client.fill("docs", count: 3)
        let before = try server.metrics()
        for id in 1...4 {
            let points = #"[{"id":\#(id),"vector":[1,2,3,4]}]"#
            _ = try client.call("point.upsert", #"{"collection":"docs","points":\#(points)}"#)
        }
        let after = try server.metrics()
        func rise(_ name: String) -> Double { after[name] - before[name] }
        #expect(rise("needletail_log_sync_duration_seconds_count") == 4)
        #expect(rise("needletail_log_sync_duration_seconds_sum") > 0)
        #expect(rise("needletail_log_written_bytes_total") >= 4 * 16)
        let docs = ["collection": "docs"]
        #expect(
            after["needletail_collection_log_bytes", docs] > before["needletail_collection_log_bytes", docs])
    }

    @Test func onlySoManyCollectionsHaveSeriesOfTheirOwn() throws {
        let server = try httpServer { $0.http.metricsCollections = 2 }
        let client = try server.client()
        for (name, count) in [("a", 1), ("b", 2), ("c", 30), ("d", 400)] {
            try client.fill(name, count: count)
        }
        let metrics = try server.metrics()
        func points(_ name: String) -> Double {
            metrics["needletail_collection_points", ["collection": name]]
        }
        #expect(points("a") == 1 && points("b") == 2 && points(".other") == 430)
        #expect(metrics["needletail_collection_segments", ["collection": ".other", "kind": "growing"]] == 2)
        #expect(metrics["needletail_collections", ["state": "ready"]] == 4)
        let names = metrics.families.values.flatMap(\.samples).compactMap { $0.labels["collection"] }
        #expect(Set(names) == ["a", "b", ".other"])
    }
}
