import NeedleCore
import SimulationKit

/// What points hold, by number: vector and payload. Few, and made once.
struct Contents: Sendable {
    static let count = 64

    let vectors: [[Float]]
    /// Behind those of the contents, one for each `n` that has nothing else.
    let payloads: [Payload]

    /// Contents of 2, 3 and 4 dimensions.
    static let shared: [Int: Contents] = Dictionary(
        uniqueKeysWithValues: (2...4).map { ($0, Contents(dimension: $0)) })

    private init(dimension: Int) {
        var generator = SeededGenerator(seed: UInt64(dimension))
        vectors = (0..<Self.count).map { _ in
            (0..<dimension).map { _ in
                Float.random(in: 0.1...1, using: &generator) * (Bool.random(using: &generator) ? 1 : -1)
            }
        }
        payloads =
            (0..<Self.count).map { content in
                let text = Self.text(of: content) ?? ""
                return Payload(compactJSON: Array(#"{"n":\#(Self.n(of: content)),"text":"\#(text)"}"#.utf8))
            } + (0..<8).map { Payload(compactJSON: Array(#"{"n":\#($0)}"#.utf8)) }
    }

    /// The `n` in a payload.
    static func n(of payload: Int) -> Int { payload % 8 }

    /// The text in a payload, if it has one. Some are long, so that log and segments see blocks of several sizes.
    static func text(of payload: Int) -> String? {
        payload < count ? String(repeating: "x", count: payload % 9 == 0 ? 40 * payload : payload) : nil
    }

    /// What is left of a payload when `textKey` is deleted.
    static func withoutText(_ payload: Int) -> Int { count + n(of: payload) }

    static let textKey = "text"

    /// A filter that matches one `n`.
    static func filter(n: Int) -> Filter {
        // swift-format-ignore: NeverUseForceTry
        let path = try! FieldPath(parsing: "n")
        return Filter(must: [.matchAny(path, [.number(ExactNumber(Int64(n)))])])
    }

    /// The id of a number: every third one is a string.
    static func id(_ number: Int) -> PointID {
        number % 3 == 0 ? PointID("id-\(number)") : PointID(UInt64(number))
    }
}
