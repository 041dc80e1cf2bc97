import Glibc
import NeedleCore
import NeedleServer
import Synchronization
import Testing

/// The real engine behind real sockets.
@Suite(.serialized, .timeLimit(.minutes(2))) struct ServerTests {
    @Test func everyMethodAnswers() throws {
        let server = try TestServer()
        let client = try server.client()
        try client.fill("docs", count: 20)
        #expect(try client.call("server.ping").contains("now_ms"))
        #expect(
            try client.call("collection.list").contains(#"[{"name":"docs","points":20,"state":"ready"}]"#))
        #expect(try client.call("server.health").contains(#""docs":{"state":"ready""#))
        let got = try client.call("point.get", #"{"collection":"docs","ids":[3,99,"3"]}"#)
        #expect(got.contains(#""missing":[99,"3"]"#) && got.contains(#""payload":{"n":3}"#))
        #expect(try client.call("point.count", #"{"collection":"docs"}"#).contains(#""count":20"#))
        let found = try client.call("point.search", #"{"collection":"docs","vector":[9,1,2,3],"limit":1}"#)
        #expect(found.contains(#""points":[{"id":9,"#) && found.contains(#""complete":true"#))
        let both = try client.call(
            "point.search_batch", #"{"collection":"docs","searches":[{"vector":[9,1,2,3]},{"point_id":2}]}"#)
        #expect(both.contains(#""results":["#))
        #expect(try client.call("point.scroll", #"{"collection":"docs","limit":3}"#).contains(#""cursor":""#))
        #expect(
            try client.call("point.delete", #"{"collection":"docs","ids":[1,2]}"#).contains(#""deleted":2"#))
        #expect(try client.call("collection.get", #"{"collection":"docs"}"#).contains(#""points":18"#))
        let updated = try client.call("collection.update", #"{"collection":"docs","quality_baseline":"now"}"#)
        #expect(updated.contains(#""lsn":"#) && updated.contains(#""job":null"#), "\(updated)")
        #expect(
            try client.call("collection.get", #"{"collection":"docs","quality":true}"#).contains(#""lsn""#))
        #expect(try client.call("collection.optimize", #"{"collection":"docs"}"#).contains(#""job":""#))
        #expect(try client.call("collection.delete", #"{"collection":"docs"}"#).contains(#""deleted":true"#))
        #expect(try client.call("point.count", #"{"collection":"docs"}"#).contains("not_found"))
    }

    @Test func infoHasRealFigures() throws {
        let server = try TestServer()
        let client = try server.client()
        try client.fill("docs", count: 5)
        let info = try client.call("server.info")
        #expect(info.contains(#""version":"0.1.0""#) && info.contains(#""kernel_tier":""#))
        #expect(info.contains(#""line_bytes":67108864"#) && info.contains(#""name":"docs""#))
        let resident = try #require(info.firstMatch(of: /"resident":(\d+)/)).output.1
        #expect((Int(resident) ?? 0) > 1 << 20)
        #expect(info.contains(#""growing_segments":"#) && info.contains(#""unsent_replies":"#))
    }

    @Test func loginMakesNoSenseWithoutKeys() throws {
        let server = try TestServer()
        let answer = try server.client().call("auth.login", #"{"api_key":"x"}"#)
        #expect(answer.contains("invalid_params") && answer.contains(#""at":"api_key""#))
    }

    @Test func dataSurvivesARestart() throws {
        let first = try TestServer()
        try first.client().fill("docs", count: 7)
        #expect(first.stop(keepingData: true))
        let second = try TestServer(directory: first.directory)
        #expect(try second.client().call("point.count", #"{"collection":"docs"}"#).contains(#""count":7"#))
    }

    /// More at once than a loop serves in one turn: some run on it, some on the threads.
    @Test func pipelinedSearchesOfSeveralConnectionsAreAllAnswered() throws {
        let server = try TestServer()
        let clients = try (0..<3).map { _ in try server.client() }
        try clients[0].fill("docs", count: 400)
        for round in 0..<3 {
            for client in clients {
                let lines = (1...250).map { n in
                    let params = #"{"collection":"docs","point_id":\#(n),"limit":2}"#
                    return #"{"id":\#(n),"method":"point.search","params":\#(params)}"# + "\n"
                }
                client.send(lines.joined())
            }
            for client in clients {
                var answered: Set<Int> = []
                for _ in 1...250 {
                    let line = try #require(try client.line())
                    let match = try #require(
                        line.firstMatch(of: /"id":(\d+),"result":\{"points":\[\{"id":(\d+)/), "\(line)")
                    let (id, found) = (Int(match.output.1) ?? 0, Int(match.output.2) ?? 0)
                    #expect(answered.insert(id).inserted && found != id, "round \(round)")
                }
            }
            #expect(try clients[1].call("server.ping").contains("now_ms"))
        }
    }

    /// Filters like those that have been quick may not be: the loop breaks such a search off, and a thread answers it.
    @Test func aFilterThatTakesLongIsAnsweredAllTheSame() throws {
        let server = try TestServer()
        let client = try server.client()
        _ = try client.call("collection.create", #"{"name":"docs","vectors":{"size":2}}"#)
        for start in stride(from: 0, to: 8_000, by: 1_000) {
            // No integer at "s": an index of integers cannot say anything about it.
            let points = (start..<(start + 1_000)).map {
                #"{"id":\#($0),"vector":[1,\#($0)],"payload":{"n":\#($0),"s":"\#($0)"}}"#
            }
            let params = #"{"collection":"docs","points":[\#(points.joined(separator: ","))]}"#
            #expect(try client.call("point.upsert", params).contains("created"))
        }
        for key in ["n", "s"] {
            let params = #"{"collection":"docs","key":"\#(key)","type":"integer"}"#
            #expect(try client.call("index.create", params).contains("lsn"))
        }
        _ = try client.call("collection.optimize", #"{"collection":"docs","wait":true}"#)
        func search(_ condition: String) throws -> String {
            let filter = #"{"must":[\#(condition)]}"#
            return try client.call(
                "point.search", #"{"collection":"docs","vector":[1,0],"limit":3,"filter":\#(filter)}"#)
        }
        for n in 0..<200 {
            let answer = try search(#"{"key":"n","match":{"value":\#(n)}}"#)
            #expect(answer.contains(#""points":[{"id":\#(n),"#), "\(answer)")
        }
        for n in 0..<5 {
            let answer = try search(#"{"key":"s","match":{"any":[\#(n),"\#(n)"]}}"#)
            #expect(answer.contains(#""points":[{"id":\#(n),"#), "\(answer)")
        }
    }

    // MARK: Order of writes

    @Test func writesOfOneConnectionAreAppliedInTheOrderReceived() throws {
        let server = try TestServer()
        let client = try server.client()
        try client.fill("docs", count: 1)
        var lines = ""
        for n in 1...200 {
            lines += #"{"id":\#(n),"method":"point.upsert","params":{"collection":"docs","points":["#
            lines += #"{"id":1,"vector":[1,2,3,4],"payload":{"n":\#(n)}}]}}"# + "\n"
        }
        client.send(lines)
        var versions: [Int: Int] = [:]
        for _ in 1...200 {
            let line = try #require(try client.line())
            let match = try #require(line.firstMatch(of: /"id":(\d+),"result":\{"lsn":(\d+)/), "\(line)")
            versions[Int(match.output.1) ?? 0] = Int(match.output.2)
        }
        let inOrder = (1...200).compactMap { versions[$0] }
        #expect(inOrder.count == 200 && inOrder == inOrder.sorted() && Set(inOrder).count == 200)
        #expect(try client.call("point.get", #"{"collection":"docs","ids":[1]}"#).contains(#"{"n":200}"#))
    }

    @Test func createWriteAndDeleteMayBePipelined() throws {
        let server = try TestServer()
        let client = try server.client()
        var lines = ""
        for round in 0..<20 {
            let id = round * 4
            lines +=
                #"{"id":\#(id),"method":"collection.create","params":{"name":"c","vectors":{"size":2}}}"#
                + "\n"
            for n in 1...2 {
                lines += #"{"id":\#(id + n),"method":"point.upsert","params":{"collection":"c","points":["#
                lines += #"{"id":\#(n),"vector":[1,\#(n)]}]}}"# + "\n"
            }
            lines += #"{"id":\#(id + 3),"method":"collection.delete","params":{"collection":"c"}}"# + "\n"
        }
        client.send(lines)
        client.finish()
        let answers = try client.rest().split(separator: "\n")
        #expect(answers.count == 80)
        #expect(
            answers.filter { $0.contains(#""result""#) }.count == 80,
            "\(answers.first { $0.contains("error") } ?? "")")
    }

    @Test func aSlowWriteIsNotOvertakenAndHoldsUpNobodyElse() throws {
        let embedder = StubEmbedder()
        let server = try TestServer(embedder: embedder)
        let client = try server.client()
        _ = try client.call("collection.create", #"{"name":"t","vectors":{"model":"stub"}}"#)
        embedder.isHeld.store(true, ordering: .relaxed)
        client.send(
            #"{"id":10,"method":"point.upsert","params":{"collection":"t","points":[{"id":1,"text":"slow"}]}}"#
                + "\n")
        client.send(#"{"id":11,"method":"point.delete","params":{"collection":"t","ids":[1]}}"# + "\n")
        let other = try server.client()
        #expect(try other.call("point.delete", #"{"collection":"t","ids":[1]}"#).contains(#""deleted":0"#))
        embedder.isHeld.store(false, ordering: .relaxed)
        let answers = try [client.line() ?? "", client.line() ?? ""]
        #expect(answers.contains { $0.contains(#""id":10,"#) && $0.contains(#""created":1"#) })
        #expect(answers.contains { $0.contains(#""id":11,"#) && $0.contains(#""deleted":1"#) }, "\(answers)")
    }

    @Test func writesOfManyConnectionsAreAllThere() throws {
        let server = try TestServer()
        let clients = try (0..<8).map { _ in try server.client() }
        try clients[0].fill("docs", count: 1)
        for round in 0..<25 {
            for (index, client) in clients.enumerated() {
                let id = 100 + round * 8 + index
                client.send(#"{"id":1,"method":"point.upsert","params":{"collection":"docs","points":["#)
                client.send(#"{"id":\#(id),"vector":[1,2,3,\#(id)]}]}}"# + "\n")
            }
        }
        var versions: Set<String> = []
        for client in clients {
            for _ in 0..<25 {
                let line = try #require(try client.line())
                versions.insert(String(try #require(line.firstMatch(of: /"lsn":(\d+)/), "\(line)").output.1))
            }
        }
        #expect(versions.count == 200)
        #expect(try clients[0].call("point.count", #"{"collection":"docs"}"#).contains(#""count":201"#))
    }

    @Test func aWriteOfAConnectionThatWentAwayIsApplied() throws {
        let server = try TestServer()
        let watcher = try server.client()
        try watcher.fill("docs", count: 1)
        do {
            let client = try server.client()
            client.send(
                #"{"id":1,"method":"point.upsert","params":{"collection":"docs","points":[{"id":2,"vector":[1,2,3,4]}]}}"#
                    + "\n")
            client.finish()
        }
        #expect(
            eventually {
                (try? watcher.call("point.count", #"{"collection":"docs"}"#).contains(#""count":2"#)) == true
            })
    }

    // MARK: Deadlines, waiting, cancelling

    @Test func aDeadlineOfZeroHasPassed() throws {
        let server = try TestServer()
        let client = try server.client()
        try client.fill("docs", count: 2)
        let refused = try client.call("point.delete", #"{"collection":"docs","ids":[1],"deadline_ms":0}"#)
        #expect(refused.contains(#""kind":"deadline""#) && refused.contains(#""retryable":true"#))
        #expect(
            try client.call("point.count", #"{"collection":"docs","deadline_ms":0}"#).contains("deadline"))
        #expect(try client.call("server.ping", #"{"deadline_ms":0}"#).contains("deadline"))
        #expect(
            try client.call("point.count", #"{"collection":"docs","deadline_ms":60000}"#).contains(
                #""count":2"#))
    }

    @Test func aWriteWhoseDeadlinePassesIsNotExecuted() throws {
        let embedder = StubEmbedder()
        let server = try TestServer(embedder: embedder)
        let client = try server.client()
        _ = try client.call("collection.create", #"{"name":"t","vectors":{"model":"stub"}}"#)
        embedder.isHeld.store(true, ordering: .relaxed)
        let late = try client.call(
            "point.upsert", #"{"collection":"t","points":[{"id":1,"text":"x"}],"deadline_ms":80}"#)
        #expect(late.contains(#""kind":"deadline""#))
        embedder.isHeld.store(false, ordering: .relaxed)
        #expect(try client.call("point.count", #"{"collection":"t"}"#).contains(#""count":0"#))
    }

    @Test func aReadWaitsForTheWriteItWantsToSee() throws {
        let server = try TestServer()
        let reader = try server.client()
        let writer = try server.client()
        try writer.fill("docs", count: 1)
        reader.send(#"{"id":5,"method":"point.count","params":{"collection":"docs","min_lsn":2}}"# + "\n")
        #expect(try reader.call("server.ping").contains("now_ms"))
        _ = try writer.call("point.delete", #"{"collection":"docs","ids":[1]}"#)
        #expect(try reader.line()?.contains(#""id":5,"result":{"count":0}"#) == true)
    }

    @Test func waitingForAWriteEnds() throws {
        let server = try TestServer { $0.limits.waitMS = 60 }
        let client = try server.client()
        try client.fill("docs", count: 1)
        let waited = try client.call("point.count", #"{"collection":"docs","min_lsn":99}"#)
        #expect(waited.contains(#""kind":"deadline""#) && waited.contains(#""at":"min_lsn""#))
    }

    @Test func aWaitEndsWithTheDeadlineOrTheCancellation() throws {
        let server = try TestServer()
        let client = try server.client()
        try client.fill("docs", count: 1)
        let late = try client.call("point.count", #"{"collection":"docs","min_lsn":99,"deadline_ms":40}"#)
        #expect(late.contains(#""at":"min_lsn""#))
        client.send(#"{"id":7,"method":"point.count","params":{"collection":"docs","min_lsn":99}}"# + "\n")
        #expect(try client.call("server.cancel", #"{"id":7}"#, id: 8).contains(#""cancelled":true"#))
        #expect(try client.line()?.contains(#""kind":"cancelled""#) == true)
        #expect(try client.call("server.cancel", #"{"id":7}"#, id: 9).contains(#""cancelled":false"#))
    }

    @Test func requestsWaitForACollectionThatIsLoading() throws {
        let first = try TestServer()
        try first.client().fill("docs", count: 3)
        first.stop(keepingData: true)
        let server = try TestServer(directory: first.directory, loads: false) { $0.limits.waitMS = 10_000 }
        let client = try server.client()
        #expect(try client.call("server.health").contains(#""state":"loading""#))
        client.send(#"{"id":5,"method":"point.count","params":{"collection":"docs"}}"# + "\n")
        client.send(#"{"id":6,"method":"point.delete","params":{"collection":"docs","ids":[3]}}"# + "\n")
        let late = try client.call("point.count", #"{"collection":"docs","deadline_ms":30}"#)
        #expect(late.contains(#""kind":"loading""#) && late.contains("retry_after_ms"), "\(late)")
        server.server.loadCollections()
        let answers = try [client.line() ?? "", client.line() ?? ""]
        #expect(answers.contains { $0.contains(#""id":5,"result":{"count":"#) }, "\(answers)")
        #expect(answers.contains { $0.contains(#""id":6,"#) && $0.contains(#""deleted":1"#) }, "\(answers)")
    }

    // MARK: The model

    @Test func withoutAModelTextIsRefusedWithAdvice() throws {
        let server = try TestServer()
        let client = try server.client()
        let answer = try client.call("text.embed", #"{"texts":["a"]}"#)
        #expect(answer.contains("invalid_params") && answer.contains("scripts/fetch-model"))
        #expect(
            try client.call("collection.create", #"{"name":"t","vectors":{"model":"stub"}}"#).contains(
                "fetch-model"))
    }

    @Test func textIsEmbeddedAndSearched() throws {
        let server = try TestServer(embedder: StubEmbedder())
        let client = try server.client()
        let embedded = try client.call("text.embed", #"{"texts":["a",""],"model":"f00d"}"#)
        #expect(embedded.contains(#""fingerprint":"f00d""#) && embedded.contains(#""tokens":6"#))
        #expect(try client.call("text.embed", #"{"texts":["a"],"model":"other"}"#).contains("model_mismatch"))
        _ = try client.call("collection.create", #"{"name":"t","vectors":{"model":"stub"}}"#)
        let points = #"[{"id":1,"text":"aaaa"},{"id":2,"text":"bbbb"}]"#
        #expect(
            try client.call("point.upsert", #"{"collection":"t","points":\#(points)}"#).contains(
                #""created":2"#))
        let found = try client.call("point.search", #"{"collection":"t","text":"bb","limit":1}"#)
        #expect(found.contains(#"{"id":2,"#) && found.contains(#""payload":{"text":"bbbb"}"#))
    }

    @Test func rememberedTextsWaitForNobody() throws {
        let embedder = StubEmbedder()
        let server = try TestServer(embedder: embedder) { $0.embeddingThreads = 1 }
        let client = try server.client()
        embedder.knownTexts.withLock { $0 = ["a", "b"] }
        embedder.isHeld.store(true, ordering: .relaxed)
        defer { embedder.isHeld.store(false, ordering: .relaxed) }
        client.send(#"{"id":100,"method":"text.embed","params":{"texts":["a","new"]}}"# + "\n")
        #expect(eventually { embedder.calls.load(ordering: .relaxed) == 1 })
        let answer = try client.call("text.embed", #"{"texts":["a","b"]}"#)
        #expect(answer.contains(#""vectors""#) && answer.contains(#""tokens":6"#), "\(answer)")
        #expect(try client.call("text.embed", #"{"texts":["a"],"model":"other"}"#).contains("model_mismatch"))
        #expect(try client.call("server.info", "{}").contains(#""embedding_cache":{"memory_hits":0"#))
        #expect(embedder.calls.load(ordering: .relaxed) == 1)
    }

    @Test func inferenceDoesNotStandInFrontOfSearches() throws {
        let embedder = StubEmbedder()
        let server = try TestServer(embedder: embedder) {
            $0.embeddingThreads = 1
            $0.queuedRequests = 2
        }
        let client = try server.client()
        try client.fill("docs", count: 3)
        embedder.isHeld.store(true, ordering: .relaxed)
        client.send(#"{"id":100,"method":"text.embed","params":{"texts":["x"]}}"# + "\n")
        #expect(eventually { embedder.calls.load(ordering: .relaxed) == 1 })
        for id in 101...104 {
            client.send(#"{"id":\#(id),"method":"text.embed","params":{"texts":["x"]}}"# + "\n")
        }
        for _ in 0..<2 {
            let line = try #require(try client.line())
            #expect(line.contains("overloaded") && line.contains("retry_after_ms"), "\(line)")
        }
        #expect(
            try client.call("point.search", #"{"collection":"docs","vector":[1,2,3,4]}"#).contains(
                #""points":[{"#))
        #expect(try client.call("server.cancel", #"{"id":100}"#, id: 7).contains("true"))
        #expect(try client.line()?.contains(#""id":100,"error""#) == true)
        embedder.isHeld.store(false, ordering: .relaxed)
        for _ in 0..<2 { #expect(try client.line()?.contains(#""vectors""#) == true) }
    }

    // MARK: Optimizing, stopping

    @Test func optimizingAnswersWhenItIsDone() throws {
        let server = try TestServer()
        let client = try server.client()
        try client.fill("docs", count: 1_200)
        let done = try client.call("collection.optimize", #"{"collection":"docs","wait":true}"#)
        #expect(done.contains(#""job":""#), "\(done)")
        let after = try client.call("collection.get", #"{"collection":"docs"}"#)
        #expect(after.contains(#""indexed_points":1200"#) && after.contains(#""state":"sealed""#), "\(after)")
        #expect(
            try client.call("collection.optimize", #"{"collection":"none","wait":true}"#).contains(
                "not_found"))
    }

    @Test func stoppingAnswersWhatWasAccepted() throws {
        let embedder = StubEmbedder()
        let server = try TestServer(embedder: embedder)
        let client = try server.client()
        embedder.isHeld.store(true, ordering: .relaxed)
        client.send(#"{"id":1,"method":"text.embed","params":{"texts":["x"]}}"# + "\n")
        #expect(eventually { embedder.calls.load(ordering: .relaxed) == 1 })
        let running = server.server
        let stopped = Mutex(false)
        let stop = BackgroundThread.start {
            let isComplete = running.stop()
            stopped.withLock { $0 = isComplete }
        }
        #expect(eventually { (try? TestClient(port: server.port)) == nil })
        #expect(eventually { (try? client.call("server.ping", id: 2).contains("draining")) == true })
        embedder.isHeld.store(false, ordering: .relaxed)
        #expect(try client.line()?.contains(#""id":1,"result""#) == true)
        stop.join()
        #expect(stopped.withLock { $0 })
        server.forgetServer()
    }
}
