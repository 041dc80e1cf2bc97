import Foundation
import NeedleCore
import NeedleEmbedding
import Synchronization
import Testing

/// The whole path on the tiny model, whose vectors a float64 forward pass in Python computed.
@Suite struct LocalModelTests {
    private func model(_ directory: String = Fixtures.tiny, _ options: LocalModel.Options = .init()) throws
        -> LocalModel
    {
        try LocalModel(directory: directory, options: options)
    }

    private func embed(_ model: LocalModel, _ texts: [String]) throws -> [[Float]] {
        try model.embed(texts, kind: .passage, context: OperationContext()).vectors
    }

    private func expectClose(_ got: [Float], _ expected: [Float], _ tolerance: Float = 2e-6) {
        #expect(got.count == expected.count)
        for (x, y) in zip(got, expected) { #expect(abs(x - y) < tolerance, "\(got) \(expected)") }
    }

    @Test(arguments: [1, 2, 3])
    func vectorsAgreeWithTheReference(threads: Int) throws {
        let cases = try Fixtures.tinyCases()
        let batch = try model(options: threads).embed(
            cases.map(\.text), kind: .passage, context: OperationContext())
        for (expected, vector) in zip(cases, batch.vectors) { expectClose(vector, expected.mean) }
        #expect(batch.tokens == cases.reduce(0) { $0 + $1.ids.count })
        #expect(batch.truncated == cases.count { $0.isTruncated })
        #expect(batch.truncated > 0)
    }

    private func model(options threads: Int) throws -> LocalModel {
        try model(Fixtures.tiny, .init(threads: threads))
    }

    @Test func clsPoolingTakesTheFirstToken() throws {
        let copy = try ModelCopy()
        try copy.write(
            "1_Pooling/config.json", #"{"pooling_mode_cls_token":true,"pooling_mode_mean_tokens":false}"#)
        let cases = try Fixtures.tinyCases()
        let vectors = try embed(model(copy.directory), cases.map(\.text))
        for (expected, vector) in zip(cases, vectors) { expectClose(vector, expected.cls) }
    }

    @Test func aTextIsTheSameAloneAndInAnyCompany() throws {
        let model = try model()
        let texts = try Fixtures.tinyCases().map(\.text)
        let many = (0..<400).map { texts[$0 * 7 % texts.count] }
        let vectors = try embed(model, many)
        for index in stride(from: 0, to: many.count, by: 37) {
            expectClose(vectors[index], try embed(model, [many[index]])[0], 1e-6)
        }
    }

    @Test func vectorsHaveUnitLength() throws {
        let texts = try Fixtures.tinyCases().map(\.text)
        for vector in try embed(model(), texts) + embed(model(Fixtures.tiny, .init(dimensions: 5)), texts) {
            let length = vector.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
            #expect(abs(length - 1) < 1e-6)
        }
    }

    @Test func noTextsGiveNoVectors() throws {
        let batch = try model().embed([], kind: .query, context: OperationContext())
        #expect(batch.vectors.isEmpty)
        #expect(batch.tokens == 0)
    }

    @Test func dimensionsCutAndRenormalise() throws {
        let whole = try embed(model(), ["hello world"])[0]
        let cut = try embed(model(Fixtures.tiny, .init(dimensions: 3)), ["hello world"])[0]
        let length = whole[..<3].reduce(0) { $0 + $1 * $1 }.squareRoot()
        expectClose(cut, whole[..<3].map { $0 / length })
        for bad in [0, 9, -1] {
            #expect(errorKind { _ = try model(Fixtures.tiny, .init(dimensions: bad)) } == .invalidParams)
        }
    }

    @Test func prefixesGoBeforeTheirKind() throws {
        let model = try model(Fixtures.tiny, .init(queryPrefix: "the ", passagePrefix: "a "))
        let context = OperationContext()
        let plain = try self.model()
        #expect(
            try model.embed(["swift"], kind: .query, context: context).vectors == embed(plain, ["the swift"]))
        #expect(
            try model.embed(["swift"], kind: .passage, context: context).vectors == embed(plain, ["a swift"]))
    }

