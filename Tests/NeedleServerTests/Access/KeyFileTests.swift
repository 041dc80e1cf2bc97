import NeedleCore
import NeedleServer
import NeedleWire
import Testing

@Suite struct KeyFileTests {
    private static let digest = String(repeating: "0f", count: 32)

    private func problems(_ text: String) -> [String] {
        do throws(ConfigurationError) {
            _ = try KeyFile.keys(in: text, file: "keys")
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }

    @Test func everythingThatALineMayHave() throws {
        let text = """
            # made by hand

            {"name":"ops","role":"admin","sha256":"\(Self.digest)"}
            \t{"name":"app","role":"reader","sha256":"\(String(repeating: "AB", count: 32))","collections":["a","b"],\
            "expires_at":1795323600000,"limits":{"connections":2,"requests_per_second":100,"bytes_per_second":1000}}
            {"name":"all","role":"writer","sha256":"\(String(repeating: "00", count: 32))","collections":"*","expires_at":null}
            """
        let keys = try KeyFile.keys(in: text, file: "keys")
        #expect(keys.map(\.name) == ["ops", "app", "all"])
        #expect(keys.map(\.grant.role) == [.admin, .reader, .writer])
        #expect(keys.map(\.grant.collections) == [nil, ["a", "b"], nil])
        #expect(keys.map(\.expiresAt) == [nil, 1_795_323_600_000, nil])
        #expect(
            keys[1].limits == AccessLimits(connections: 2, requestsPerSecond: 100, bytesPerSecond: 1000))
        #expect(keys[0].digest == [UInt8](repeating: 15, count: 32))
        #expect(keys[1].digest == [UInt8](repeating: 0xAB, count: 32))
        #expect(try KeyFile.keys(in: "", file: "keys").isEmpty)
    }

    @Test(arguments: [
        ("{", "not JSON"), ("[]", "not an object"), ("{\"a\":1,\"a\":2}", "not JSON"),
        (#"{"name":"","role":"admin","sha256":"D"}"#, "\"name\""),
        (#"{"role":"admin","sha256":"D"}"#, "\"name\""),
        (#"{"name":"x","role":"root","sha256":"D"}"#, "one of \"admin\", \"writer\", \"reader\""),
        (#"{"name":"x","role":"admin"}"#, "64 hexadecimal digits"),
        (#"{"name":"x","role":"admin","sha256":"0g"}"#, "64 hexadecimal digits"),
        (#"{"name":"x","role":"admin","sha256":"D","collections":[1]}"#, "\"collections\""),
        (#"{"name":"x","role":"admin","sha256":"D","collections":"all"}"#, "\"collections\""),
        (#"{"name":"x","role":"admin","sha256":"D","expires_at":0}"#, "\"expires_at\""),
        (#"{"name":"x","role":"admin","sha256":"D","expires_at":"soon"}"#, "\"expires_at\""),
        (
            #"{"name":"x","role":"admin","sha256":"D","limits":{"requests":1}}"#,
            "unknown key \"limits.requests\""
        ),
        (#"{"name":"x","role":"admin","sha256":"D","limits":{"connections":-1}}"#, "\"limits.connections\""),
        (#"{"name":"x","role":"admin","sha256":"D","key":"secret"}"#, "unknown key \"key\""),
    ])
    func whatIsWrongIsSaidWithItsLine(_ line: String, _ message: String) throws {
        let line = line.replacing("\"D\"", with: "\"\(Self.digest)\"")
        let found = problems("# one\n\(line)\n")
        #expect(found.count == 1)
        #expect(try #require(found.first).hasPrefix("keys:2: "))
        #expect(try #require(found.first).contains(message), "\(found)")
    }

    @Test func allMistakesAreSaidAtOnceAndAKeyStandsOnce() {
        let good = #"{"name":"x","role":"admin","sha256":"\#(Self.digest)"}"#
        let twin = #"{"name":"y","role":"reader","sha256":"\#(Self.digest)"}"#
        let found = problems([good, "x", good, twin].joined(separator: "\n"))
        #expect(found.count == 3)
        #expect(found.last?.contains("the same key") == true && found[1].contains("named \"x\""))
    }

    @Test func aFileThatIsNotThereIsSaid() {
        do throws(ConfigurationError) {
            _ = try KeyFile.keys(inFile: "/nonexistent/keys")
            Issue.record("read")
        } catch {
            #expect(error.description.contains("/nonexistent/keys: cannot be read"))
        }
    }
}
