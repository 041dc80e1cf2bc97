import NeedleServer
import Testing

@Suite struct BrowserCheckTests {
    private let check = BrowserCheck(hosts: ["db.example.org.", "Box"], origins: ["https://App.example.org"])

    @Test(arguments: [
        "localhost", "localhost:1", "LocalHost.", "127.0.0.1", "10.0.0.7:7780", "[::1]", "[fe80::1]:80",
        "db.example.org", "DB.EXAMPLE.ORG:443", "box.",
    ])
    func ourNamesAreTaken(_ host: String) {
        #expect(check.refusal(host: host, origin: nil) == nil)
        #expect(check.refusal(host: host, origin: "HTTP://\(host)") == nil)
    }

    @Test(arguments: [
        "", "example.org", "xlocalhost", "localhost.example.org", "127.0.0.1.example.org",
        "127.1.example.org",
        "db.example.org.evil.com", "[::1", "[::1]x", "[::1]:x", "localhost:8x", "localhost:80:80", "::1",
        "0x7f000001",
        "localhost..", " localhost",
    ])
    func othersAreNot(_ host: String) {
        #expect(check.refusal(host: host, origin: nil)?.contains("Host") == true)
    }

    @Test(arguments: [
        "null", "", "http://example.org", "http://localhost", "http://localhost:81",
        "https://app.example.org.evil.com",
        "https://app.example.org:444", "http://app.example.org", "ftp://localhost:80", "localhost:80",
    ])
    func otherOriginsAreNot(_ origin: String) {
        #expect(check.refusal(host: "localhost:80", origin: origin)?.contains("Origin") == true)
        #expect(!check.allows(origin: origin))
    }

    @Test func whatIsAllowedIsAllowed() {
        #expect(check.refusal(host: "localhost:80", origin: "https://app.example.org") == nil)
        #expect(check.allows(origin: "HTTPS://app.example.ORG"))
        #expect(check.refusal(host: "evil.org", origin: "https://app.example.org") != nil)
        #expect(check.refusal(host: nil, origin: nil) != nil)
    }
}
