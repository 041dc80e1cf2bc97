import NeedleCore
import NeedleWire
import Testing

@Suite("Robustness")
struct MutationTests {
    /// Good lines that together use every key the decoder knows.
    static let seeds: [String] =
        Method.allCases.map { line($0.rawValue, SampleParams.minimal($0)) } + [
            line(
                "collection.create",
                #"{"name":"c","vectors":{"a":{"size":4,"metric":"dot","quantization":{"kind":"none"},"hnsw":{"m":8,"ef_construct":64}},"b":{"model":"m"}},"durability":"os","text_key":"t"}"#
            ),
            line(
                "point.upsert",
                #"{"collection":"c","points":[{"id":"é","vector":[0.25,-1e-3,7],"payload":{"a":[1,{"b":"\ud83d\ude00"}]},"if_version":3,"expires_at":99},{"id":2,"vectors":{"a":"AACAPwAAAEA="},"text":"x"}],"op_key":"k","if_absent":false}"#
            ),
            line(
                "point.search",
                #"{"collection":"c","vector":"AACAPwAAAEA=","limit":5,"offset":1,"score_threshold":0.5,"filter":{"must":[{"key":"a.\"b\"[]","match":{"any":[1,"x",true]}},{"key":"d","range":{"gte":"2026-11-21T08:15:00Z"}}],"min_should":{"conditions":[{"has_id":[1,"2"]},{"is_null":"n"},{"is_empty":"e"}],"min_count":1}},"params":{"ef":64,"rescore":true},"with_payload":["a"],"with_vector":true}"#
            ),
            #"[{"id":1,"method":"server.ping"},{"id":"2","method":"point.count","params":{"collection":"c","filter":{"must_not":[{"key":"a","match":{"except":[1.5]}}]}}}]"#,
            #"{"params":{"collection":"c","ids":[1,"a"],"vector_encoding":"base64","min_lsn":4,"deadline_ms":9},"id":-5,"method":"point.get"}"#,
        ]

    private static let interesting: [UInt8] =
        Array(#"{}[]",:\0123456789.eE+-tfnu "#.utf8) + [0, 9, 10, 0x7F, 0x80, 0xC3, 0xED, 0xFF]

    private func mutate(_ line: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var line = line
        for _ in 0..<Int.random(in: 1...3, using: &random) where !line.isEmpty {
            let place = Int.random(in: 0..<line.count, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: line[place] = Self.interesting.randomElement(using: &random) ?? 0
            case 1: line.insert(Self.interesting.randomElement(using: &random) ?? 0, at: place)
            case 2: line.remove(at: place)
            case 3: line.removeSubrange(place...)
            case 4:
                let end = Int.random(in: place...min(line.count, place + 20), using: &random)
                line.insert(contentsOf: line[place..<end], at: place)
            default: line.swapAt(place, Int.random(in: 0..<line.count, using: &random))
            }
        }
        return line
    }

    /// Every outcome says what to do; refusals name a place where the protocol promises one.
    private func check(_ message: IncomingMessage, _ line: [UInt8]) {
        guard case .failure(let failure) = message else { return }
        let allowed: Set<ErrorKind> = [
            .parseError, .invalidRequest, .unknownMethod, .invalidParams, .limitExceeded, .invalidVector,
            .dimensionMismatch,
        ]
        #expect(allowed.contains(failure.error.kind), "\(text(line).debugDescription): \(failure.error)")
        #expect(failure.error.at?.isEmpty == false, "\(text(line).debugDescription): \(failure.error)")
        #expect(!failure.error.message.isEmpty)
        if failure.id != nil { #expect(failure.needsReply) }
        if failure.error.kind == .parseError {
            #expect(failure.id == nil && failure.error.at?.hasPrefix("byte ") == true)
        }
    }

    @Test("Twenty thousand mutations never trap, and each line has one outcome")
    func mutations() {
        var random = SeededGenerator(seed: 5)
        let decoder = RequestDecoder(limits: smallLimits())
        var counts = (requests: 0, failures: 0)
        for _ in 0..<20_000 {
            let seed = Self.seeds.randomElement(using: &random) ?? ""
            let line = mutate(Array(seed.utf8), &random)
            switch decoder.decode(line) {
            case .nothing: #expect(line.allSatisfy { [0x20, 0x09, 0x0A, 0x0D].contains($0) })
            case .single(let message):
                check(message, line)
                if case .request = message { counts.requests += 1 } else { counts.failures += 1 }
            case .batch(let members):
                #expect((1...4).contains(members.count))
                for member in members { check(member, line) }
            }
        }
        // Both sides are exercised.
        #expect(counts.requests > 150)
        #expect(counts.failures > 5000)
    }

    @Test("Every beginning of a good line is a parse_error")
    func prefixes() {
        for seed in Self.seeds {
            let bytes = Array(seed.utf8)
            for length in 1..<bytes.count {
                guard
                    case .single(.failure(let failure)) = RequestDecoder(limits: Limits()).decode(
                        Array(bytes[..<length]))
                else {
                    Issue.record("accepted: \(seed.prefix(length))")
                    continue
                }
                #expect(failure.error.kind == .parseError, "\(text(Array(bytes[..<length])))")
            }
        }
    }

    @Test("Mutated answers never trap the client's side")
    func answers() {
        var random = SeededGenerator(seed: 6)
        let decoder = ReplyDecoder()
        let encoder = ReplyEncoder(limits: Limits())
        let lines =
            ReplySamples.all.map { encoder.encode(.success($0.reply), id: .integer(1)) }
            + [
                encoder.encode(.failure(ReplySamples.error), id: RequestID("x")),
                encoder.encode(ReplySamples.greeting),
            ]
        for _ in 0..<5000 {
            let index = Int.random(in: 0..<lines.count, using: &random)
            let line = mutate(lines[index], &random)
            guard case .answer(let answer) = try? decoder.message(line),
                case .success(let result) = answer.outcome
            else { continue }
            for method in Method.allCases { _ = try? decoder.reply(to: method, result) }
        }
    }

    @Test("Random bytes are answered with a parse_error or ignored")
    func randomBytes() {
        var random = SeededGenerator(seed: 9)
        for _ in 0..<2000 {
            let line = (0..<Int.random(in: 0...60, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            switch RequestDecoder(limits: Limits()).decode(line) {
            case .nothing: #expect(line.allSatisfy { [0x20, 0x09, 0x0A, 0x0D].contains($0) })
            case .single(.failure(let failure)):
                #expect([ErrorKind.parseError, .invalidRequest].contains(failure.error.kind))
            default: Issue.record("accepted: \(line)")
            }
        }
    }
}
