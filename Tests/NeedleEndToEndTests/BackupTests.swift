// Copies that left the server: one snapshot in a file or a pipe, a whole server in a directory, and what is left when
// one of the two ends dies on the way.

import Foundation
import NeedleCore
import Testing

extension EndToEnd {
    @Suite("Archives and backups")
    struct BackupTests {
        private let folder: TemporaryFolder
        private let server: ServerUnderTest

        init() throws {
            folder = try TemporaryFolder()
            server = try ServerUnderTest(data: folder.path + "/data")
        }

        private func another(_ name: String = "other") throws -> ServerUnderTest {
            try ServerUnderTest(data: "\(folder.path)/\(name)")
        }

        private func run(_ arguments: String..., on server: ServerUnderTest? = nil) throws -> ProgramResult {
            try runProgram(
                Places.commandLine, arguments,
                environment: ["NEEDLETAIL_URL": "127.0.0.1:\((server ?? self.server).port)"])
        }

        /// Two collections with a bit of everything: several versions, deletions, spaces, text in payloads.
        private func fill(_ server: ServerUnderTest, points: Int = 300) throws {
            let peer = try server.connect()
            try peer.result(
                "collection.create",
                #"{"name":"docs","vectors":{"size":8,"metric":"dot","quantization":{"kind":"none"}}}"#)
            try peer.result(
                "collection.create",
                #"{"name":"pages","vectors":{"a":{"size":2},"b":{"size":3}},"durability":"os"}"#)
            let rows = (0..<points).map { id in
                let vector = (0..<8).map { "\(Double((id * 7 + $0 * 13) % 97) / 8)" }.joined(separator: ",")
                return #"{"id":\#(id),"vector":[\#(vector)],"payload":{"text":"point number \#(id)"}}"#
            }
            try peer.result(
                "point.upsert", #"{"collection":"docs","points":[\#(rows.joined(separator: ","))]}"#)
            try peer.result("point.upsert", #"{"collection":"docs","points":[\#(rows[7])]}"#)
            try peer.result("point.delete", #"{"collection":"docs","ids":[3,5,299]}"#)
            try peer.result(
                "point.upsert", #"{"collection":"pages","points":[{"id":"x","vectors":{"b":[1,2,3]}}]}"#)
        }

        /// Everything a client can see of a collection: all points with vectors and versions.
        private func content(of collection: String, _ server: ServerUnderTest) throws -> JSONValue {
            try server.connect().result(
                "point.scroll", #"{"collection":"\#(collection)","limit":10000,"with_vector":true}"#)[
                    "points"]
                ?? .null
        }

        private func configuration(of collection: String, _ server: ServerUnderTest) throws -> JSONValue {
            try server.connect().result("collection.get", #"{"collection":"\#(collection)"}"#)["config"]
                ?? .null
        }

        private func snapshots(_ server: ServerUnderTest) throws -> [String] {
            let list = try server.connect().result("snapshot.list")["snapshots"]?.arrayValue ?? []
            return list.compactMap { $0["snapshot"]?.stringValue }
        }

        private func take(_ collection: String, _ server: ServerUnderTest) throws -> String {
            let made = try server.connect().result("snapshot.create", #"{"collection":"\#(collection)"}"#)
            return try #require(made["snapshot"]?.stringValue)
        }

        /// Names in a server's directory of snapshots, unfinished ones included.
        private func snapshotFiles(_ name: String) throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/\(name)/snapshots")
        }

        @Test("A snapshot goes through a pipe into another server")
        func pipe() throws {
            try fill(server)
            let other = try another()
            let snapshot = try take("docs", server)
            let command = "'\(Places.commandLine)'"
            let shell = try runProgram(
                "/bin/sh",
                [
                    "-c",
                    "\(command) snapshot export \(snapshot) - --url 127.0.0.1:\(server.port)"
                        + " | \(command) snapshot import - --as copy --url 127.0.0.1:\(other.port)",
                ])
            #expect(shell.status == 0, "\(shell.errors)")
            #expect(shell.output.hasPrefix("copy: 297 points of docs at lsn "), "\(shell.output)")
            #expect(try snapshots(other) == ["copy"])
            try other.connect().result("snapshot.restore", #"{"snapshot":"copy","as":"docs2"}"#)
            #expect(try content(of: "docs2", other) == content(of: "docs", server))
            #expect(try configuration(of: "docs2", other) == configuration(of: "docs", server))
        }

        @Test("A file: whole under its name, refused when it is damaged, and nothing of it stays")
        func file() throws {
            try fill(server)
            let snapshot = try take("docs", server)
            let file = folder.path + "/docs.archive"
            let exported = try run("snapshot", "export", snapshot, file)
            #expect(exported.status == 0, "\(exported.errors)")
            #expect(try run("snapshot", "export", snapshot, file).status == 2, "never over another file")
            #expect(try run("snapshot", "export", "absent", folder.path + "/x").status == 1)
            #expect(!FileManager.default.fileExists(atPath: folder.path + "/x.part"))
            #expect(try run("snapshot", "import", file, "--as", snapshot).status == 1, "the name is taken")

            let other = try another()
            var bytes = [UInt8](try #require(FileManager.default.contents(atPath: file)))
            let damaged = folder.path + "/damaged.archive"
            for change in ["flip", "cut", "longer"] {
                switch change {
                case "flip": bytes[bytes.count / 2] ^= 1
                case "cut":
                    bytes[bytes.count / 2] ^= 1
                    bytes.removeLast(30)
                default: bytes += [UInt8](repeating: 0, count: 60)
                }
                try Data(bytes).write(to: URL(filePath: damaged))
                let refused = try run("snapshot", "import", damaged, on: other)
                #expect(refused.status == 1, "\(change)")
                #expect(refused.errors.contains("archive: damaged at offset"), "\(refused.errors)")
                #expect(try snapshots(other) == [] && snapshotFiles("other") == [])
            }
            #expect(try run("snapshot", "import", file, on: other).status == 0)
            #expect(try snapshots(other).count == 1)
        }

        @Test("A whole server comes back from a directory, on another one")
        func backup() throws {
            try fill(server)
            try server.connect().result("alias.set", #"{"aliases":{"live":"docs"}}"#)
            let directory = folder.path + "/backup"
            let saved = try run("backup", directory)
            #expect(saved.status == 0, "\(saved.errors)")
            #expect(saved.output.hasPrefix("backed up 2 collections (298 points, "), "\(saved.output)")
            #expect(saved.output.contains("and 1 alias to"), "\(saved.output)")
            #expect(try snapshots(server) == [], "what was made for the backup is gone again")
            #expect(try run("backup", directory).status == 2, "never over another backup")

            let taken = try run("restore", directory)
            #expect(taken.status == 1)
            #expect(taken.errors.contains("already on the server: docs, live, pages"), "\(taken.errors)")

            let other = try another()
            let restored = try run("restore", directory, on: other)
            #expect(restored.status == 0, "\(restored.errors)")
            #expect(restored.output == "restored 2 collections (298 points) and 1 alias\n")
            #expect(try snapshots(other) == [])
            for name in ["docs", "pages", "live"] {
                #expect(try content(of: name, other) == content(of: name, server), "\(name)")
                #expect(try configuration(of: name, other) == configuration(of: name, server), "\(name)")
            }
            // It goes on as if nothing had been: the next write's lsn is greater than all before.
            let before = try server.connect().result("collection.get", #"{"collection":"docs"}"#)["lsn"]
            let next = try other.connect().result(
                "point.delete", #"{"collection":"docs","ids":[0]}"#)["lsn"]
            #expect(next?.integerValue ?? 0 > before?.integerValue ?? .max)
        }

        @Test("A backup that is damaged or was interrupted restores nothing")
        func damagedBackup() throws {
            try fill(server)
            let directory = folder.path + "/backup"
            #expect(try run("backup", directory).status == 0)
            let other = try another()
            let archive = directory + "/0002-pages.archive"
            let good = try #require(FileManager.default.contents(atPath: archive))
            var bytes = [UInt8](good)
            bytes[bytes.count - 50] ^= 4
            try Data(bytes).write(to: URL(filePath: archive))
            let damaged = try run("restore", directory, on: other)
            #expect(damaged.status != 0 && damaged.errors.contains("damaged"), "\(damaged.errors)")
            try Data(good.dropLast()).write(to: URL(filePath: archive))
            let short = try run("restore", directory, on: other)
            #expect(short.status == 5 && short.errors.contains("0002-pages.archive"), "\(short.errors)")
            try Data(good).write(to: URL(filePath: archive))
            let list = directory + "/BACKUP"
            let text = try String(contentsOfFile: list, encoding: .utf8)
            for (what, changed) in [
                ("newer", text.replacing(#""needletail_backup":1"#, with: #""needletail_backup":2"#)),
                ("outside", text.replacing("0002-pages", with: "../0002-pages")),
                ("cut", String(text.dropLast(20))),
            ] {
                try Data(changed.utf8).write(to: URL(filePath: list))
                #expect(try run("restore", directory, on: other).status == 5, "\(what)")
            }
            try FileManager.default.removeItem(atPath: list)
            let interrupted = try run("restore", directory, on: other)
            #expect(interrupted.status == 5 && interrupted.errors.contains("is no backup"))
            #expect(try other.connect().result("collection.list")["collections"] == [])
            #expect(try snapshots(other) == [] && snapshotFiles("other") == [])
        }

        @Test("A server that is killed in the middle of an import has nothing of it afterwards")
        func killedWhileImporting() throws {
            try fill(server)
            let snapshot = try take("docs", server)
            let archive = try server.connect().result("snapshot.read", #"{"snapshot":"\#(snapshot)"}"#)[
                "data"]
            let data = try #require(archive?.stringValue)
            let half = String(data.prefix(data.utf8.count / 8 * 4))
            let killed = try another()
            let peer = try killed.connect()
            let id = try #require(peer.result("snapshot.import_begin")["import"]?.stringValue)
            try peer.result("snapshot.import_write", #"{"import":"\#(id)","offset":0,"data":"\#(half)"}"#)
            #expect(try snapshotFiles("other").count == 1)
            killed.crash()
            let restarted = try another()
            #expect(try snapshotFiles("other") == [])
            #expect(try snapshots(restarted) == [])
            let rest = try restarted.connect().call(
                "snapshot.import_write", #"{"import":"\#(id)","offset":0,"data":""}"#)
            #expect(rest["error"]?["data"]?["kind"] == "not_found")
        }

        @Test(
            "A server that is killed in the middle of a backup or restore: all or nothing",
            arguments: [5, 40, 120])
        func killedWhileBackingUp(milliseconds: Int) throws {
            try fill(server, points: 4_000)
            let good = folder.path + "/good"
            #expect(try run("backup", good).status == 0)
            let before = try content(of: "docs", server)

            func start(_ command: String, _ directory: String, _ server: ServerUnderTest) throws
                -> ChildProcess
            {
                try ChildProcess(
                    Places.commandLine, [command, directory, "--timeout", "5"],
                    environment: ["NEEDLETAIL_URL": "127.0.0.1:\(server.port)"], output: folder.path + "/o",
                    errors: folder.path + "/e")
            }
            let directory = folder.path + "/interrupted"
            let saving = try start("backup", directory, server)
            usleep(UInt32(milliseconds) * 1_000)
            server.crash()
            let ending = saving.wait(seconds: 30)
            let isBackup = FileManager.default.fileExists(atPath: directory + "/BACKUP")
            #expect((ending == .exited(0)) == isBackup)
            let restarted = try ServerUnderTest(data: folder.path + "/data")
            #expect(try content(of: "docs", restarted) == before)
            #expect(try Set(snapshotFiles("data")) == Set(snapshots(restarted)), "no half snapshots")

            let other = try another()
            let restoring = try start("restore", good, other)
            usleep(UInt32(milliseconds) * 1_000)
            other.crash()
            _ = restoring.wait(seconds: 30)
            let again = try another()
            let found = try again.connect().result("collection.list")["collections"]?.arrayValue ?? []
            for name in found.compactMap({ $0["name"]?.stringValue }) {
                #expect(try content(of: name, again) == content(of: name, restarted), "\(name) is whole")
            }
            #expect(try Set(snapshotFiles("other")) == Set(snapshots(again)), "no half snapshots")
        }
    }
}
