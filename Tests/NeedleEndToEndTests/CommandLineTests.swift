// The admin command line as people and scripts use it: files, standard input, statuses, advice.

import Foundation
import NeedleCore
import Testing

extension EndToEnd {
    @Suite("The command line")
    struct CommandLineTests {
        private let folder: TemporaryFolder
        private let server: ServerUnderTest

        init() throws {
            folder = try TemporaryFolder()
            server = try ServerUnderTest(data: folder.path + "/data")
        }

        private func run(_ arguments: String..., input: String? = nil) throws -> ProgramResult {
            try runProgram(
                Places.commandLine, arguments, environment: ["NEEDLETAIL_URL": "127.0.0.1:\(server.port)"],
                input: input)
        }

        private func row(_ id: Int) -> String {
            #"{"id":\#(id),"vector":[\#(id),1.5,-2],"payload":{"name":"n\#(id)","big":12345678901234567890}}"#
        }

        @Test("From create to drop")
        func wholeLife() throws {
            let created = try run("create", "things", "--size", "3", "--metric", "euclid")
            #expect(created.status == 0, "\(created.errors)")
            #expect(created.output == "created things\n")

            let file = try folder.file("rows.jsonl", (0..<700).map(row).joined(separator: "\n") + "\n")
            let imported = try run("import", "things", file)
            #expect(imported.status == 0, "\(imported.errors)")
            #expect(imported.output.hasPrefix("700 points acknowledged (fsync): 700 created, 0 updated"))
            let piped = try run(
                "import", "things", "--batch", "7", input: (690..<720).map(row).joined(separator: "\n"))
            #expect(piped.output.hasPrefix("30 points acknowledged (fsync): 20 created, 10 updated"))
            #expect(try run("count", "things").output == "720\n")
            let some = try run("count", "things", "--filter", #"{"key":"name","match":{"any":["n3","n4"]}}"#)
            #expect(some.output == "2\n")

            let found = try run("search", "things", "--vector", "[41.2,1.5,-2]", "--limit", "2", "--json")
            #expect(found.status == 0, "\(found.errors)")
            let hits = try found.output.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
            #expect(hits.map { $0["id"]?.integerValue ?? -1 } == [41, 42])
            let table = try run("search", "things", "--vector", "[41.2,1.5,-2]", "--limit", "2")
            #expect(table.output.contains("n41"))

            let got = try run("get", "things", "7", "--json", "--vectors")
            #expect(got.status == 0)
            let point = try JSONValue(parsing: String(got.output.dropLast()))
            #expect(point["vector"] == [7.0, 1.5, -2.0])
            #expect(got.output.contains(#""payload":{"name":"n7","big":12345678901234567890}"#))
            let missing = try run("get", "things", "7", "99999")
            #expect(missing.status == 1)
            #expect(missing.errors.contains("not found: 99999"))
            #expect(missing.output.contains("n7"))

            #expect(
                try run("payload", "things", "1", "99999", "--set", #"{"checked":true}"#).output
                    == "changed 1 point\n")
            #expect(try run("get", "things", "1", "--json").output.contains(#""checked":true"#))
            #expect(
                try run("payload", "things", "--all", "--yes", "--delete", "checked").output
                    .hasPrefix("changed "))
            #expect(try !run("get", "things", "1", "--json").output.contains("checked"))
            #expect(try run("delete", "things", "1", "2", "99999").output == "deleted 2 points\n")
            let filter = #"{"key":"name","match":{"value":"n3"}}"#
            #expect(try run("delete", "things", "--filter", filter).output == "deleted 1 point\n")
            let optimized = try run("optimize", "things")
            #expect(optimized.status == 0, "\(optimized.errors)")
            #expect(optimized.output.hasPrefix("optimized things in "))
            #expect(try run("count", "things").output == "717\n")
            let snapshot = try run("snapshot", "create", "things")
            #expect(snapshot.status == 0, "\(snapshot.errors)")
            let name = String(snapshot.output.dropLast())
            #expect(name.hasPrefix("things-") && snapshot.errors.contains("717 points"))
            #expect(try run("snapshot", "list").output.contains(name))
            let verified = try run("snapshot", "verify", name)
            #expect(verified.output.hasPrefix("\(name) is whole: "), "\(verified.errors)")
            #expect(verified.output.contains("100 probes answered as before"))
            let restored = try run("snapshot", "restore", name, "--as", "again")
            #expect(restored.output.hasPrefix("restored again: 717 points at LSN "), "\(restored.errors)")
            #expect(try run("snapshot", "restore", name, "--as", "things").status == 1)
            #expect(try run("snapshot", "delete", name).output == "deleted \(name)\n")
            #expect(try run("count", "again").output == "717\n")
            #expect(try run("drop", "again", "--yes").status == 0)
            #expect(try run("info", "things").output.contains("717"))
            #expect(try run("collections").output.contains("things"))
            #expect(try run("health").output == "COLLECTION  STATE\nthings      ready\n")
            let health = try run("health", "things")
            #expect(
                health.output.contains("nothing was measured yet") && health.output.contains("717 points"))
            let early = try run("health", "things", "--accept")
            #expect(early.status == 1 && early.errors.contains("no measurement to accept"), "\(early.errors)")

