// The life of the process: draining, the lock of the data directory, what it says when it cannot start.

import Foundation
import NeedleCore
import Testing

extension EndToEnd {
    @Suite("The life of the server")
    struct LifecycleTests {
        private let folder: TemporaryFolder
        private var data: String { folder.path + "/data" }

        init() throws { folder = try TemporaryFolder() }

        @Test("The service manager is told when the server listens, when all is loaded, and when it stops")
        func notices() throws {
            let notices = try NoticeSocket(folder.path + "/notify")
            let server = try ServerUnderTest(data: data, variables: ["NOTIFY_SOCKET": notices.path])
            #expect(
                try notices.next()
                    == "READY=1\nSTATUS=listening on 127.0.0.1:\(server.port), loading collections")
            #expect(try notices.next() == "STATUS=listening on 127.0.0.1:\(server.port)")
            server.terminate()
            #expect(try notices.next() == "STOPPING=1\nSTATUS=answering what was accepted")
            #expect(server.process.wait(seconds: 15) == .exited(0))
        }

        @Test("SIGUSR1: all files are checked again, as a job")
        func scrub() throws {
            let server = try ServerUnderTest(data: data)
            let peer = try server.connect()
            try peer.result("collection.create", #"{"name":"c","vectors":{"size":1,"metric":"dot"}}"#)
            try peer.result("point.upsert", #"{"collection":"c","points":[{"id":1,"vector":[1]}]}"#)
            server.process.send(signal: SIGUSR1)
            var jobs: [JSONValue] = []
            _ = eventually(within: .seconds(15)) {
                jobs = (try? peer.result("job.list", "{}")["jobs"]?.arrayValue) ?? []
                return jobs.contains { $0["kind"] == "scrub" && $0["state"] == "done" }
            }
            #expect(jobs.contains { $0["kind"] == "scrub" && $0["state"] == "done" }, "\(jobs)")
            #expect(server.log.contains("scrubbing, because of SIGUSR1"))
        }

        @Test("SIGTERM: what was accepted is answered, the status is 0, and everything acknowledged is there")
        func drain() throws {
            let server = try ServerUnderTest(data: data)
            let peer = try server.connect()
            try peer.result("collection.create", #"{"name":"c","vectors":{"size":1,"metric":"dot"}}"#)
            let waiting = try server.connect()
            try waiting.send(
                request(1, "point.count", #"{"collection":"c","min_lsn":9999,"deadline_ms":1500}"#))
            try waiting.send(request(2, "server.ping"))
            #expect(try waiting.next()["id"] == 2)
            let upserts = (0..<100).map {
                request($0, "point.upsert", #"{"collection":"c","points":[{"id":\#($0),"vector":[1]}]}"#)
            }
            try peer.send(upserts.joined(separator: "\n"))
            let first = try peer.next()
            #expect(first["result"] != nil)
            server.terminate()

            var acknowledged = [first["id"]?.integerValue ?? -1]
            var answered = 1
            while let line = try peer.line() {
                let answer = try JSONValue(parsing: line)
                answered += 1
                if answer["result"] != nil {
                    acknowledged.append(answer["id"]?.integerValue ?? -1)
                } else {
                    #expect(answer.errorKind == "draining")
                    #expect(answer["error"]?["data"]?["retryable"] == true)
                }
            }
            // All hundred lines came in one piece, before the signal.
            #expect(answered == 100)
            let patient = try waiting.next()
            #expect(patient["id"] == 1)
            #expect(patient.errorKind == "deadline" || patient.errorKind == "draining", "\(patient.text)")
            #expect(try waiting.line() == nil)
            #expect(server.process.wait(seconds: 15) == .exited(0))

            let next = try ServerUnderTest(data: data)
            let reader = try next.connect()
            let ids = acknowledged.map(String.init).joined(separator: ",")
            let found = try reader.result("point.get", #"{"collection":"c","ids":[\#(ids)]}"#)
            #expect(found["missing"] == [])
            #expect(found["points"]?.arrayValue?.count == acknowledged.count)
        }

        @Test("An idle server stops at once, also with clients connected")
        func idle() throws {
            let server = try ServerUnderTest(data: data)
            let peer = try server.connect()
            server.terminate()
            #expect(server.process.wait(seconds: 5) == .exited(0))
            #expect(try peer.line() == nil)
        }

        @Test("A second server on the same data directory refuses to start, and says why")
        func lock() throws {
            let first = try ServerUnderTest(data: data)
            let second = try runProgram(Places.server, ["--data", data, "--listen", "127.0.0.1:0"])
            #expect(second.status == 1)
            #expect(second.errors.contains(data), "\(second.errors)")
            #expect(second.errors.contains("server"), "\(second.errors)")
            #expect(second.output == "")
            try first.connect().result("server.ping")
            first.crash()
            // The lock does not outlive its holder.
            try ServerUnderTest(data: data).connect().result("server.ping")
        }

        @Test("A port that is taken is a clear error")
        func takenPort() throws {
            let first = try ServerUnderTest(data: data)
            let second = try runProgram(
                Places.server, ["--data", data + "2", "--listen", "127.0.0.1:\(first.port)"])
            #expect(second.status == 1)
            #expect(second.errors.contains("127.0.0.1:\(first.port)"), "\(second.errors)")
        }

        @Test("An unknown flag is named, with a status other than 0")
        func unknownFlag() throws {
            let run = try runProgram(Places.server, ["--dta", data])
            #expect(run.status == 64)
            #expect(run.errors.contains("--dta"))
        }

        @Test("A wrong configuration file: every mistake with its line, and status 2")
        func wrongFile() throws {
            let file = try folder.file(
                "needletail.toml",
                """
                [limits]
                wait_ms = 10
                lines_bytes = 7

                [storage]
                growing_rows = "many"
                """)
            let run = try runProgram(Places.server, ["--config", file, "--data", data])
            #expect(run.status == 2)
            #expect(run.errors.contains("\(file):3: unknown key \"limits.lines_bytes\""), "\(run.errors)")
            #expect(run.errors.contains("limits.line_bytes"), "\(run.errors)")
            #expect(run.errors.contains("\(file):6: storage.growing_rows"), "\(run.errors)")
            #expect(!FileManager.default.fileExists(atPath: data))

            let broken = try folder.file("broken.toml", "[limits]\nwait_ms = = 3\n")
            let second = try runProgram(Places.server, ["--config", broken])
            #expect(second.status == 2)
            #expect(second.errors.contains("\(broken):2"), "\(second.errors)")

            let missing = try runProgram(Places.server, ["--config", folder.path + "/absent.toml"])
            #expect(missing.status == 2)
            #expect(missing.errors.contains("absent.toml"))
        }

        @Test("An address that others can reach is refused unless it is allowed")
        func remote() throws {
            let run = try runProgram(Places.server, ["--data", data, "--listen", "0.0.0.0:0"])
            #expect(run.status == 2)
            #expect(run.errors.contains("allow_remote"))
        }

        @Test("A data directory that cannot be made is a clear error")
        func noDirectory() throws {
            let file = try folder.file("plain", "not a directory")
            let run = try runProgram(Places.server, ["--data", file + "/data", "--listen", "127.0.0.1:0"])
            #expect(run.status == 1)
            #expect(run.errors.contains(file), "\(run.errors)")
        }
    }
}
