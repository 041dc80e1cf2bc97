import NeedleCore
import NeedleWire
import Testing
import WireKit

/// Replays the transcripts without a server: what the codec decides is compared word for word with what is
/// expected; what the engine decides must at least be something that a client can read and that the schemas
/// allow.
@Suite("Golden transcripts")
struct TranscriptTests {
    @Test("Each replays", arguments: try Transcript.all())
    func replay(transcript: Transcript) throws {
        let schemas = try SchemaStore(folder: Transcript.protoFolder)
        var replay = CodecReplay(transcript: transcript, schemas: schemas)
        try replay.run()
        #expect(replay.answers > 5)
    }

    @Test("Together they cover every method, with a result and with an error, and every kind of error")
    func coverage() throws {
        let schemas = try SchemaStore(folder: Transcript.protoFolder)
        var succeeded: Set<Method> = []
        var refused: Set<Method> = []
        var kinds: Set<ErrorKind> = []
        for transcript in try Transcript.all() {
            var replay = CodecReplay(transcript: transcript, schemas: schemas)
            try replay.run()
            succeeded.formUnion(replay.succeeded)
            refused.formUnion(replay.refused)
            kinds.formUnion(replay.kinds)
        }
        #expect(succeeded == Set(Method.allCases))
        #expect(refused.isSuperset(of: Set(Method.allCases).subtracting([.health, .listCollections])))
        #expect(kinds == Set(ErrorKind.allCases))
    }

    @Test("Every method has a schema, and no schema is left over")
    func schemas() throws {
        let schemas = try SchemaStore(folder: Transcript.protoFolder)
        #expect(
            Set(schemas.fileNames)
                == Set(Method.allCases.map { "methods/\($0.rawValue).json" } + ["common.json"]))
        for method in Method.allCases {
            for part in ["params", "result", "errors"] {
                _ = try schemas.definition(part, of: "methods/\(method.rawValue).json")
            }
        }
        let kinds = try schemas.definition("error", of: "common.json")["properties"]?["data"]?["properties"]?[
            "kind"]?["enum"]
        #expect(kinds?.arrayValue?.compactMap(\.stringValue) == ErrorKind.allCases.map(\.rawValue))
        for kind in ErrorKind.allCases {
            let error = ReplyEncoder(limits: Limits()).encode(
                .failure(DatabaseError(kind, "m")), id: .integer(1))
            let object = try JSONValue(parsing: error.span)["error"] ?? .null
            #expect(try schemas.problems(object, definition: "errorKinds", of: "common.json") == [])
            #expect(try schemas.problems(object, definition: "error", of: "common.json") == [])
        }
    }

    @Test("The schemas accept what the decoder accepts, and refuse most of what it refuses")
    func agreement() throws {
        let schemas = try SchemaStore(folder: Transcript.protoFolder)
        for sample in ReplySamples.all {
            let problems = try schemas.problems(
                try JSONValue(parsing: sample.result), definition: "result",
                of: "methods/\(sample.method.rawValue).json")
            #expect(problems == [], "\(sample.method)")
        }
        for seed in MutationTests.seeds {
            guard case .single(.request) = decode(seed, limits: Limits()) else { continue }
            let request = try JSONValue(parsing: seed)
            #expect(try schemas.problems(request, definition: "request", of: "common.json") == [])
            let method = request["method"]?.stringValue ?? ""
            let problems = try schemas.problems(
                request["params"] ?? [:], definition: "params", of: "methods/\(method).json")
            #expect(problems == [], "\(seed)")
        }
        let refused =
            CollectionParamsTests.wrong + PointParamsTests.wrong + PointParamsTests.refusedPoints
            + SearchParamsTests.wrong
            + FilterTests.wrong.map { Refused("point.count", #"{"collection":"c","filter":\#($0.0)}"#, $0.1) }
        var accepted: [String] = []
        for refused in refused where refused.kind == .invalidParams {
            guard let params = try? JSONValue(parsing: refused.params) else { continue }
            let problems = try schemas.problems(
                params, definition: "params", of: "methods/\(refused.method).json")
            if problems.isEmpty { accepted.append("\(refused.method) \(refused.params.prefix(120))") }
        }
        // Rules that a schema does not say: exclusions of keys by each other, bytes of a string, deeper
        // conditions.
        #expect(accepted.count <= 26, "\(accepted.joined(separator: "\n"))")
        #expect(refused.count > 150)
    }

    @Test("The greeting and progress fit their schemas")
    func unasked() throws {
        let schemas = try SchemaStore(folder: Transcript.protoFolder)
        let encoder = ReplyEncoder(limits: Limits())
        let hello = try JSONValue(parsing: encoder.encode(ReplySamples.greeting).span)
        let progress = try JSONValue(
            parsing: encoder.encode(Progress(id: .integer(1), phase: "indexing", done: 1, total: 2)).span)
        #expect(try schemas.problems(hello["params"] ?? .null, definition: "hello", of: "common.json") == [])
        #expect(
            try schemas.problems(progress["params"] ?? .null, definition: "progress", of: "common.json") == []
        )
    }
}

