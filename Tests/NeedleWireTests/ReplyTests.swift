import NeedleCore
import NeedleWire
import Testing

@Suite("Replies")
struct ReplyTests {
    private let encoder = ReplyEncoder(limits: Limits())

    @Test("Each method's result, word for word")
    func goldens() {
        for sample in ReplySamples.all {
            let line = text(encoder.encode(.success(sample.reply), id: .integer(7)))
            #expect(line == #"{"jsonrpc":"2.0","id":7,"result":\#(sample.result)}"#)
        }
        #expect(Set(ReplySamples.all.map(\.method)) == Set(Method.allCases))
    }

    @Test("What the client's side reads from it gives the same text again")
    func roundTrip() throws {
        let decoder = ReplyDecoder()
        for sample in ReplySamples.all {
            let line = encoder.encode(.success(sample.reply), id: RequestID("é"))
            guard case .answer(let answer) = try decoder.message(line),
                case .success(let result) = answer.outcome
            else {
                Issue.record("\(text(line))")
                continue
            }
            #expect(answer.id == RequestID("é"))
            let reply = try decoder.reply(to: sample.method, result)
            #expect(text(encoder.encode(.success(reply), id: answer.id)) == text(line))
        }
    }

    @Test("Ids are echoed exactly")
    func ids() {
        func id(_ id: RequestID?) -> String { text(encoder.encode(.success(.cancelled(false)), id: id)) }
        #expect(id(.integer(.min)).contains(#""id":-9223372036854775808,"#))
        #expect(id(.string([])).contains(#""id":"","#))
        #expect(id(RequestID("e\u{301}\n\"")).contains("\"id\":\"e\u{301}\\n\\\"\","))
        #expect(id(nil).contains(#""id":null,"#))
    }

    @Test("Scores are as short as they can be and read back as the same number")
    func scores() throws {
        let scores: [Double] = [
            Double(Float(0.83)), 0.83, 1, 0, -0.0, Double(Float.leastNonzeroMagnitude), 1e300, 1 / 3,
            Double(Float(1) / 3),
            12345.678,
        ]
        let expected = [
            "0.83", "0.83", "1.0", "0.0", "-0.0", "1e-45", "1e+300", "0.3333333333333333", "0.33333334",
            "12345.678",
        ]
        for (score, expected) in zip(scores, expected) {
            let hit = SearchHit(
                record: PointRecord(
                    id: .integer(1), version: .zero, expiresAt: nil, payload: nil, vectors: nil), score: score
            )
            let result = SearchResult(
                hits: [hit], complete: false, strategy: .exact, tookMicroseconds: 0, lsn: .zero)
            let line = text(encoder.encode(.success(.search(result, .array)), id: nil))
            #expect(line.contains("\"score\":\(expected)}"), "\(line)")
            #expect(Float(expected) == Float(score))
        }
    }

    @Test("A score that is no number is the server's mistake, not a crash")
    func notFinite() {
        let hit = SearchHit(
            record: PointRecord(id: .integer(1), version: .zero, expiresAt: nil, payload: nil, vectors: nil),
            score: .nan)
        let result = SearchResult(
            hits: [hit], complete: true, strategy: .exact, tookMicroseconds: 0, lsn: .zero)
        #expect(
            text(encoder.encode(.success(.search(result, .array)), id: .integer(1))).contains(
                #""kind":"internal""#))
    }

    @Test("Errors carry everything that is known, and nothing else")
    func errors() {
        #expect(
            text(encoder.encode(.failure(ReplySamples.error), id: .integer(1)))
                == #"{"jsonrpc":"2.0","id":1,"error":{"code":-32005,"message":"version or condition not met","data":{"#
                + #""kind":"conflict","at":"points","expected":"absent","got":"present","retryable":false,"#
                + #""conflicts":[{"id":1,"version":4},{"id":"x","version":0}]}}}"#)
        #expect(
            text(encoder.encode(.failure(DatabaseError(.loading, "wait", retryAfterMS: 5)), id: nil))
                == #"{"jsonrpc":"2.0","id":null,"error":{"code":-32008,"message":"wait","data":{"kind":"loading","#
                + #""retryable":true,"retry_after_ms":5}}}"#)
    }

    @Test("Every kind has its code; those that ask to come back say when", arguments: ErrorKind.allCases)
    func kinds(kind: ErrorKind) throws {
        let line = encoder.encode(.failure(DatabaseError(kind, "m", at: "a")), id: .integer(1))
        #expect(text(line).contains("\"code\":\(kind.code),"))
        #expect(text(line).contains("\"retryable\":\(kind.isRetryable)"))
        let comesBack: Set<ErrorKind> = [.overloaded, .loading, .draining]
        #expect(text(line).contains("retry_after_ms") == comesBack.contains(kind))
        guard case .answer(let answer) = try ReplyDecoder().message(line),
            case .failure(let error) = answer.outcome
        else {
            Issue.record("no error")
            return
        }
        #expect(error.kind == kind && error.at == "a" && error.message == "m")
    }

    @Test("The greeting and progress, word for word")
    func unasked() throws {
        #expect(
            text(encoder.encode(ReplySamples.greeting))
                == #"{"jsonrpc":"2.0","method":"server.hello","params":{"server":"needletail","version":"0.1.0","#
                + #""protocol":[1,1],"auth":"none","limits":{"line_bytes":67108864,"in_flight":256,"#
                + #""batch_points":10000,"dimensions":65536,"wait_ms":10000}}}"#)
        let progress = Progress(id: RequestID("x"), phase: "indexing", done: 3, total: 10)
        #expect(
            text(encoder.encode(progress))
                == #"{"jsonrpc":"2.0","method":"server.progress","params":{"id":"x","phase":"indexing","done":3,"total":10}}"#
        )
        guard
            case .greeting(let greeting) = try ReplyDecoder().message(encoder.encode(ReplySamples.greeting)),
            case .progress(let read) = try ReplyDecoder().message(encoder.encode(progress))
        else { throw NoRequest() }
        #expect(greeting == ReplySamples.greeting)
        #expect(read == progress)
    }

