import Foundation
import NeedleCore
import NeedleEngine
import NeedleServer
import Testing

/// Snapshots and jobs over a real socket.
@Suite(.serialized, .timeLimit(.minutes(2))) struct SnapshotServerTests {
    private func leftovers(_ server: TestServer) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: server.directory + "/snapshots")
            .filter { $0.hasPrefix(".") }
    }

    @Test func aSnapshotIsTakenVerifiedRestoredAndDeleted() throws {
        let server = try TestServer()
        let client = try server.client()
        try client.fill("docs", count: 50)
        let made = try client.call("snapshot.create", #"{"collection":"docs"}"#)
        #expect(made.contains(#""snapshot":"docs-1","lsn":1,"points":50,"bytes":"#), "\(made)")
        #expect(
            try client.call("snapshot.verify", #"{"snapshot":"docs-1"}"#).contains(#""probes":100"#))
        // What follows a restore on the same connection waits for it.
        client.send(
            #"{"id":8,"method":"snapshot.restore","params":{"snapshot":"docs-1","as":"copy"}}"# + "\n"
                + #"{"id":9,"method":"point.upsert","params":{"collection":"copy","points":[{"id":51,"vector":[1,2,3,4]}]}}"#
                + "\n")
        #expect(
            try client.reply(to: 8).contains(#""id":8,"result":{"collection":"copy","points":50,"lsn":1}"#))
        #expect(try client.reply(to: 9).contains(#""id":9,"result":{"lsn":2"#))
        let jobs = try client.call("job.list")
        for kind in ["snapshot", "verify", "restore"] {
            #expect(jobs.contains(#""kind":"\#(kind)""#), "\(jobs)")
        }
        #expect(try client.call("snapshot.delete", #"{"snapshot":"docs-1"}"#).contains(#""result":{}"#))
        #expect(try client.call("snapshot.list").contains(#""snapshots":[]"#))
        #expect(try leftovers(server) == [])
    }

    /// Work that is throttled to a crawl tells how far it is, and ends when its request is cancelled.
    @Test(arguments: ["snapshot.verify", "snapshot.restore", "snapshot.create"])
    func waitingClientsSeeProgressAndCanCancel(method: String) throws {
        let server = try TestServer { $0.snapshotBytesPerSecond = 2_000 }
        let client = try server.client()
        try client.fill("docs", count: 2_000)
        let work = server.database.beginSnapshotWork(
            "snapshot", collection: "docs", context: OperationContext())
        #expect(try server.database.createSnapshot(of: "docs", work: work).name == "docs-1")
        try client.fill("more", count: 2_000)
        let params =
            switch method {
            case "snapshot.verify": #"{"snapshot":"docs-1"}"#
            case "snapshot.restore": #"{"snapshot":"docs-1","as":"copy"}"#
            default: #"{"collection":"more"}"#
            }
        client.send(#"{"id":5,"method":"\#(method)","params":\#(params)}"# + "\n")
        let progress = try #require(try client.line())
        #expect(progress.contains(#""method":"server.progress","params":{"id":5,"phase":""#), "\(progress)")
        client.send(#"{"id":6,"method":"server.cancel","params":{"id":5}}"# + "\n")
        var answers: [String] = []
        while answers.count < 2, let line = try client.line() {
            if !line.contains("server.progress") { answers.append(line) }
        }
        #expect(answers.contains { $0.contains(#""id":6,"result":{"cancelled":true}"#) }, "\(answers)")
        #expect(
            answers.contains { $0.contains(#""id":5,"error""#) && $0.contains("cancelled") }, "\(answers)")
        #expect(try client.call("job.list", id: 7).contains(#""state":"cancelled""#))
        #expect(try leftovers(server) == [])
        #expect(try client.call("collection.list", id: 8).contains("copy") == false)
    }
}
