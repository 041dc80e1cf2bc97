// Promises to writers and to those who wait: durability, op_key, min_lsn, deadlines, cancelling, the
// in-flight limit.

import NeedleCore
import Testing

extension EndToEnd {
    @Suite("Writes, waits and limits")
    struct WriteTests {
        private let folder: TemporaryFolder
        private var data: String { folder.path + "/data" }

        init() throws { folder = try TemporaryFolder() }

        private static func upsert(_ collection: String, _ id: Int, _ more: String = "") -> String {
            #"{"collection":"\#(collection)","points":[{"id":\#(id),"vector":[\#(id + 1)]}]\#(more)}"#
        }

        @Test("Each durability answers what it is; fsync and os survive kill -9")
        func durability() throws {
            let server = try ServerUnderTest(data: data)
            let peer = try server.connect()
            for name in ["fsync", "os", "memory"] {
                try peer.result(
                    "collection.create",
                    #"{"name":"\#(name)","vectors":{"size":1,"metric":"dot"},"durability":"\#(name)"}"#)
                for id in 0..<20 {
                    let result = try peer.result("point.upsert", Self.upsert(name, id))
                    #expect(result["durable"]?.stringValue == name)
                    #expect(result["created"] == 1)
                }
            }
            server.crash()
            let next = try ServerUnderTest(data: data).connect()
            #expect(try next.result("point.count", #"{"collection":"fsync"}"#)["count"] == 20)
            #expect(try next.result("point.count", #"{"collection":"os"}"#)["count"] == 20)
            // Nothing is promised about these, but what is there is a prefix.
            let rest = try next.result("point.count", #"{"collection":"memory"}"#)["count"]?.integerValue ?? 0
            let scroll =
                try next.result("point.scroll", #"{"collection":"memory"}"#)["points"]?.arrayValue ?? []
            #expect(scroll.map { $0["id"]?.integerValue ?? -1 } == Array(0..<rest))
        }

        @Test("An op_key answers the first result, also after kill -9")
        func opKey() throws {
            let server = try ServerUnderTest(data: data)
            let peer = try server.connect()
            try peer.result("collection.create", #"{"name":"c","vectors":{"size":1,"metric":"dot"}}"#)
            let write = Self.upsert("c", 7, #","op_key":"once""#)
            let first = try peer.result("point.upsert", write)
            #expect(first["created"] == 1)
            let delete = #"{"collection":"c","ids":[7,8],"op_key":"gone"}"#
            let deleted = try peer.result("point.delete", delete)
            #expect(deleted["deleted"] == 1)
            #expect(try peer.result("point.upsert", write) == first)
            server.crash()
            let next = try ServerUnderTest(data: data).connect()
            #expect(try next.result("point.upsert", write) == first)
            #expect(try next.result("point.delete", delete) == deleted)
            #expect(try next.result("point.count", #"{"collection":"c"}"#)["count"] == 0)
            let other = try next.result("point.upsert", Self.upsert("c", 7, #","op_key":"twice""#))
            #expect(other["created"] == 1)
            let (one, two) = (deleted["lsn"]?.integerValue ?? 0, other["lsn"]?.integerValue ?? 0)
            #expect(two > one, "an answered lsn is never given twice")
        }

        @Test("min_lsn waits for a write that comes, and times out for one that does not")
        func minimumLSN() throws {
            let server = try ServerUnderTest(data: data, settings: ["limits.wait_ms": "300"])
            let (writer, reader) = (try server.connect(), try server.connect())
            let created = try writer.result(
                "collection.create", #"{"name":"c","vectors":{"size":1,"metric":"dot"}}"#)
            let lsn = created["lsn"]?.integerValue ?? 0
            try reader.send(request(1, "point.count", #"{"collection":"c","min_lsn":\#(lsn + 1)}"#))
            #expect(reader.staysSilent(seconds: 0.05))
            try writer.result("point.upsert", Self.upsert("c", 1))
            #expect(try reader.next()["result"]?["count"] == 1)

            let start = ContinuousClock.now
            let late = try reader.call("point.count", #"{"collection":"c","min_lsn":\#(lsn + 99)}"#)
            #expect(late.errorKind == "deadline")
            #expect(late.errorPlace == "min_lsn")
            #expect(start.duration(to: .now) >= .milliseconds(290))
            let short = try reader.call(
                "point.count", #"{"collection":"c","min_lsn":\#(lsn + 99),"deadline_ms":20}"#)
            #expect(short.errorKind == "deadline")
            #expect(short.errorPlace == "min_lsn")
        }

        @Test("deadline_ms 0 has passed already: nothing is executed")
        func passedDeadline() throws {
            let server = try ServerUnderTest(data: data)
            let peer = try server.connect()
            try peer.result("collection.create", #"{"name":"c","vectors":{"size":1,"metric":"dot"}}"#)
            for _ in 0..<20 {
                let write = try peer.call("point.upsert", Self.upsert("c", 1, #","deadline_ms":0"#))
                #expect(write.errorKind == "deadline")
                #expect(write["error"]?["data"]?["retryable"] == true)
                let search = try peer.call(
                    "point.search", #"{"collection":"c","vector":[1],"deadline_ms":0}"#)
                #expect(search.errorKind == "deadline")
            }
            #expect(try peer.result("point.count", #"{"collection":"c"}"#)["count"] == 0)
        }

        @Test("Cancelling ends what waits and what computes; what is not there is not cancelled")
        func cancelling() throws {
            let server = try ServerUnderTest(data: data)
            let peer = try server.connect()
            try peer.result("collection.create", #"{"name":"c","vectors":{"size":16,"metric":"dot"}}"#)
            let vector = "[" + Array(repeating: "0.5", count: 16).joined(separator: ",") + "]"
            for batch in 0..<3 {
                let points = (0..<1_000).map { #"{"id":\#(batch * 1_000 + $0),"vector":\#(vector)}"# }
                try peer.result(
                    "point.upsert", #"{"collection":"c","points":[\#(points.joined(separator: ","))]}"#)
            }
            #expect(try peer.result("server.cancel", #"{"id":"nothing"}"#)["cancelled"] == false)

            try peer.send(request(1, "point.count", #"{"collection":"c","min_lsn":9999}"#))
            #expect(try peer.result("server.cancel", #"{"id":1}"#)["cancelled"] == true)
            let start = ContinuousClock.now
            #expect(try peer.next().errorKind == "cancelled")
            #expect(start.duration(to: .now) < .seconds(2))

            let one = #"{"vector":\#(vector),"limit":100,"with_payload":false,"params":{"exact":true}}"#
            let many = Array(repeating: one, count: 5_000).joined(separator: ",")
            try peer.send(request(2, "point.search_batch", #"{"collection":"c","searches":[\#(many)]}"#))
            try peer.send(request(3, "server.cancel", #"{"id":2}"#))
            let both = [try peer.next(), try peer.next()]
            #expect(both.first { $0["id"] == 3 }?["result"]?["cancelled"] == true)
            #expect(both.first { $0["id"] == 2 }?.errorKind == "cancelled")
        }

        @Test("With 256 requests open the server stops reading, and then answers every one")
        func inFlight() throws {
            let server = try ServerUnderTest(data: data)
            let (peer, writer) = (try server.connect(), try server.connect())
            let created = try peer.result(
                "collection.create", #"{"name":"c","vectors":{"size":1,"metric":"dot"}}"#)
            let lsn = created["lsn"]?.integerValue ?? 0
            let count = 1_000
            let waiting = (0..<256).map {
                request($0, "point.count", #"{"collection":"c","min_lsn":\#(lsn + 1)}"#)
            }
            let more = (256..<count).map { request($0, "server.ping") }
            try peer.send((waiting + more).joined(separator: "\n"))
            #expect(peer.staysSilent(seconds: 0.2), "a 257th request was read")
            try writer.result("point.upsert", Self.upsert("c", 1))
            var ids: Set<Int> = []
            for _ in 0..<count {
                let answer = try peer.next()
                #expect(answer["result"] != nil)
                ids.insert(answer["id"]?.integerValue ?? -1)
            }
            #expect(ids == Set(0..<count))
            #expect(peer.staysSilent(seconds: 0.02))
        }
    }

    @Suite("Cursors")
    struct CursorTests {
        private let folder: TemporaryFolder

        init() throws { folder = try TemporaryFolder() }

        private func fill(_ peer: LineConnection, _ ids: Range<Int>, _ tag: String) throws {
            let points = ids.map { #"{"id":\#($0),"vector":[1],"payload":{"tag":"\#(tag)"}}"# }
            try peer.result(
                "point.upsert", #"{"collection":"c","points":[\#(points.joined(separator: ","))]}"#)
        }

        @Test("A scroll shows one moment, whatever is written, deleted and merged meanwhile")
        func stable() throws {
            let server = try ServerUnderTest(
                data: folder.path + "/data", settings: ["storage.growing_rows": "1024"])
            let peer = try server.connect()
            try peer.result("collection.create", #"{"name":"c","vectors":{"size":1,"metric":"dot"}}"#)
            try fill(peer, 0..<1_500, "old")
            var page = try peer.result("point.scroll", #"{"collection":"c","limit":100}"#)
            var seen = page["points"]?.arrayValue ?? []
            var step = 0
            while let cursor = page["cursor"]?.stringValue, step < 100 {
                switch step % 5 {
                case 0: try fill(peer, (step * 100)..<(step * 100 + 400), "new")
                case 1:
                    try peer.result("point.delete", #"{"collection":"c","ids":[1490,1491,\#(700 + step)]}"#)
                case 2: try fill(peer, 5_000..<6_200, "new")
                case 3: try peer.result("collection.optimize", #"{"collection":"c","wait":true}"#)
                default: try peer.result("point.delete", #"{"collection":"c","all":true}"#)
                }
                step += 1
                page = try peer.result(
                    "point.scroll", #"{"collection":"c","limit":100,"cursor":"\#(cursor)"}"#)
                seen += page["points"]?.arrayValue ?? []
            }
            #expect(seen.map { $0["id"]?.integerValue ?? -1 } == Array(0..<1_500))
            #expect(seen.allSatisfy { $0["payload"]?["tag"] == "old" })
        }

        @Test("A cursor dies with the server")
        func mortal() throws {
            let data = folder.path + "/data"
            let server = try ServerUnderTest(data: data)
            let peer = try server.connect()
            try peer.result("collection.create", #"{"name":"c","vectors":{"size":1,"metric":"dot"}}"#)
            try fill(peer, 0..<30, "old")
            let page = try peer.result("point.scroll", #"{"collection":"c","limit":10}"#)
            let cursor = try #require(page["cursor"]?.stringValue)
            let again = #"{"collection":"c","limit":10,"cursor":"\#(cursor)"}"#
            #expect(try peer.result("point.scroll", again)["points"]?.arrayValue?.count == 10)
            server.crash()
            let next = try ServerUnderTest(data: data).connect()
            let answer = try next.call("point.scroll", again)
            #expect(answer.errorKind == "not_found")
            #expect(answer.errorPlace == "cursor")
        }
    }
}