/// A conversation in which the codec plays the server as far as it can.
private struct CodecReplay {
    let transcript: Transcript
    let schemas: SchemaStore
    private(set) var answers = 0
    private(set) var succeeded: Set<Method> = []
    private(set) var refused: Set<Method> = []
    private(set) var kinds: Set<ErrorKind> = []

    private var expected: ArraySlice<Transcript.Line> = []
    /// Remembers samples, for the lines that send them back.
    private var memory = PatternMatcher()

    init(transcript: Transcript, schemas: SchemaStore) {
        self.transcript = transcript
        self.schemas = schemas
    }

    mutating func run() throws {
        var framer = LineFramer(limit: transcript.limits.lineBytes)
        let decoder = RequestDecoder(limits: transcript.limits)
        expected = transcript.lines[...]
        while let line = expected.popFirst() {
            switch line {
            case .expect(let pattern): try checkUnasked(pattern)
            case .send(let text):
                framer.feed(Array((memory.substituted(text) + "\n").utf8))
                while let event = framer.next() {
                    switch event {
                    case .line(let line): try answer(decoder.decode(line), line)
                    case .lineTooLong:
                        try check([.failure(.lineTooLong(limit: framer.limit))], isBatch: false, nil)
                    case .close: Issue.record("\(transcript.name): HTTP")
                    }
                }
            }
        }
    }

    private mutating func answer(_ incoming: IncomingLine, _ line: [UInt8]) throws {
        switch incoming {
        case .nothing: break
        case .single(let message): try check([message], isBatch: false, try? JSONValue(parsing: line.span))
        case .batch(let members): try check(members, isBatch: true, try? JSONValue(parsing: line.span))
        }
    }