    @Test func promptsComeFromTheDirectory() throws {
        let copy = try ModelCopy()
        try copy.write("config_sentence_transformers.json", #"{"prompts":{"query":"the ","document":"a "}}"#)
        let named = try model(copy.directory, .init(name: "tiny"))
        let stated = try model(Fixtures.tiny, .init(queryPrefix: "the ", passagePrefix: "a "))
        #expect(named.model == stated.model)
    }

    @Test func descriptionSaysWhatItIs() throws {
        let description = try model().model
        #expect(description.name == "tiny")
        #expect(description.dimensions == 8)
        #expect(description.maximumTokens == 48)
        #expect(description.fingerprint.utf8.count == 64)
        #expect(try model().model == description)
    }

    @Test func theFingerprintSeesEverythingThatChangesVectors() throws {
        var seen: Set<String> = [try model().model.fingerprint]
        for options in [
            LocalModel.Options(queryPrefix: "q"), .init(passagePrefix: "q"), .init(dimensions: 4),
        ] {
            #expect(seen.insert(try model(Fixtures.tiny, options).model.fingerprint).inserted)
        }
        let changes: [(ModelCopy) throws -> Void] = [
            {
                try $0.replace("true", by: "false", in: "1_Pooling/config.json")
                try $0.replace("cls_token\": false", by: "cls_token\": true", in: "1_Pooling/config.json")
            },
            { try $0.replace("48", by: "47", in: "sentence_bert_config.json") },
            { try $0.replace("hello\n", by: "hella\n", in: "vocab.txt") },
            { try $0.replace("attention_heads\": 2", by: "attention_heads\": 4", in: "config.json") },
            { copy in
                var bytes = try Fixtures.bytes("\(copy.directory)/model.safetensors")
                bytes[bytes.count - 4] ^= 1
                try copy.write("model.safetensors", bytes)
            },
        ]
        for change in changes {
            let copy = try ModelCopy()
            try change(copy)
            #expect(seen.insert(try model(copy.directory).model.fingerprint).inserted)
        }
        // The name and the number of threads change nothing.
        #expect(seen.contains(try model(Fixtures.tiny, .init(name: "x", threads: 1)).model.fingerprint))
    }

    @Test func cancelAndDeadlineEndTheWork() throws {
        let model = try model()
        let cancelled = OperationContext()
        cancelled.cancel()
        #expect(errorKind { _ = try model.embed(["a"], kind: .query, context: cancelled) } == .cancelled)
        // The clock says "too late" from its 102nd reading on: after the texts, between layers.
        let texts = [String](repeating: "the swift", count: 100)
        let late = OperationContext(clock: CountingClock(), deadlineNanoseconds: 102)
        #expect(errorKind { _ = try model.embed(texts, kind: .query, context: late) } == .deadline)
        // Nothing is left behind that would spoil the next call.
        expectClose(try embed(model, ["the swift"])[0], try embed(self.model(), ["the swift"])[0])
    }

    @Test func missingFilesSayHowToGetThem() throws {
        for name in ["model.safetensors", "vocab.txt", "config.json"] {
            let copy = try ModelCopy()
            try copy.remove(name)
            do {
                _ = try LocalModel(directory: copy.directory)
                Issue.record("loaded without \(name)")
            } catch {
                #expect(error.kind == .notFound)
                #expect(error.message.contains("\(copy.directory)/\(name)"))
                #expect(error.message.contains("scripts/fetch-model"))
            }
        }
        #expect(errorKind { _ = try model("/nonexistent/model") } == .notFound)
    }

    @Test func damagedDirectoriesAreTyped() throws {
        let cases: [(ErrorKind, (ModelCopy) throws -> Void)] = [
            (.corruption, { try $0.write("config.json", "{") }),
            (.corruption, { try $0.write("config.json", "[]") }),
            (
                .corruption,
                { try $0.replace("\"hidden_size\": 8", by: "\"hidden_size\": 16", in: "config.json") }
            ),
            (
                .corruption,
                { try $0.replace("\"hidden_size\": 8", by: "\"hidden_size\": -8", in: "config.json") }
            ),
            (.corruption, { try $0.replace("\"hidden_size\": 8,", by: "", in: "config.json") }),
            (
                .corruption,
                { try $0.replace("attention_heads\": 2", by: "attention_heads\": 3", in: "config.json") }
            ),
            (
                .corruption,
                { try $0.replace("hidden_layers\": 2", by: "hidden_layers\": 3", in: "config.json") }
            ),
            (.invalidParams, { try $0.replace("\"gelu\"", by: "\"relu\"", in: "config.json") }),
            (.invalidParams, { try $0.replace("\"bert\"", by: "\"gpt2\"", in: "config.json") }),
            (
                .invalidParams,
                { try $0.replace("mean_tokens", by: "max_tokens", in: "1_Pooling/config.json") }
            ),
            (.invalidParams, { try $0.write("tokenizer_config.json", #"{"do_lower_case":false}"#) }),
            (.corruption, { try $0.write("vocab.txt", "") }),
            (.corruption, { try $0.write("model.safetensors", "") }),
            (
                .storageFailed,
                {
                    try $0.remove("vocab.txt")
                    try FileManager.default.createDirectory(
                        atPath: "\($0.directory)/vocab.txt", withIntermediateDirectories: false)
                }
            ),
        ]
        for (index, (kind, change)) in cases.enumerated() {
            let copy = try ModelCopy()
            try change(copy)
            #expect(errorKind { _ = try model(copy.directory) } == kind, "case \(index)")
        }
    }

    @Test func defaultDirectoryFollowsTheEnvironment() {
        let tail = "needletail/models/all-MiniLM-L6-v2"
        #expect(LocalModel.defaultDirectory(environment: ["HOME": "/h"]) == "/h/.cache/\(tail)")
        #expect(
            LocalModel.defaultDirectory(environment: ["HOME": "/h", "XDG_CACHE_HOME": "/c"]) == "/c/\(tail)")
        #expect(LocalModel.defaultDirectory(environment: ["NEEDLETAIL_MODEL": "/m", "HOME": "/h"]) == "/m")
    }
}

/// Goes one nanosecond further at each reading.
private final class CountingClock: Clock {
    private let readings = Mutex<UInt64>(0)

    func wallMilliseconds() -> Int64 { 0 }
    func monotonicNanoseconds() -> UInt64 {
        readings.withLock {
            $0 += 1
            return $0
        }
    }
}
