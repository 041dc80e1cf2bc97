// The fuzzer's corpus (Tests/JSONFuzz/corpus: seeds and mended findings), replayed with the fuzzer's
// properties.

import Glibc
import NeedleCore
import Testing

@Suite("JSON: corpus")
struct JSONCorpusTests {
    private static let folder: String = {
        // This file lies in Tests/NeedleCoreTests/JSON.
        let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
        return parts.joined(separator: "/") + "/JSONFuzz/corpus"
    }()

    private func names(in folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    private func contents(of path: String) -> [UInt8]? {
        guard let file = fopen(path, "rb") else { return nil }
        defer { fclose(file) }
        return [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
            count = fread(buffer.baseAddress, 1, buffer.count, file)
        }
    }

    @Test("every input of the corpus keeps the properties")
    func replay() throws {
        let names = names(in: Self.folder)
        #expect(names.count >= 15, "the corpus is there")
        for name in names {
            let input = try #require(contents(of: Self.folder + "/" + name), "\(name)")
            #expect(JSONProperties.firstBroken(by: input) == nil, "\(name)")
        }
    }

    @Test("mutated inputs of the corpus keep them as well", arguments: 0..<3)
    func mutated(seed: Int) throws {
        var random = TestGenerator(seed: UInt64(seed) + 70)
        for name in names(in: Self.folder) {
            let input = try #require(contents(of: Self.folder + "/" + name), "\(name)")
            for _ in 0..<20 where !input.isEmpty {
                var text = input
                for _ in 0...random.below(3) {
                    let at = random.below(text.count)
                    text[at] =
                        random.below(2) == 0 ? text[random.below(text.count)] : UInt8(random.below(256))
                }
                #expect(JSONProperties.firstBroken(by: text) == nil, "\(name): \(text)")
            }
        }
    }
}
