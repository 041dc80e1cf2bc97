// What an encoder's directory says about itself: shapes from config.json, pooling and length from the files
// that sentence-transformers puts beside it. Everything that the forward pass does not do is refused here by
// name.

import NeedleCore

/// How the vectors of a text's tokens become one.
enum Pooling: String, Sendable {
    case mean
    /// The first token's.
    case cls
}

/// Shapes of a BERT encoder, checked to be sane.
struct BertConfiguration: Sendable, Equatable {
    var hidden: Int
    var layers: Int
    var heads: Int
    var intermediate: Int
    var positions: Int
    var vocabulary: Int
    var types: Int
    var epsilon: Double
    var pooling: Pooling
    var maximumTokens: Int
    /// What questions and passages begin with, from the model's own prompts.
    var queryPrefix: String
    var passagePrefix: String

    var headSize: Int { hidden / heads }

    /// - Throws: `notFound` (config.json is missing), `corruption` (unsound JSON, missing or absurd numbers),
    ///   `invalidParams` (a kind of model that is not supported).
    init(files: ModelFiles) throws(DatabaseError) {
        let main = try Document(files, ModelFiles.configuration, isRequired: true)
        hidden = try main.integer("hidden_size", in: 1...65_536)
        layers = try main.integer("num_hidden_layers", in: 1...1_000)
        heads = try main.integer("num_attention_heads", in: 1...1_024)
        intermediate = try main.integer("intermediate_size", in: 1...1_048_576)
        positions = try main.integer("max_position_embeddings", in: 2...1_048_576)
        vocabulary = try main.integer("vocab_size", in: 3...16_777_216)
        types = try main.integer("type_vocab_size", in: 1...1_024, default: 2)
        epsilon = try main.number("layer_norm_eps", in: 0...1, default: 1e-12)
        guard hidden % heads == 0 else {
            throw main.damaged("hidden_size \(hidden) is no multiple of num_attention_heads \(heads)")
        }
        try main.demand("model_type", ["bert"])
        try main.demand("hidden_act", ["gelu"])
        try main.demand("position_embedding_type", ["absolute"])

        let pooling = try Document(files, ModelFiles.pooling)
        self.pooling = try Self.pooling(pooling)
        let length = try Document(files, ModelFiles.length)
        maximumTokens = min(positions, try length.integer("max_seq_length", in: 2...1_048_576, default: 512))
        let tokenizer = try Document(files, ModelFiles.tokenizer)
        if tokenizer.value["do_lower_case"]?.boolValue == false {
            throw DatabaseError(.invalidParams, "\(tokenizer.file): cased models are not supported")
        }
        let prompts = try Document(files, ModelFiles.prompts).value["prompts"]
        queryPrefix = prompts?["query"]?.stringValue ?? ""
        passagePrefix = prompts?["passage"]?.stringValue ?? prompts?["document"]?.stringValue ?? ""
    }

    private static func pooling(_ document: Document) throws(DatabaseError) -> Pooling {
        var chosen: [String] = []
        for member in document.value.objectValue ?? []
        where member.name.hasPrefix("pooling_mode_") && member.value.boolValue == true {
            chosen.append(String(member.name.dropFirst("pooling_mode_".count)))
        }
        // Newer versions of sentence-transformers say it in one word.
        if let word = document.value["pooling_mode"]?.stringValue { chosen = [word] }
        switch chosen {
        case [], ["mean_tokens"], ["mean"]: return .mean
        case ["cls_token"], ["cls"]: return .cls
        default:
            throw DatabaseError(
                .invalidParams,
                "\(document.file): pooling by \(chosen.joined(separator: " and ")) is not supported",
                expected: "mean_tokens or cls_token", got: chosen.joined(separator: ", "))
        }
    }
}

/// One of the small JSON files; an absent optional one is an empty object.
private struct Document {
    let file: String
    let value: JSONValue

    init(_ files: ModelFiles, _ name: String, isRequired: Bool = false) throws(DatabaseError) {
        file = files.path(name)
        let limit = 1 << 20
        let bytes = isRequired ? try files.require(name, limit: limit) : try files.read(name, limit: limit)
        guard let bytes else {
            value = .object([])
            return
        }
        do throws(JSONError) {
            value = try JSONValue(parsing: bytes.span)
        } catch {
            throw DatabaseError.corruption(file: file, offset: error.offset, what: error.message)
        }
        guard case .object = value else { throw damaged("not a JSON object") }
    }

    func damaged(_ what: String) -> DatabaseError {
        DatabaseError.corruption(file: file, offset: 0, what: what)
    }

    func integer(
        _ name: String, in range: ClosedRange<Int>, default fallback: Int? = nil
    ) throws(DatabaseError) -> Int {
        guard let found = value[name] else {
            if let fallback { return fallback }
            throw damaged("\(name) is missing")
        }
        guard let number = found.integerValue, range.contains(number) else {
            throw damaged("\(name) is not an integer in \(range.lowerBound)…\(range.upperBound)")
        }
        return number
    }

    func number(
        _ name: String, in range: ClosedRange<Double>, default fallback: Double
    ) throws(DatabaseError) -> Double {
        guard let found = value[name] else { return fallback }
        guard let number = found.doubleValue, range.contains(number) else {
            throw damaged("\(name) is not a number in \(range.lowerBound)…\(range.upperBound)")
        }
        return number
    }

    /// A choice that, when stated, must be one that this encoder implements.
    func demand(_ name: String, _ known: [String]) throws(DatabaseError) {
        guard let stated = value[name]?.stringValue, !known.contains(stated) else { return }
        throw DatabaseError(
            .invalidParams, "\(file): \(name) \(stated) is not supported",
            expected: known.joined(separator: " or "),
            got: stated)
    }
}
