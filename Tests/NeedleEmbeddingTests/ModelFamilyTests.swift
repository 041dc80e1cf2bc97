import Foundation
import NeedleCore
import NeedleEmbedding
import Testing

/// Directories as the families of sentence encoders publish them, around the tiny model's weights.
@Suite struct ModelFamilyTests {
    struct Family: Sendable, CustomTestStringConvertible {
        var name: String
        var files: [String: String]
        var usesFirstToken: Bool
        var queryPrefix: String
        var testDescription: String { name }
    }

    private static func pooling(first: Bool) -> String {
        #"{"word_embedding_dimension":8,"pooling_mode_cls_token":\#(first),"pooling_mode_mean_tokens":\#(!first),"#
            + #""pooling_mode_max_tokens":false,"pooling_mode_mean_sqrt_len_tokens":false}"#
    }

    static let families = [
        Family(
            name: "bge",
            files: [
                "1_Pooling/config.json": pooling(first: true),
                "sentence_bert_config.json": #"{"max_seq_length":48,"do_lower_case":true}"#,
                "tokenizer_config.json": #"{"do_lower_case":true,"tokenizer_class":"BertTokenizer"}"#,
                "modules.json": #"[{"idx":2,"name":"2","path":"2_Normalize","type":"x.Normalize"}]"#,
            ], usesFirstToken: true, queryPrefix: ""),
        Family(
            name: "e5",
            files: [
                "1_Pooling/config.json": pooling(first: false),
                "sentence_bert_config.json": #"{"max_seq_length":48,"do_lower_case":false}"#,
            ], usesFirstToken: false, queryPrefix: ""),
        Family(
            name: "gte",
            files: [
                "1_Pooling/config.json": pooling(first: false),
                "sentence_bert_config.json": #"{"max_seq_length":48,"do_lower_case":false}"#,
                "tokenizer_config.json": #"{"do_lower_case":true,"model_max_length":48}"#,
            ], usesFirstToken: false, queryPrefix: ""),
        Family(
            name: "arctic-embed",
            files: [
                "1_Pooling/config.json": pooling(first: true),
                "config_sentence_transformers.json":
                    #"{"prompts":{"query":"the swift "},"default_prompt_name":null,"similarity_fn_name":"cosine"}"#,
            ], usesFirstToken: true, queryPrefix: "the swift "),
        Family(
            name: "one word for pooling",
            files: ["1_Pooling/config.json": #"{"embedding_dimension":8,"pooling_mode":"cls"}"#],
            usesFirstToken: true, queryPrefix: ""),
    ]

    private func expectClose(_ got: [Float], _ expected: [Float], _ tolerance: Float) {
        for (x, y) in zip(got, expected) { #expect(abs(x - y) < tolerance) }
    }

    @Test(arguments: families)
    func worksFromItsDirectory(_ family: Family) throws {
        let copy = try ModelCopy()
        for (name, text) in family.files { try copy.write(name, text) }
        let model = try LocalModel(directory: copy.directory)
        #expect(model.model.maximumTokens == 48)
        let cases = try Fixtures.tinyCases()
        let context = OperationContext()
        let vectors = try model.embed(cases.map(\.text), kind: .passage, context: context).vectors
        for (expected, vector) in zip(cases, vectors) {
            expectClose(vector, family.usesFirstToken ? expected.cls : expected.mean, 2e-6)
        }
        let asked = try model.embed(["needle"], kind: .query, context: context).vectors
        let stated = try model.embed([family.queryPrefix + "needle"], kind: .passage, context: context)
            .vectors
        #expect(asked == stated)
    }

    /// Weights of two bytes are widened: the model computes with what they say.
    @Test(arguments: ["F16", "BF16"])
    func weightsOfTwoBytes(_ type: String) throws {
        let copy = try ModelCopy()
        let bytes = try Fixtures.bytes("\(copy.directory)/model.safetensors")
        try copy.write("model.safetensors", Self.narrowed(bytes, to: type))
        let model = try LocalModel(directory: copy.directory)
        let cases = try Fixtures.tinyCases()
        let vectors = try model.embed(cases.map(\.text), kind: .passage, context: OperationContext()).vectors
        for (expected, vector) in zip(cases, vectors) {
            expectClose(vector, expected.mean, type == "F16" ? 5e-3 : 4e-2)
        }
        #expect(try model.model.fingerprint != LocalModel(directory: Fixtures.tiny).model.fingerprint)
    }

    /// The same container with floats of two bytes, cut off for BF16.
    private static func narrowed(_ bytes: [UInt8], to type: String) throws -> [UInt8] {
        let length = bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
        let header = Array(bytes[8..<8 + length])
        let members = try #require(try JSONValue(parsing: header.span).objectValue)
        var (entries, data): ([String], [UInt8]) = ([], [])
        for member in members where member.name != "__metadata__" {
            let offsets = try #require(member.value["data_offsets"]?.arrayValue).compactMap(\.integerValue)
            let shape = try #require(member.value["shape"]?.arrayValue).compactMap(\.integerValue)
            let start = data.count
            for place in stride(from: 8 + length + offsets[0], to: 8 + length + offsets[1], by: 4) {
                let bits = bytes[place..<place + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
                let narrow = type == "BF16" ? UInt16(bits >> 16) : half(Float(bitPattern: bits))
                data += [UInt8(narrow & 255), UInt8(narrow >> 8)]
            }
            let sizes = shape.map(String.init).joined(separator: ",")
            entries.append(
                #""\#(member.name)":{"dtype":"\#(type)","shape":[\#(sizes)],"data_offsets":[\#(start),\#(data.count)]}"#
            )
        }
        return Container(header: "{\(entries.joined(separator: ","))}", data: data).bytes
    }

    /// binary16 of a number of ordinary size, rounded towards zero; what is too small becomes 0.
    private static func half(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        let exponent = Int(bits >> 23 & 255) - 112
        guard exponent > 0 else { return UInt16(bits >> 31) << 15 }
        return UInt16(bits >> 31) << 15 | UInt16(exponent) << 10 | UInt16(bits >> 13 & 0x3FF)
    }

    /// int8 gives other vectors, near those of float32, and counts as another model.
    @Test func codedWeights() throws {
        let exact = try LocalModel(directory: Fixtures.tiny)
        let coded = try LocalModel(directory: Fixtures.tiny, options: .init(precision: .int8))
        #expect(coded.model.fingerprint != exact.model.fingerprint)
        let texts = try Fixtures.tinyCases().map(\.text)
        let context = OperationContext()
        let left = try exact.embed(texts, kind: .passage, context: context).vectors
        let right = try coded.embed(texts, kind: .passage, context: context).vectors
        let cosines = zip(left, right).map { cosine($0, $1) }
        #expect(cosines.reduce(0, +) / Double(texts.count) > 0.99, "\(cosines)")
        #expect(left != right)
        for (text, vector) in zip(texts, right) {
            #expect(try coded.embed([text], kind: .passage, context: context).vectors == [vector])
        }
    }

    @Test func emptyAndEnormousTextsAreTexts() throws {
        let model = try LocalModel(directory: Fixtures.tiny)
        let enormous = String(repeating: "the swift ", count: 1 << 20)
        let batch = try model.embed(
            ["", " \n\u{0}", enormous, "\u{FFFD}"], kind: .query, context: OperationContext())
        #expect(batch.lengths.map(\.tokens).prefix(3) == [2, 2, 48])
        #expect(batch.lengths.map(\.isTruncated) == [false, false, true, false])
        #expect(batch.vectors[0] == batch.vectors[1])
        for vector in batch.vectors { #expect(abs(cosine(vector, vector) - 1) < 1e-6) }
    }
}