    // MARK: Limits

    private func page(points: Int, bytes: Int) -> Reply {
        let payload = Payload(compactJSON: Array(#"{"a":"\#(String(repeating: "x", count: bytes))"}"#.utf8))
        let records = (0..<points).map {
            PointRecord(
                id: .integer(UInt64($0)), version: .zero, expiresAt: nil, payload: payload, vectors: nil)
        }
        return .points(records, missing: [], .array)
    }

    @Test("A reply is never longer than line_bytes")
    func tooLong() {
        let whole = encoder.encode(.success(page(points: 10, bytes: 200)), id: .integer(5))
        for (limit, fits) in [(whole.count, true), (whole.count - 1, false), (1000, false)] {
            var limits = Limits()
            limits.lineBytes = limit
            let line = ReplyEncoder(limits: limits).encode(
                .success(page(points: 10, bytes: 200)), id: .integer(5))
            #expect(line.count <= limit)
            if fits {
                #expect(line == whole)
            } else {
                #expect(text(line).contains(#""id":5,"error":{"code":-32002,"#))
                #expect(text(line).contains("limit_exceeded"))
            }
        }
        var limits = Limits()
        limits.lineBytes = 400
        let wordy = DatabaseError(.internal, String(repeating: "long ", count: 100))
        let line = ReplyEncoder(limits: limits).encode(.failure(wordy), id: .integer(5))
        #expect(line.count <= 400 && text(line).contains("limit_exceeded"))
    }

    @Test("In a batch the members that no longer fit become limit_exceeded, each with its id")
    func batch() throws {
        var limits = Limits()
        limits.lineBytes = 2000
        let encoder = ReplyEncoder(limits: limits)
        let members = (0..<6).map { index in
            let id = RequestID.integer(Int64(index))
            return (
                id: RequestID?.some(id), reply: encoder.encode(.success(page(points: 1, bytes: 400)), id: id)
            )
        }
        let line = encoder.encodeBatch(members)
        #expect(line.count <= 2000)
        guard case .batch(let answers) = try ReplyDecoder().message(line) else { throw NoRequest() }
        #expect(answers.map(\.id) == (0..<6).map { .integer(Int64($0)) })
        let kinds = answers.map { answer -> ErrorKind? in
            if case .failure(let error) = answer.outcome { error.kind } else { nil }
        }
        #expect(kinds.first == .some(nil), "the first fits")
        #expect(kinds.last == .limitExceeded)
        let small = encoder.encodeBatch(Array(members.prefix(2)))
        #expect(text(small) == "[\(text(members[0].reply)),\(text(members[1].reply))]")
    }

    // MARK: The client's side

    @Test("A newer server may say more")
    func lenient() throws {
        let decoder = ReplyDecoder()
        guard
            case .other = try decoder.message(
                Array(#"{"jsonrpc":"2.0","method":"server.news","params":[1]}"#.utf8)),
            case .answer(let answer) = try decoder.message(
                Array(#"{"result":{"count":3,"why":{"a":[1]}},"extra":1,"id":1}"#.utf8)),
            case .success(let result) = answer.outcome,
            case .count(3) = try decoder.reply(to: .countPoints, result),
            case .answer(let failed) = try decoder.message(
                Array(
                    #"{"id":null,"error":{"code":-1,"message":"m","data":{"kind":"brand_new","retryable":true}}}"#
                        .utf8)),
            case .failure(let error) = failed.outcome
        else { throw NoRequest() }
        #expect(failed.id == nil && error.kind == .internal && error.message == "brand_new: m")
    }

    @Test(
        "What is no message is an error",
        arguments: [
            "", "{", "5", "{}", #"{"id":1}"#, #"{"result":{}}"#, #"[{"method":"server.hello"}]"#,
            #"{"method":"server.hello","params":{}}"#,
        ])
    func noMessage(line: String) {
        #expect(throws: DatabaseError.self) { try ReplyDecoder().message(Array(line.utf8)) }
    }

    @Test("A result that lacks what its method promises is an error that says what")
    func missing() {
        let empty: Set<Method> = [
            .deleteCollection, .deleteSnapshot, .setAliases, .deleteAliases, .abortImport,
        ]
        for method in Method.allCases where !empty.contains(method) {
            #expect(throws: DatabaseError.self, "\(method)") {
                try ReplyDecoder().reply(to: method, Array("{}".utf8))
            }
        }
    }
}
