import NeedleCore
import NeedleEmbedding
import SimulationKit
import Testing

@Suite struct CachingEmbedderTests {
    private let context = OperationContext()
    private let disk = SimulatedFileSystem()
    private static let directory = "/data/embeddings"
    /// What a record of the stub's three dimensions takes, and the header of a file.
    private static let record = 52
    private static let header = 64

    init() throws {
        try disk.createDirectory("/data")
    }

    private func cache(
        _ stub: EmbedderStub, memory: Int = 1 << 20, file: Int? = nil
    ) -> CachingEmbedder {
        CachingEmbedder(
            stub, memoryLimit: memory,
            files: file.map { .init(fileSystem: disk, directory: Self.directory, limit: $0) })
    }

    private func expect(
        _ cache: CachingEmbedder, _ texts: [String], _ kind: EmbeddingKind = .passage
    ) throws {
        let batch = try cache.embed(texts, kind: kind, context: context)
        #expect(batch.vectors == texts.map { EmbedderStub.vector($0, kind) })
        #expect(batch.tokens == texts.reduce(0) { $0 + $1.utf8.count + 2 })
        #expect(batch.truncated == texts.count { $0.utf8.count > 6 })
    }

    @Test func onlyNewTextsGoToTheModelEachOnce() throws {
        let stub = EmbedderStub()
        let cache = cache(stub)
        try expect(cache, ["a", "b", "a"])
        try expect(cache, ["b", "a long text", "a"])
        #expect(stub.calls.map { $0.texts.sorted() } == [["a", "b"], ["a long text"]])
        // A question is another text than a passage.
        try expect(cache, ["a"], .query)
        #expect(stub.calls.count == 3)
        let statistics = try #require(cache.cacheStatistics)
        #expect(statistics.memoryHits == 2)
        #expect(statistics.misses == 4)
        #expect(statistics.entries == 4)
    }

    @Test func rememberedIsAllOrNothing() throws {
        let stub = EmbedderStub()
        let cache = cache(stub)
        #expect(cache.remembered(["a"], kind: .query) == nil)
        try expect(cache, ["a", "b"], .query)
        let batch = try #require(cache.remembered(["b", "a"], kind: .query))
        #expect(batch.vectors == [EmbedderStub.vector("b", .query), EmbedderStub.vector("a", .query)])
        #expect(cache.remembered(["a", "c"], kind: .query) == nil)
        #expect(cache.remembered(["a"], kind: .passage) == nil)
        #expect(stub.calls.count == 1)
    }

    @Test func canonicallyEquivalentTextsAreNotTheSame() throws {
        let stub = EmbedderStub()
        let cache = cache(stub)
        try expect(cache, ["caf\u{E9}"])
        try expect(cache, ["cafe\u{301}"])
        #expect(stub.calls.count == 2)
    }

    @Test func memoryIsBoundedAndKeepsWhatIsUsed() throws {
        let stub = EmbedderStub()
        let one = cache(stub)
        try expect(one, ["x"])
        let size = try #require(one.cacheStatistics).bytesInMemory
        let cache = cache(stub, memory: 3 * size)
        for text in ["a", "b", "c"] { try expect(cache, [text]) }
        try expect(cache, ["a"])
        try expect(cache, ["d"])
        #expect(cache.remembered(["a", "c", "d"], kind: .passage) != nil)
        #expect(cache.remembered(["b"], kind: .passage) == nil)
        for index in 0..<100 { try expect(cache, ["\(index)"]) }
        #expect(try #require(cache.cacheStatistics).bytesInMemory == 3 * size)
        #expect(try #require(cache.cacheStatistics).entries == 3)
    }

    @Test func aCacheWithoutMemoryAnswersAll() throws {
        let stub = EmbedderStub()
        let cache = cache(stub, memory: 0)
        try expect(cache, ["a", "b", "a"])
        try expect(cache, ["a"])
        #expect(stub.calls.count == 2)
    }

    @Test func errorsOfTheModelPassAndNothingIsKept() throws {
        let stub = EmbedderStub()
        let cache = cache(stub, file: 1 << 16)
        #expect(errorKind { _ = try cache.embed(["a", "bad"], kind: .query, context: context) } == .internal)
        try expect(cache, ["a"], .query)
        #expect(stub.calls.count == 2)
    }

    @Test func filesSurviveARestart() throws {
        let texts = (0..<300).map { "text \($0)" }
        try expect(cache(EmbedderStub(), file: 1 << 16), texts)
        disk.killProcess()
        let stub = EmbedderStub()
        let again = cache(stub, file: 1 << 16)
        try expect(again, texts)
        #expect(stub.calls.isEmpty)
        let statistics = try #require(again.cacheStatistics)
        #expect(statistics.fileHits == 300)
        #expect(statistics.bytesOnDisk == Self.header + 300 * Self.record)
    }

