// The keys of a hybrid search, and `mmr`.

import NeedleCore

/// `text`, `fusion` and `keys`, as they come.
struct HybridFields {
    private var text: String?
    private var textPlace = 0
    private var fusion: HybridSearch.Fusion?
    private var fusionPlace = 0
    private var keys: [FieldPath]?
    private var keysPlace = 0

    mutating func take(_ key: borrowing JSONText, from reader: inout JSONReader) throws {
        switch key {
        case "text":
            guard try !reader.readNullIfPresent() else { return }
            textPlace = key.offset
            text = try reader.readString()
        case "fusion":
            fusionPlace = key.offset
            fusion = try reader.optional { try $0.fusion() }
        default:
            keysPlace = key.offset
            keys = try reader.optional { try $0.keysOfTexts() }
        }
    }

    /// What the search looks for, and the words beside it. Without `fusion` a text is the target; with it the text is what
    /// words are taken from, and the target when there is no other.
    ///
    /// - Parameters:
    ///   - target: `vector`, `point_id` or examples, and where its key stands.
    ///   - object: where the search begins.
    func resolve(
        _ target: SearchTarget?, at place: Int, object: Int
    ) throws -> (target: SearchTarget, words: HybridSearch?) {
        guard let fusion else {
            if keys != nil {
                throw Refusal(
                    message: "\"keys\" are those whose words are searched: say \"fusion\" too",
                    offset: keysPlace)
            }
            if let target {
                if text != nil { throw Self.severalTargets(at: max(place, textPlace)) }
                return (target, nil)
            }
            guard let text else {
                throw Refusal(
                    message: "one of \"vector\", \"text\" and \"point_id\" is missing", offset: object)
            }
            return (.text(text), nil)
        }
        guard let text else {
            throw Refusal(
                message: "\"fusion\" needs a \"text\" to search words for", offset: fusionPlace,
                expected: "text")
        }
        guard text.utf8.count <= Search.wordBytes else {
            throw Refusal(
                message: "a text whose words are searched has at most \(Search.wordBytes) bytes",
                offset: textPlace, expected: "at most \(Search.wordBytes) bytes", got: "\(text.utf8.count)")
        }
        return (target ?? .text(text), HybridSearch(text: text, keys: keys, fusion: fusion))
    }

    static func severalTargets(at place: Int) -> Refusal {
        Refusal(
            message:
                "exactly one of \"vector\", \"text\" and \"point_id\", but for a \"text\" beside \"fusion\"",
            offset: place)
    }
}

extension JSONReader {
    /// `{"method":"rrf","k"}` or `{"method":"weighted","vector","text"}`.
    fileprivate mutating func fusion() throws -> HybridSearch.Fusion {
        _ = try peekKind()
        let object = offset
        var members = try beginObject()
        var isWeighted: Bool?
        var k: (value: Int, place: Int)?
        var weights: (vector: Double?, text: Double?) = (nil, nil)
        var weightPlace = 0
        while let key = try nextKey(&members) {
            let place = key.offset
            switch key {
            case "method": isWeighted = try choice(among: [("rrf", false), ("weighted", true)])
            case "k": k = try optional { try $0.readInt(in: Search.fusionRange) }.map { ($0, place) }
            case "vector":
                weights.vector = try optional { try $0.double(in: Search.weightRange) }
                if weights.vector != nil { weightPlace = place }
            case "text":
                weights.text = try optional { try $0.double(in: Search.weightRange) }
                if weights.text != nil { weightPlace = place }
            default: throw unknown(key)
            }
        }
        switch isWeighted {
        case nil: throw Refusal.missing("method", in: object)
        case false?:
            guard weights == (nil, nil) else {
                throw Refusal(message: "only \"weighted\" has weights", offset: weightPlace)
            }
            return .reciprocal(k: k?.value ?? HybridSearch.Fusion.standardK)
        case true?:
            if let k { throw Refusal(message: "only \"rrf\" has a \"k\"", offset: k.place) }
            guard let vector = weights.vector, let text = weights.text else {
                throw Refusal.missing(weights.vector == nil ? "vector" : "text", in: object)
            }
            guard vector + text > 0 else {
                throw Refusal(message: "one of the weights is greater than 0", offset: weightPlace)
            }
            return .weighted(vector: vector, text: text)
        }
    }

    /// Distinct, at least one.
    fileprivate mutating func keysOfTexts() throws -> [FieldPath] {
        _ = try peekKind()
        let start = offset
        let keys = try list(of: "keys", limit: Search.keyLimit) { try $0.fieldPath() }
        guard !keys.isEmpty else { throw Refusal(message: "at least one key", offset: start) }
        var seen: Set<FieldPath> = []
        return keys.filter { seen.insert($0).inserted }
    }

    /// `{"lambda","candidates"}`.
    mutating func diversity() throws -> Diversity {
        var members = try beginObject()
        var diversity = Diversity()
        while let key = try nextKey(&members) {
            switch key {
            case "lambda": diversity.lambda = try optional { try $0.double(in: 0...1) } ?? diversity.lambda
            case "candidates":
                let range = 1...Search.windowLimit
                diversity.candidates = try optional { try $0.readInt(in: range) } ?? diversity.candidates
            default: throw unknown(key)
            }
        }
        return diversity
    }
}
