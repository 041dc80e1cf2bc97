import NeedleClient
import NeedleCore
import Testing
import WireKit

/// The client reads every answer of the golden transcripts as what the transcript says it is.
@Suite("The client and the golden transcripts")
struct TranscriptTests {
    @Test("Each answer is read", arguments: try Transcript.all())
    func read(_ transcript: Transcript) throws {
        var answers = 0
        for case .expect(let pattern) in transcript.lines {
            // A batch's answer is an array; the client sends none, but its members are answers like any other.
            for member in pattern.arrayValue ?? [pattern] {
                try check(member)
                answers += 1
            }
        }
        #expect(answers > 5)
    }

    private func check(_ pattern: NeedleCore.JSONValue) throws {
        let answer = PatternMatcher.sample(pattern)
        if answer["result"] != nil, answer["id"]?.stringValue != nil {
            // The client's ids are integers: an answer to any other id is no answer to it.
            #expect(throws: NeedletailError.self) { try ServerMessage(parsing: answer.utf8) }
            return
        }
        switch try ServerMessage(parsing: answer.utf8) {
        case .greeting(let greeting):
            #expect(answer["method"]?.stringValue == "server.hello")
            #expect(greeting.protocolVersions.contains(1))
        case .progress(let id, _):
            #expect(answer["method"]?.stringValue == "server.progress")
            #expect(answer["params"]?["id"]?.integerValue == Int(id))
        case .failure(let id, let error):
            let expected = try #require(answer["error"]?["data"])
            #expect(error.kind.rawValue == expected["kind"]?.stringValue)
            #expect(error.code == answer["error"]?["code"]?.integerValue)
            #expect(error.isRetryable == expected["retryable"]?.boolValue)
            #expect(error.at == expected["at"]?.stringValue)
            #expect(id.map { Int($0) } == answer["id"]?.integerValue)
        case .result(let id, let text):
            #expect(answer["id"]?.integerValue == Int(id))
            #expect(try NeedleCore.JSONValue(parsing: text.span) == answer["result"])
        case .other:
            Issue.record("not understood: \(String(decoding: answer.utf8, as: UTF8.self))")
        }
    }
}
