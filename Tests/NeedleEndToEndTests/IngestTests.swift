// Folders become documents, with the real model: the same run again does nothing, a killed one is completed by the next.

import Foundation
import NeedleCore
import Testing

extension EndToEnd {
    @Suite("Ingesting folders", .enabled(if: Places.model != nil))
    struct IngestTests {
        private let folder: TemporaryFolder

        init() throws {
            folder = try TemporaryFolder()
            try FileManager.default.createDirectory(
                atPath: folder.path + "/notes/deep/er", withIntermediateDirectories: true)
        }

        private func server() throws -> ServerUnderTest {
            try ServerUnderTest(data: folder.path + "/data", model: Places.model)
        }

        private func environment(_ server: ServerUnderTest) -> [String: String] {
            ["NEEDLETAIL_URL": "127.0.0.1:\(server.port)"]
        }

        private func run(_ server: ServerUnderTest, _ arguments: String...) throws -> ProgramResult {
            try runProgram(Places.commandLine, arguments, environment: environment(server))
        }

        private func note(_ name: String, _ text: String) throws {
            _ = try folder.file("notes/" + name, text)
        }

        /// Everything of a collection's points but versions and times.
        private func content(_ server: ServerUnderTest, _ collection: String) throws -> Set<String> {
            let page = try server.connect().result(
                "point.scroll", #"{"collection":"\#(collection)","limit":10000,"with_vector":true}"#)
            let points = try #require(page["points"]?.arrayValue)
            return Set(
                points.map { point in
                    let members: [JSONValue.Member] = (point["payload"]?.objectValue ?? nil) ?? []
                    let payload = members.filter { $0.name != "embedded_at" }
                    return
                        "\(point["id"]?.text ?? "") \(JSONValue.object(payload).text) \(point["vector"]?.text ?? "")"
                })
        }

        @Test("What is there already is not embedded again")
        func unchanged() throws {
            let server = try server()
            try note(
                "birds.md",
                "# Birds\n\n## Swifts\n\nSwifts sleep in the air.\n\n## Owls\n\nOwls hunt at night.\n")
            try note("deep/er/bread.txt", "A recipe for bread with sourdough. It takes a day.")
            try note("deep/.hidden.md", "hidden")
            try note("deep/picture.png", "no text")
            let first = try run(
                server, "ingest", "notes", folder.path + "/notes", "--create", "--model", "all-MiniLM-L6-v2")
            #expect(first.status == 0, "\(first.errors)")
            #expect(first.output.hasPrefix("2 documents, 3 chunks: 3 embedded, 0 unchanged, 0 deleted in "))
            let before = try content(server, "notes")
            let second = try run(server, "ingest", "notes", folder.path + "/notes")
            #expect(second.output.hasPrefix("2 documents, 3 chunks: 0 embedded, all unchanged in "))
            #expect(try content(server, "notes") == before)
            let found = try run(server, "search", "notes", "nocturnal animals", "--limit", "1", "--json")
            #expect(found.output.contains(#""heading_path":["Birds","Owls"]"#), "\(found.output)")

            try note("birds.md", "# Birds\n\n## Kites\n\nKites soar.\n\n## Owls\n\nOwls hunt at night.\n")
            let third = try run(server, "ingest", "notes", folder.path + "/notes")
            #expect(third.output.hasPrefix("2 documents, 3 chunks: 1 embedded, 2 unchanged, 0 deleted in "))
        }

        @Test("Documents of files that are gone go when that is asked for; others never do")
        func missing() throws {
            let server = try server()
            for name in ["a.md", "b.md", "c.txt"] { try note(name, "The text of \(name).") }
            let folder = folder.path + "/notes"
            _ = try run(
                server, "ingest", "notes", folder, "--create", "--model", "all-MiniLM-L6-v2", "--prefix", "x/"
            )
            _ = try runProgram(
                Places.commandLine, ["document", "put", "notes", "own"], environment: environment(server),
                input: "A text of its own.")
            try FileManager.default.removeItem(atPath: folder + "/b.md")
            let kept = try run(server, "ingest", "notes", folder, "--prefix", "x/")
            #expect(kept.output.hasPrefix("2 documents, 2 chunks: 0 embedded, all unchanged"))
            let deleted = try run(server, "ingest", "notes", folder, "--prefix", "x/", "--delete-missing")
            #expect(deleted.status == 0, "\(deleted.errors)")
            #expect(deleted.output.contains("1 deleted, 1 missing document deleted"), "\(deleted.output)")
            #expect(try run(server, "document", "get", "notes", "x/b.md").status == 1)
            #expect(try run(server, "document", "get", "notes", "own", "--json").output.contains("own#0"))
            #expect(
                try run(server, "document", "delete", "notes", "own", "x/a.md").output == "deleted 2 chunks\n"
            )
        }

        @Test("What is no text is named and left out, the rest is there")
        func unreadable() throws {
            let server = try server()
            try note("good.md", "A good text.")
            try Data([0x61, 0xFF, 0x62]).write(to: URL(filePath: folder.path + "/notes/bad.md"))
            let result = try run(
                server, "ingest", "notes", folder.path + "/notes", "--create", "--model", "all-MiniLM-L6-v2")
            #expect(result.status == 5)
            #expect(result.errors.contains("bad.md: not UTF-8"), "\(result.errors)")
            #expect(result.output.hasPrefix("1 document, 1 chunk: 1 embedded"), "\(result.output)")
            #expect(try run(server, "ingest", "notes", folder.path + "/none").status == 5)
        }

        @Test("A server that is killed in the middle of an ingest has, after another run, what one run gives")
        func killed() throws {
            for number in 0..<(Places.isLong ? 600 : 150) {
                let sentences = (0..<6).map {
                    "Note \(number) says in sentence \($0) what nobody \(number * $0) knew."
                }
                try note("note-\(number).md", "# Note \(number)\n\n" + sentences.joined(separator: " "))
            }
            let arguments = ["ingest", "notes", folder.path + "/notes", "--quiet"]
            var wasInTheMiddle = 0
            var first: ServerUnderTest? = try server()
            try first?.connect().result(
                "collection.create", #"{"name":"notes","vectors":{"model":"all-MiniLM-L6-v2"}}"#)
            for wanted in [1, 60] {
                let server = try first ?? self.server()
                first = nil
                let peer = try server.connect()
                let ingest = try ChildProcess(
                    Places.commandLine, arguments + ["--timeout", "5"], environment: environment(server),
                    output: folder.path + "/out", errors: folder.path + "/err")
                var count = 0
                _ = eventually(within: .seconds(20)) {
                    let answer = try? peer.result("point.count", #"{"collection":"notes"}"#)
                    count = answer?["count"]?.integerValue ?? 0
                    return count >= wanted || ingest.wait(seconds: 0) != nil
                }
                if ingest.wait(seconds: 0) == nil { wasInTheMiddle += 1 }
                server.crash()
                #expect(ingest.wait(seconds: 20) != nil)
                #expect(count >= wanted)
            }
            #expect(wasInTheMiddle > 0)
            let server = try server()
            let last = try run(server, "ingest", "notes", folder.path + "/notes")
            #expect(last.status == 0, "\(last.errors)")
            #expect(!last.output.contains(" 0 unchanged"), "nothing was there: \(last.output)")
            let whole = try run(
                server, "ingest", "other", folder.path + "/notes", "--create", "--model", "all-MiniLM-L6-v2")
            #expect(whole.status == 0, "\(whole.errors)")
            #expect(try content(server, "notes") == content(server, "other"))
        }
    }
}
