// The golden transcripts of proto/, word by word, against the real server.

import NeedleCore
import Testing
import WireKit

extension EndToEnd {
    @Suite("Golden transcripts")
    struct TranscriptReplayTests {
        private static let live = ((try? Transcript.all()) ?? []).filter(\.isLive)

        @Test("There are transcripts")
        func some() {
            #expect(Self.live.count >= 5)
        }

        @Test("The server says what its transcript says", arguments: live.filter { !$0.needsModel })
        func replay(_ transcript: Transcript) throws {
            try Self.replay(transcript, model: nil)
        }

        @Test(
            "The server with the model says what its transcript says", .enabled(if: Places.model != nil),
            arguments: live.filter(\.needsModel))
        func replayWithModel(_ transcript: Transcript) throws {
            try Self.replay(transcript, model: Places.model)
        }

        private static func replay(_ transcript: Transcript, model: String?) throws {
            let folder = try TemporaryFolder()
            let limits = transcript.limits
            let server = try ServerUnderTest(
                data: folder.path + "/data",
                settings: [
                    "limits.line_bytes": "\(limits.lineBytes)", "limits.in_flight": "\(limits.inFlight)",
                    "limits.batch_points": "\(limits.batchPoints)",
                    "limits.dimensions": "\(limits.dimensions)",
                    "limits.wait_ms": "\(limits.waitMS)",
                ], model: model)
            let peer = try server.connect()
            var matcher = PatternMatcher()
            var asked = "the greeting"
            var isFirst = true
            for line in transcript.lines {
                switch line {
                case .send(let text):
                    asked = matcher.substituted(text)
                    try peer.send(asked)
                case .expect(let pattern):
                    var answer = isFirst ? peer.greeting : try peer.next()
                    isFirst = false
                    while answer["method"]?.stringValue == "server.progress",
                        pattern["method"]?.stringValue != "server.progress"
                    {
                        answer = try peer.next()
                    }
                    let mismatch = matcher.mismatch(answer, pattern)
                    #expect(
                        mismatch == nil,
                        "\(transcript.name): \(asked.prefix(300)) → \(answer.text.prefix(600))")
                }
            }
            #expect(peer.staysSilent(seconds: 0.05))
        }
    }
}
