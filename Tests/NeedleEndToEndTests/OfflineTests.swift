// check, dump and repair on the files of a real server.

import Foundation
import NeedleCore
import Testing

extension EndToEnd {
    @Suite("Offline tools")
    struct OfflineTests {
        private let folder: TemporaryFolder
        private let data: String

        init() throws {
            folder = try TemporaryFolder()
            data = folder.path + "/data"
        }

        private func run(_ arguments: String...) throws -> ProgramResult {
            try runProgram(Places.commandLine, arguments, environment: [:], input: nil)
        }

        private func stop(_ server: ServerUnderTest) {
            server.terminate()
            #expect(server.process.wait(seconds: 20) == .exited(0))
        }

        private func filled() throws {
            let server = try ServerUnderTest(data: data)
            let peer = try server.connect()
            _ = try peer.result("collection.create", #"{"name":"docs","vectors":{"size":2}}"#)
            for first in stride(from: 0, to: 3_000, by: 500) {
                let points = (first..<first + 500).map {
                    #"{"id":\#($0),"vector":[\#($0 + 1),1],"payload":{"n":\#($0)}}"#
                }
                _ = try peer.result(
                    "point.upsert", #"{"collection":"docs","points":[\#(points.joined(separator: ","))]}"#)
            }
            _ = try peer.result("collection.optimize", #"{"collection":"docs","wait":true}"#)
            let held = try run("check", data)
            #expect(held.status == 2 && held.errors.contains("stop it first"), "\(held)")
            stop(server)
        }

        private func segment() throws -> String {
            let collections = data + "/collections"
            let name = try #require(try FileManager.default.contentsOfDirectory(atPath: collections).first)
            let files = try FileManager.default.contentsOfDirectory(atPath: "\(collections)/\(name)")
            return "\(collections)/\(name)/" + (try #require(files.first { $0.hasSuffix(".segment") }))
        }

        @Test("From damage to a server that serves again")
        func wholeStory() throws {
            try filled()
            let clean = try run("check", data)
            #expect(clean.status == 0 && clean.errors.contains("nothing is wrong"), "\(clean)")
            #expect(clean.output.contains("collection \"docs\": 1 segments, 3000 rows"), "\(clean.output)")
            let path = try segment()
            let dump = try run("dump", path, "--rows", "2")
            #expect(dump.status == 0 && dump.output.contains("row 1: 1, version"), "\(dump.output)")

            let handle = try #require(FileHandle(forUpdatingAtPath: path))
            // Among the ids of the rows.
            try handle.seek(toOffset: 20_000)
            try handle.write(contentsOf: Data([1, 2, 3, 4, 5, 6, 7, 8]))
            try handle.close()
            let damaged = try run("check", data, "--json")
            #expect(damaged.status == 1, "\(damaged)")
            let finding = try JSONValue(parsing: String(damaged.output.split(separator: "\n")[0]))
            #expect(finding["damage"] == true && finding["offset"]?.integerValue == 16_384)
            let planned = try run("repair", data)
            #expect(
                planned.status == 1 && planned.output.contains("would do: collection \"docs\": move aside"))
            #expect(FileManager.default.fileExists(atPath: path))
            let repaired = try run("repair", data, "--yes")
            #expect(
                repaired.status == 0 && repaired.output.contains("kept: \(data)/quarantine/1"), "\(repaired)")
            #expect(!FileManager.default.fileExists(atPath: path))

            let server = try ServerUnderTest(data: data)
            let peer = try server.connect()
            // Waits until it is loaded.
            _ = try peer.result("collection.get", #"{"collection":"docs"}"#)
            let health = try peer.result("server.health")
            #expect(health["status"] == "ok", "\(health)")
            stop(server)
        }
    }
}