    /// Compares the next expectation with these messages, those that are not answered left out.
    private mutating func check(_ messages: [IncomingMessage], isBatch: Bool, _ line: JSONValue?) throws {
        for (index, message) in messages.enumerated() {
            guard case .request(let request) = message else { continue }
            let object = isBatch ? line?[index] : line
            let params = object?["params"] ?? .null
            let problems = try schemas.problems(
                params == .null ? [:] : params, definition: "params",
                of: "methods/\(request.call.method.rawValue).json")
            #expect(
                problems.isEmpty, "\(transcript.name): \(object.map { text($0.utf8) } ?? ""): \(problems)")
        }
        let answered = messages.filter { message in
            switch message {
            case .request(let request): request.id != nil
            case .failure(let failure): failure.needsReply
            }
        }
        guard !answered.isEmpty else { return }
        guard let pattern = nextAnswer() else {
            Issue.record("\(transcript.name): nothing is expected after \(line.map { text($0.utf8) } ?? "")")
            return
        }
        guard isBatch else { return try check(answered[0], pattern) }
        #expect(pattern.arrayValue?.count == answered.count)
        for (message, pattern) in zip(answered, pattern.arrayValue ?? []) { try check(message, pattern) }
    }

    /// The next expectation; progress may stand before it.
    private mutating func nextAnswer() -> JSONValue? {
        while case .expect(let pattern)? = expected.first {
            expected.removeFirst()
            if pattern["method"]?.stringValue == "server.progress" {
                #expect(throws: Never.self) { try checkUnasked(pattern) }
                continue
            }
            _ = memory.mismatch(PatternMatcher.sample(pattern), pattern)
            return pattern
        }
        return nil
    }

    private mutating func check(_ message: IncomingMessage, _ pattern: JSONValue) throws {
        answers += 1
        switch message {
        case .failure(let failure):
            let reply = ReplyEncoder(limits: transcript.limits).encode(
                .failure(failure.error), id: failure.id)
            var matcher = PatternMatcher()
            let mismatch = matcher.mismatch(try JSONValue(parsing: reply.span), pattern)
            #expect(mismatch == nil, "\(transcript.name): \(text(reply)): \(mismatch ?? "")")
            kinds.insert(failure.error.kind)
            noteRefused(failure)
        case .request(let request):
            try checkAnswer(of: request, PatternMatcher.sample(pattern))
        }
    }

    private mutating func noteRefused(_ failure: RequestFailure) {
        // The decoder does not say which method it refused; the sent line does.
        guard failure.error.kind != .unknownMethod, case .send(let line)? = lastSent else { return }
        if let name = try? JSONValue(parsing: line)["method"]?.stringValue,
            let method = Method(rawValue: name)
        {
            refused.insert(method)
        }
    }

    /// The line that the answers looked at now belong to.
    private var lastSent: Transcript.Line? {
        transcript.lines[..<expected.startIndex].last { line in
            if case .send = line { true } else { false }
        }
    }

    /// Reads the answer as the client would.
    private mutating func checkAnswer(of request: Request, _ answer: JSONValue) throws {
        let method = request.call.method
        let about = "\(transcript.name), \(method.rawValue), id \(request.id?.description ?? "")"
        guard case .answer(let read) = try ReplyDecoder().message(answer.utf8) else {
            Issue.record("\(about): no answer")
            return
        }
        #expect(read.id == request.id, "\(about)")
        switch read.outcome {
        case .success(let result):
            _ = try ReplyDecoder().reply(to: method, result)
            let problems = try schemas.problems(
                answer["result"] ?? .null, definition: "result", of: "methods/\(method.rawValue).json")
            #expect(problems.isEmpty, "\(about): \(problems)")
            succeeded.insert(method)
        case .failure(let error):
            #expect(answer["error"]?["code"]?.integerValue == error.kind.code, "\(about)")
            let object = answer["error"] ?? .null
            #expect(try schemas.problems(object, definition: "error", of: "common.json") == [], "\(about)")
            let allowed = try schemas.definition("errors", of: "methods/\(method.rawValue).json")["enum"]
            #expect(
                allowed?.arrayValue?.contains(.string(error.kind.rawValue)) == true, "\(about): \(error.kind)"
            )
            kinds.insert(error.kind)
            refused.insert(method)
        }
        guard !transcript.isLive else { return }
        // Without matchers the text is golden: what is read is written again.
        let outcome = read.outcome.flatMap { result -> Result<Reply, DatabaseError> in
            Result { () throws(DatabaseError) in try ReplyDecoder().reply(to: method, result) }
        }
        #expect(
            text(ReplyEncoder(limits: Limits()).encode(outcome, id: read.id)) == text(answer.utf8), "\(about)"
        )
    }

    private func checkUnasked(_ pattern: JSONValue) throws {
        let sample = PatternMatcher.sample(pattern)
        switch try ReplyDecoder().message(sample.utf8) {
        case .greeting(let greeting):
            #expect(
                try schemas.problems(sample["params"] ?? .null, definition: "hello", of: "common.json") == [])
            var matcher = PatternMatcher()
            let own = Greeting(
                version: "0.1.0", authentication: greeting.authentication, limits: transcript.limits)
            let line = ReplyEncoder(limits: transcript.limits).encode(own)
            #expect(matcher.mismatch(try JSONValue(parsing: line.span), pattern) == nil, "\(transcript.name)")
        case .progress:
            #expect(
                try schemas.problems(sample["params"] ?? .null, definition: "progress", of: "common.json")
                    == [])
        default: Issue.record("\(transcript.name): \(text(sample.utf8)) is not expected here")
        }
    }
}
