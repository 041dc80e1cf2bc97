import Crypto
import NeedleCore
import NeedleServer
import NeedleWire
import Synchronization
import Testing

/// A clock that stands where a test puts it.
final class SteppedClock: Clock {
    private let milliseconds: Atomic<Int64>

    init(_ milliseconds: Int64 = 1_000_000) { self.milliseconds = Atomic(milliseconds) }

    func wallMilliseconds() -> Int64 { milliseconds.load(ordering: .relaxed) }
    func monotonicNanoseconds() -> UInt64 { UInt64(wallMilliseconds()) * 1_000_000 }
    func advance(_ by: Int64) { milliseconds.add(by, ordering: .relaxed) }
}

@Suite struct AccessControlTests {
    private static func key(
        _ name: String, _ role: Grant.Role = .reader, _ collections: [String]? = nil, until end: Int64? = nil,
        limits: AccessLimits = AccessLimits()
    ) -> AccessKey {
        AccessKey(
            name: name, grant: Grant(role: role, collections: collections), expiresAt: end, limits: limits,
            digest: AccessKey.digest(of: "secret of \(name)"))
    }

    private let clock = SteppedClock()

    private func control(_ keys: AccessKey...) -> AccessControl { AccessControl(keys, clock: clock) }

    private func refusal(_ control: AccessControl, _ secret: String) -> DatabaseError? {
        do throws(DatabaseError) {
            _ = try control.login(secret)
            return nil
        } catch {
            return error
        }
    }

    @Test func aKeyIsWhoItIs() throws {
        let control = control(Self.key("a"), Self.key("b", .writer, ["docs"]))
        #expect(try control.login("secret of a").name == "a")
        let b = try control.login("secret of b")
        #expect(b.grant == Grant(role: .writer, collections: ["docs"]))
        for wrong in [
            "", "secret of c", "Secret of a", "secret of a ", "nt1.a.b", "nt1..",
            String(repeating: "x", count: 100_000),
        ] {
            #expect(refusal(control, wrong)?.kind == .unauthenticated, "\(wrong.prefix(20))")
        }
    }

    @Test func aKeyEndsWithItsTimeAndWithItsLine() throws {
        let control = control(Self.key("a", until: 2_000_000), Self.key("b", .admin))
        let (a, b) = (try control.login("secret of a"), try control.login("secret of b"))
        #expect(control.renewed(a) != nil)
        clock.advance(999_999)
        #expect(control.renewed(a) != nil)
        clock.advance(1)
        #expect(control.renewed(a) == nil)
        #expect(refusal(control, "secret of a")?.message.contains("expired") == true)
        #expect(control.renewed(b) != nil)
        control.replace([Self.key("c"), Self.key("b", .admin)])
        #expect(control.renewed(b) != nil)
        control.replace([Self.key("c"), Self.key("b", .writer)])
        #expect(control.renewed(b) == nil, "it allows less now")
        control.replace([])
        #expect(refusal(control, "secret of b")?.kind == .unauthenticated)
    }

    @Test func anEndThatIsWrittenLaterCountsForThoseWhoAreThere() throws {
        let control = control(Self.key("a", .admin))
        let principal = try control.login("secret of a")
        let token = try control.login(token(of: "a", "reader", until: 9_000_000))
        control.replace([Self.key("a", .admin, until: 1_500_000)])
        let renewed = try #require(control.renewed(principal))
        #expect(control.renewed(token) != nil)
        clock.advance(500_000)
        #expect(control.renewed(renewed) == nil && control.renewed(principal) == nil)
        #expect(control.renewed(token) == nil)
    }

    // MARK: Tokens

    /// As docs/format/keys.md says it, written a second time.
    private func token(
        of name: String, _ role: String, _ collections: String = "", until end: Int64, secret: String? = nil
    ) -> String {
        let claims = #"{"key":"\#(name)","role":"\#(role)"\#(collections),"expires_at":\#(end)}"#
        let signed = "nt1." + url(Array(claims.utf8))
        let key = SymmetricKey(data: AccessKey.digest(of: secret ?? "secret of \(name)"))
        return signed + "." + url(Array(HMAC<SHA256>.authenticationCode(for: Array(signed.utf8), using: key)))
    }

