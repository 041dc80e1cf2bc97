import Foundation
import NeedleClient
import NeedletailCommand
import Testing

@Suite("Folders of texts")
struct FolderTests {
    @Test("Texts are found recursively, in the order of their paths")
    func walk() throws {
        let folder = try Folder([
            "b.md": "b", "a/z.TXT": "zz", "a/b/c.markdown": "c", "a.png": "p", ".hidden/x.md": "h",
            ".y.md": "y", "ä.md": "",
        ])
        try FileManager.default.createSymbolicLink(
            atPath: folder.path + "/link.md", withDestinationPath: folder.path + "/b.md")
        try FileManager.default.createSymbolicLink(
            atPath: folder.path + "/loop", withDestinationPath: folder.path)
        let walk = try FolderWalk(folder.path)
        #expect(walk.files.map(\.relativePath) == ["a/b/c.markdown", "a/z.TXT", "b.md", "link.md", "ä.md"])
        #expect(walk.files.map(\.bytes) == [1, 2, 1, 1, 0] && walk.problems.isEmpty)
        func matching(_ patterns: String...) throws -> [String] {
            try FolderWalk(folder.path, patterns: patterns).files.map(\.relativePath)
        }
        #expect(try matching("*.png") == ["a.png"])
        #expect(try matching("a/*", "ä.*") == ["a/z.TXT", "ä.md"])
        #expect(throws: Failure.self) { try FolderWalk(folder.path + "/none") }
    }

    @Test("Files become documents, or it is said why not")
    func documents() throws {
        let folder = try Folder([
            "a/n.md": "# N", "t.txt": "text", "large.md": String(repeating: "x", count: 600),
        ])
        try Data([0x61, 0xC3]).write(to: URL(filePath: folder.path + "/broken.md"))
        var documents = FolderDocuments(lineBytes: 1_000)
        documents.prefix = "p/"
        documents.payload = ["k": 1]
        var found: [Document] = []
        var problems: [String] = []
        for file in try FolderWalk(folder.path).files {
            do {
                found.append(try documents.document(file))
            } catch {
                problems.append(error.message)
            }
        }
        #expect(
            found == [
                Document(id: "p/a/n.md", text: "# N", format: .markdown, payload: ["k": 1]),
                Document(id: "p/t.txt", text: "text", payload: ["k": 1]),
            ])
        #expect(problems.count == 2)
        #expect(problems.contains { $0.contains("broken.md: not UTF-8") })
        #expect(problems.contains { $0.contains("large.md: 600 B, at most 500 B") })
    }

    @Test("Batches are small, but for files that are not")
    func batches() {
        let sizes = [10, 10, 10, 100, 5, 5, 0, 0, 0]
        let files = sizes.enumerated().map { FoundFile(path: "\($0)", relativePath: "\($0)", bytes: $1) }
        let batches = FileBatch.batches(of: files, bytes: 25, count: 3)
        #expect(
            batches.map { batch in batch.files.map { $0.bytes } } == [
                [10, 10], [10], [100], [5, 5, 0], [0, 0],
            ])
        #expect(FileBatch.batches(of: []).isEmpty)
    }

    @Test("What was done, in a line")
    func summary() {
        var tally = IngestTally()
        tally.documents = 2
        tally.chunks = 1_234
        tally.unchanged = 1_234
        #expect(tally.summary(elapsed: 1) == "2 documents, 1,234 chunks: 0 embedded, all unchanged in 1.0 s")
        (tally.embedded, tally.unchanged, tally.deleted, tally.missing) = (1, 1_233, 3, 1)
        tally.problems = ["x"]
        #expect(
            tally.summary(elapsed: 0.5)
                == "2 documents, 1,234 chunks: 1 embedded, 1,233 unchanged, 3 deleted, 1 missing document deleted, 1 file left out in 0.5 s"
        )
    }
}