            let unasked = try run("drop", "things")
            #expect(unasked.status == 2)
            #expect(unasked.errors.contains("--yes"))
            let dropped = try run("drop", "things", "--yes")
            #expect(dropped.status == 0)
            #expect(dropped.output == "deleted things\n")
            #expect(try server.connect().result("collection.list")["collections"] == [])
        }

        @Test("Rows of any shape are mapped, and the collection made on the way")
        func mappedRows() throws {
            let rows =
                #"{"isbn":"x-1","e":[1,0],"title":"A"}"# + "\n"
                + #"{"isbn":"x-2","e":"AAAAAAAAgD8=","title":"B"}"#
            let run = try run(
                "import", "books", "-", "--id-key", "isbn", "--vector-key", "e", "--create", "--size", "2",
                input: rows)
            #expect(run.status == 0, "\(run.errors)")
            let got = try server.connect().result(
                "point.get", #"{"collection":"books","ids":["x-1","x-2"],"with_vector":true}"#)
            #expect(got["points"]?[0]?["payload"] == ["title": "A"])
            #expect(got["points"]?[1]?["vector"] == [0.0, 1.0])
        }

        @Test("A malformed line stops the import at its place, unless bad lines are to be skipped")
        func malformedRows() throws {
            try server.connect().result("collection.create", #"{"name":"c","vectors":{"size":3}}"#)
            let file = try folder.file("bad.jsonl", row(1) + "\n" + row(2) + "\n{\"id\":3,\n" + row(4) + "\n")
            let stopped = try run("import", "c", file)
            #expect(stopped.status == 5)
            #expect(stopped.errors.contains("bad.jsonl:3"), "\(stopped.errors)")
            #expect(try run("count", "c").output == "2\n")
            let skipped = try run("import", "c", file, "--skip-bad")
            #expect(skipped.status == 0)
            #expect(skipped.output.contains("1 bad line skipped"), "\(skipped.output)")
            #expect(try run("count", "c").output == "3\n")

            let refused = try run("import", "c", input: row(5) + "\n" + #"{"id":6,"vector":[1,2]}"#)
            #expect(refused.status == 1)
            #expect(refused.errors.contains("point 6"), "\(refused.errors)")
            #expect(refused.errors.contains("needletail info c"), "\(refused.errors)")
        }

        @Test("Errors say what to do next, by message and by status")
        func errors() throws {
            try server.connect().result("collection.create", #"{"name":"packages","vectors":{"size":3}}"#)
            let typo = try run("count", "package")
            #expect(typo.status == 1)
            #expect(typo.errors.contains("did you mean \"packages\"?"), "\(typo.errors)")
            #expect(typo.output == "")
            let health = try run("health", "package")
            #expect(health.status == 1)
            #expect(health.errors.contains("did you mean \"packages\"?"), "\(health.errors)")

            let twice = try run("create", "packages", "--size", "3")
            #expect(twice.status == 1)
            #expect(twice.errors.contains("needletail drop packages"), "\(twice.errors)")

            let short = try run("search", "packages", "--vector", "[1]")
            #expect(short.status == 1)
            #expect(short.errors.contains("needletail info packages"), "\(short.errors)")

            let noModel = try run("embed", "hello")
            #expect(noModel.status == 1)
            #expect(noModel.errors.contains("scripts/fetch-model"), "\(noModel.errors)")

            let noSize = try run("create", "x")
            #expect(noSize.status == 2, "\(noSize.ending as Any)")
            #expect(noSize.errors.contains("--size"))
            let noFile = try run("import", "packages", folder.path + "/absent.jsonl")
            #expect(noFile.status == 5)
            #expect(noFile.errors.contains("absent.jsonl"))

            server.crash()
            let nobody = try run("count", "packages", "--timeout", "5")
            #expect(nobody.status == 3)
            #expect(nobody.errors.contains("needletaild --data"), "\(nobody.errors)")
        }
    }
}