    private func url(_ bytes: [UInt8]) -> String {
        var writer = JSONWriter()
        writer.writeBase64(bytes: bytes.span.bytes)
        return String(decoding: writer.take(), as: UTF8.self).replacing("\"", with: "")
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    @Test func aTokenIsItsKeyForLessAndForAWhile() throws {
        let control = control(Self.key("a", .writer, ["x", "y"]))
        let principal = try control.login(
            token(of: "a", "reader", #","collections":["y"]"#, until: 1_500_000))
        #expect(principal.name == "a")
        #expect(principal.grant == Grant(role: .reader, collections: ["y"]))
        clock.advance(500_000)
        #expect(control.renewed(principal) == nil)
    }

    @Test func aTokenThatClaimsMoreOrIsForgedIsRefused() {
        let control = control(Self.key("a", .writer, ["x"]), Self.key("b", .admin))
        let end: Int64 = 1_500_000
        let good = token(of: "a", "writer", #","collections":["x"]"#, until: end)
        #expect(refusal(control, good) == nil)
        let wrong = [
            token(of: "a", "admin", #","collections":["x"]"#, until: end),
            token(of: "a", "reader", #","collections":["x","y"]"#, until: end),
            token(of: "a", "reader", until: end),
            token(of: "a", "reader", #","collections":["x"]"#, until: 1_000_000),
            token(of: "b", "reader", until: end, secret: "secret of a"),
            token(of: "c", "reader", until: end), token(of: "a", "root", until: end),
            String(good.dropLast()), good + "A", good.replacing("nt1.", with: "nt2."),
            "nt1." + good.split(separator: ".")[1] + ".",
        ]
        for text in wrong { #expect(refusal(control, text)?.kind == .unauthenticated, "\(text)") }
    }

    @Test func everyChangedCharacterOfATokenIsNoticed() throws {
        let control = control(Self.key("a", .admin))
        let good = Array(token(of: "a", "reader", until: 1_500_000))
        for place in good.indices {
            var changed = good
            changed[place] = changed[place] == "A" ? "B" : "A"
            #expect(refusal(control, String(changed)) != nil, "character \(place)")
        }
    }

    // MARK: Limits

    @Test func aKeyHasSoManyConnections() throws {
        let control = control(Self.key("a", limits: AccessLimits(connections: 2)))
        var held = [try control.login("secret of a"), try control.login("secret of a")]
        #expect(refusal(control, "secret of a")?.kind == .overloaded)
        held.removeLast()
        #expect(refusal(control, "secret of a") == nil)
        #expect(held.count == 1)
    }

    @Test func limitsThatAreWrittenLaterCountForConnectionsThatStand() throws {
        let control = control(Self.key("a"))
        var access = SessionAccessProbe(control)
        try access.login("secret of a")
        for _ in 0..<100 { access.accepts(bytes: 1) }
        let limits = AccessLimits(connections: 1, requestsPerSecond: 2)
        control.replace([Self.key("a", limits: limits)])
        access.accepts(bytes: 1)
        access.accepts(bytes: 1)
        access.refuses(bytes: 1)
        #expect(refusal(control, "secret of a")?.kind == .overloaded, "the one that stands is counted")
        control.replace([Self.key("a")])
        for _ in 0..<100 { access.accepts(bytes: 1) }
    }

    @Test func whatIsRefusedOrNoRequestCountsToo() throws {
        let control = control(
            Self.key("a", limits: AccessLimits(requestsPerSecond: 3, bytesPerSecond: 1_000)))
        var access = SessionAccessProbe(control)
        try access.login("secret of a")
        for _ in 0..<3 {
            #expect(
                access.kind(#"{"id":1,"method":"collection.delete","params":{"collection":"c"}}"#)
                    == "forbidden")
        }
        access.refuses(bytes: 1)
        clock.advance(1_000)
        let garbage = String(repeating: "x", count: 900)
        #expect(access.kind(garbage) == "parse_error")
        #expect(access.kind(garbage) == "parse_error")
        access.refuses(bytes: 1)
    }

    @Test func requestsAndBytesOfASecond() throws {
        let control = control(
            Self.key("a", limits: AccessLimits(requestsPerSecond: 10, bytesPerSecond: 1_000)))
        var access = SessionAccessProbe(control)
        try access.login("secret of a")
        for _ in 0..<10 { access.accepts(bytes: 1) }
        let refused = access.call(bytes: 1)
        #expect(refused?.kind == .overloaded && refused?.retryAfterMS == 100)
        clock.advance(100)
        access.accepts(bytes: 1)
        access.refuses(bytes: 1)
        clock.advance(5_000)
        access.accepts(bytes: 1_000)
        access.refuses(bytes: 1)
        clock.advance(2_000)
        #expect(
            access.call(bytes: 9_999) == nil,
            "one that is larger than a second's worth must not wait for ever")
        clock.advance(1_000)
        access.refuses(bytes: 1)
    }
}

/// Calls of one connection, as the session makes them.
struct SessionAccessProbe {
    private var driver: SessionDriver

    init(_ control: AccessControl) { driver = SessionDriver(access: control) }

    mutating func login(_ secret: String) throws {
        driver.feed(#"{"id":0,"method":"auth.login","params":{"api_key":"\#(secret)"}}"# + "\n")
        let sent = driver.takeSent()
        let answer = try #require(sent.last)
        try #require(answer.contains("\"role\""), "\(answer)")
    }

    /// The kind of error that a line is answered with.
    mutating func kind(_ line: String) -> String? {
        driver.feed(line + "\n")
        guard let answer = driver.takeSent().last, let value = try? JSONValue(parsing: answer) else {
            return nil
        }
        return value["error"]?["data"]?["kind"]?.stringValue
    }

    mutating func accepts(bytes: Int) {
        let error = call(bytes: bytes)
        #expect(error == nil)
    }

    mutating func refuses(bytes: Int) {
        let error = call(bytes: bytes)
        #expect(error?.kind == .overloaded)
    }

    /// A ping whose line has so many bytes; the error it is answered with.
    mutating func call(bytes: Int) -> DatabaseError? {
        let line = #"{"id":1,"method":"server.ping"}"#
        driver.feed(line + String(repeating: " ", count: max(0, bytes - line.utf8.count)) + "\n")
        guard let answer = driver.takeSent().last, let value = try? JSONValue(parsing: answer),
            let data = value["error"]?["data"], let kind = data["kind"]?.stringValue.flatMap(ErrorKind.init)
        else { return nil }
        return DatabaseError(kind, "", retryAfterMS: data["retry_after_ms"]?.integerValue)
    }
}