    @Test func anotherModelFindsNothing() throws {
        try expect(cache(EmbedderStub(), file: 1 << 16), ["a"])
        let other = EmbedderStub(fingerprint: "beef")
        try expect(cache(other, file: 1 << 16), ["a"])
        #expect(other.calls.count == 1)
        // And what it wrote is not the first one's.
        let first = EmbedderStub()
        try expect(cache(first, file: 1 << 16), ["a"])
        #expect(first.calls.count == 1)
    }

    @Test func filesAreBoundedAndKeepWhatIsUsed() throws {
        let limit = 2 * (Self.header + 10 * Self.record)
        let stub = EmbedderStub()
        let cache = cache(stub, memory: 0, file: limit)
        for index in 0..<200 {
            try expect(cache, ["\(index)"])
            try expect(cache, ["kept"])
            #expect(try #require(cache.cacheStatistics).bytesOnDisk <= limit)
            #expect(disk.usedBytes <= limit)
        }
        #expect(stub.calls.count { $0.texts == ["kept"] } == 1)
        try expect(cache, ["199", "198"])
        #expect(stub.calls.count == 201)
        // More at once than a generation holds.
        try expect(cache, (0..<55).map { "many \($0)" })
        #expect(disk.usedBytes <= limit)
    }

    @Test func damageIsDroppedAndCountedNeverServed() throws {
        let texts = (0..<20).map { "t\($0)" }
        for offset in stride(from: 0, to: Self.header + 20 * Self.record, by: 7) {
            let disk = SimulatedFileSystem()
            try disk.createDirectory("/data")
            let files = CachingEmbedder.Files(fileSystem: disk, directory: Self.directory, limit: 1 << 16)
            let written = CachingEmbedder(EmbedderStub(), memoryLimit: 0, files: files)
            try expect(written, texts)
            // Found when the record is read …
            disk.flip("\(Self.directory)/younger", at: offset, mask: 0x10)
            try expect(written, texts)
            // … and when the file is opened.
            disk.killProcess()
            let stub = EmbedderStub()
            let again = CachingEmbedder(stub, memoryLimit: 0, files: files)
            try expect(again, texts)
            let damaged = try #require(again.cacheStatistics).damaged
            #expect(damaged == (offset < Self.header ? 0 : 1), "offset \(offset)")
            #expect(stub.calls.count <= 1)
        }
    }

    @Test func aTornTailHarmsNothingElse() throws {
        try expect(cache(EmbedderStub(), file: 1 << 16), ["a", "b", "c"])
        let path = "\(Self.directory)/younger"
        for size in stride(from: Self.header + 3 * Self.record, through: 0, by: -1) {
            let copy = disk.clone()
            copy.killProcess()
            let file = try copy.openForWriting(path)
            try file.truncate(to: size)
            file.close()
            let files = CachingEmbedder.Files(fileSystem: copy, directory: Self.directory, limit: 1 << 16)
            let first = CachingEmbedder(EmbedderStub(), memoryLimit: 0, files: files)
            try expect(first, ["a", "b", "c", "d"])
            copy.killProcess()
            let stub = EmbedderStub()
            try expect(CachingEmbedder(stub, memoryLimit: 0, files: files), ["a", "b", "c", "d"])
            #expect(stub.calls.isEmpty, "cut at \(size)")
        }
    }

    /// Whatever the disk refuses, and whatever a crash leaves, the answers are right.
    @Test func failuresOfTheDiskFailNoRequest() throws {
        let limit = 2 * (Self.header + 4 * Self.record)
        let texts = (0..<12).map { "t\($0)" }
        var operation = 0
        while true {
            operation += 1
            let disk = SimulatedFileSystem()
            try disk.createDirectory("/data")
            let files = CachingEmbedder.Files(fileSystem: disk, directory: Self.directory, limit: limit)
            disk.plan(Fault(operation % 2 == 0 ? .ioError : .crash, at: operation))
            let cache = CachingEmbedder(EmbedderStub(), memoryLimit: 0, files: files)
            for text in texts { try expect(cache, [text]) }
            guard disk.faultsStruck > 0 else { break }
            var generator = SeededGenerator(seed: UInt64(operation))
            disk.crash(.tornSectors, using: &generator)
            if try disk.kind(of: "/data") == nil { try disk.createDirectory("/data") }
            let again = CachingEmbedder(EmbedderStub(), memoryLimit: 0, files: files)
            for text in texts { try expect(again, [text]) }
        }
        #expect(operation > 20)
    }
}
