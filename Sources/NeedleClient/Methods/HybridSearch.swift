// Searching for words beside vectors, and for points that are unlike each other.

import NeedleCore

/// The words that a search also looks for, and how both rankings become one.
public struct HybridSearch: Sendable {
    /// How two rankings become one.
    public enum Fusion: Hashable, Sendable {
        /// By places: Σ 1 / (k + place). Robust when scores cannot be compared.
        case reciprocal(k: Int = 60)
        /// By scores, each side's brought to 0 … 1. Better when one side is known to be the stronger one.
        case weighted(vector: Double, text: Double)
    }

    /// The text whose words are looked for; `nil` in a search by text, which then is that text.
    public var text: String?
    /// The payload keys whose texts are searched; `nil` for all with an index of the type `text`.
    public var keys: [String]?
    /// How both rankings become one.
    public var fusion: Fusion

    /// Words to look for.
    public init(_ text: String? = nil, keys: [String]? = nil, fusion: Fusion = .reciprocal()) {
        self.text = text
        self.keys = keys
        self.fusion = fusion
    }

    func write(to writer: inout JSONWriter) {
        if let text {
            writer.key("text")
            writer.write(text)
        }
        writer.key("fusion")
        writer.beginObject()
        writer.key("method")
        switch fusion {
        case .reciprocal(let k):
            writer.write("rrf")
            writer.key("k")
            writer.write(k)
        case .weighted(let vector, let text):
            writer.write("weighted")
            writer.key("vector")
            writer.write(vector)
            writer.key("text")
            writer.write(text)
        }
        writer.endObject()
        guard let keys else { return }
        writer.key("keys")
        writer.array(keys[...]) { $0.write($1) }
    }

    func check(_ query: SearchRequest.Query) throws(NeedletailError) {
        if case .text = query {
            guard text == nil else {
                throw NeedletailError(
                    .invalidArgument, "a search by text takes its words from that text", at: "text")
            }
        } else if text == nil {
            throw NeedletailError(.invalidArgument, "there is no text to take words from", at: "text")
        }
        if case .weighted(let vector, let text) = fusion, !vector.isFinite || !text.isFinite {
            throw NeedletailError(.invalidArgument, "a weight is not finite", at: "fusion")
        }
    }
}

/// Relevant points that are unlike each other are wanted (maximal marginal relevance).
public struct Diversity: Sendable {
    /// 0 … 1: the share of relevance; the rest is being unlike the points chosen before.
    public var lambda: Double
    /// How many of the most relevant points are chosen from, 1 … 10,000.
    public var candidates: Int

    /// Half relevance, half diversity, among the hundred most relevant points.
    public init(lambda: Double = 0.5, candidates: Int = 100) {
        self.lambda = lambda
        self.candidates = candidates
    }

    func write(to writer: inout JSONWriter) {
        writer.key("mmr")
        writer.beginObject()
        writer.key("lambda")
        writer.write(lambda)
        writer.key("candidates")
        writer.write(candidates)
        writer.endObject()
    }
}
