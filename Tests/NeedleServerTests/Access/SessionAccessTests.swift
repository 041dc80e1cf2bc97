import NeedleCore
import NeedleServer
import NeedleWire
import Testing

/// What a session does for whom.
@Suite struct SessionAccessTests {
    private let control = AccessControl(
        [
            SessionAccessTests.key("ops", .admin), SessionAccessTests.key("loader", .writer),
            SessionAccessTests.key("app", .reader), SessionAccessTests.key("team", .admin, ["docs"]),
        ], clock: SteppedClock())

    private static func key(_ name: String, _ role: Grant.Role, _ collections: [String]? = nil) -> AccessKey {
        AccessKey(
            name: name, grant: Grant(role: role, collections: collections), digest: AccessKey.digest(of: name)
        )
    }

    private func driver(as name: String? = nil, _ change: (inout Limits) -> Void = { _ in }) -> SessionDriver
    {
        var driver = SessionDriver(access: control, change)
        if let name {
            driver.feed(login(name))
            _ = driver.takeSent()
        }
        return driver
    }

    private func login(_ key: String, id: Int = 0) -> String {
        #"{"id":\#(id),"method":"auth.login","params":{"api_key":"\#(key)"}}"# + "\n"
    }

    private func call(_ method: String, _ params: String = "{}") -> String {
        #"{"id":1,"method":"\#(method)","params":\#(params)}"# + "\n"
    }

    private func kind(_ answer: String?) -> String? {
        guard let answer, let value = try? JSONValue(parsing: answer) else { return nil }
        return value["error"]?["data"]?["kind"]?.stringValue
    }

    // MARK: Logging in

    @Test func beforeALoginOnlyPingAndLoginAreAnswered() {
        var driver = driver()
        driver.feed(
            ping("1") + call("server.info") + call("point.search", #"{"collection":"docs","vector":[1]}"#))
        #expect(driver.submitted.map(\.request.call.method) == [.ping])
        #expect(driver.principals.map { $0?.name } == [nil])
        #expect(driver.takeSent().map(kind) == ["unauthenticated", "unauthenticated"])
        driver.feed(login("app") + call("server.info"))
        let sent = driver.takeSent()
        #expect(sent.first?.contains(#""role":"reader","collections":"*""#) == true, "\(sent)")
        #expect(driver.submitted.map(\.request.call.method) == [.ping, .info])
        #expect(driver.principals.last??.name == "app")
    }

    @Test func aWrongKeyIsRefusedAndFiveEndTheConnection() {
        var driver = driver()
        for _ in 0..<4 { driver.feed(login("nobody")) }
        #expect(driver.takeSent().map(kind) == Array(repeating: "unauthenticated", count: 4))
        #expect(driver.closed == nil)
        driver.feed(login("nobody") + login("ops") + ping("9"))
        #expect(driver.takeSent().map(kind) == Array(repeating: "unauthenticated", count: 3))
        #expect(driver.closed == .lingering)
        #expect(driver.submitted.isEmpty)
    }

    @Test func aRightLoginBetweenWrongOnesBeginsTheCountAgain() {
        var driver = driver()
        for _ in 0..<4 { driver.feed(login("nobody")) }
        driver.feed(login("app"))
        for _ in 0..<4 { driver.feed(login("nobody")) }
        #expect(driver.closed == nil)
    }

    @Test func whoFailsToBecomeAnotherIsNobody() {
        var driver = driver(as: "ops")
        driver.feed(login("nobody") + call("server.info"))
        #expect(driver.takeSent().map(kind) == ["unauthenticated", "unauthenticated"])
        #expect(driver.submitted.isEmpty)
    }

    @Test func aKeyThatIsTakenBackEndsItsConnections() {
        var driver = driver(as: "app")
        driver.feed(call("server.info"))
        control.replace([Self.key("ops", .admin)])
        driver.feed(call("server.info"))
        #expect(driver.submitted.count == 1)
        #expect(driver.takeSent().map(kind) == ["unauthenticated"])
        driver.feed(login("ops") + call("server.info"))
        #expect(driver.submitted.count == 2)
    }

    @Test func longLinesAreForThoseWhoAreKnown() {
        var driver = driver()
        let padding = String(repeating: " ", count: 20_000)
        driver.feed(#"{"id":1,"method":"server.ping"\#(padding)}"# + "\n")
        #expect(driver.takeSent().map(kind) == ["line_too_long"])
        driver.feed(login("app"))
        _ = driver.takeSent()
        driver.feed(#"{"id":1,"method":"server.ping"\#(padding)}"# + "\n")
        #expect(driver.submitted.count == 1)
        #expect(driver.takeSent().isEmpty)
    }

    @Test func withoutKeysNobodyIsAsked() {
        var driver = SessionDriver()
        driver.feed(call("server.info") + login("x"))
        #expect(driver.submitted.map(\.request.call.method) == [.info, .login])
        #expect(driver.principals.allSatisfy { $0?.name == nil })
    }

    @Test func whoNeverSaysWhoTheyAreLosesTheConnection() throws {
        let server = try TestServer(access: control) { $0.loginMS = 400 }
        let (silent, known) = (try server.client(), try server.client())
        #expect(try known.call("auth.login", #"{"api_key":"app"}"#).contains("reader"))
        #expect(try silent.rest().isEmpty)
        #expect(try known.call("server.info").contains("uptime"))
        // One that is nobody any more has as long again.
        control.replace([Self.key("ops", .admin)])
        #expect(try known.call("server.info").contains("unauthenticated"))
        #expect(try known.rest().isEmpty)
    }

    // MARK: What a key allows

    @Test func membersOfABatchAreLookedAtOneByOne() throws {
        var driver = driver(as: "app")
        driver.feed(
            "[" + #"{"id":1,"method":"server.info"},"#
                + #"{"id":2,"method":"collection.delete","params":{"collection":"docs"}},"#
                + #"{"method":"collection.delete","params":{"collection":"docs"}}"# + "]\n")
        #expect(driver.submitted.map(\.request.call.method) == [.info])
        driver.complete(driver.keys[0], #"{"id":1,"result":{}}"#)
        let sent = try #require(driver.takeSent().last)
        let answers = try #require(try JSONValue(parsing: sent).arrayValue)
        #expect(answers.count == 2)
        #expect(answers[1]["error"]?["data"]?["kind"] == .string("forbidden"))
    }

    static let roles: [(String, String, String)] = [
        ("point.search", #"{"collection":"docs","vector":[1]}"#, "app loader ops team"),
        ("point.search", #"{"collection":"others","vector":[1]}"#, "app loader ops"),
        ("point.upsert", #"{"collection":"docs","points":[]}"#, "loader ops team"),
        ("document.delete", #"{"collection":"docs","document_ids":["a"]}"#, "loader ops team"),
        ("collection.delete", #"{"collection":"docs"}"#, "ops team"),
        ("collection.delete", #"{"collection":"others"}"#, "ops"),
        ("collection.create", #"{"name":"docs","vectors":{"size":1}}"#, "ops team"),
        ("collection.create", #"{"name":"docs2","vectors":{"size":1}}"#, "ops"),
        ("collection.list", "{}", "app loader ops team"), ("server.health", "{}", "app loader ops team"),
        ("text.embed", #"{"texts":["a"]}"#, "app loader ops team"),
        ("alias.set", #"{"aliases":{"a":"docs"}}"#, "ops"), ("alias.list", "{}", "app loader ops"),
        ("snapshot.create", #"{"collection":"docs"}"#, "ops team"),
        // Its content may be of any collection.
        ("snapshot.restore", #"{"snapshot":"others-1","as":"docs"}"#, "ops"),
        ("snapshot.list", "{}", "ops"), ("job.list", "{}", "app loader ops team"),
        ("job.cancel", #"{"job":"1"}"#, "ops"), ("job.get", #"{"job":"1"}"#, "ops"),
        ("snapshot.delete", #"{"snapshot":"docs-1"}"#, "ops"),
        ("snapshot.verify", #"{"snapshot":"docs-1"}"#, "ops"),
        ("snapshot.read", #"{"snapshot":"docs-1"}"#, "ops"), ("snapshot.import_begin", "{}", "ops"),
        ("alias.delete", #"{"aliases":["a"]}"#, "ops"),
        ("index.create", #"{"collection":"docs","key":"k","type":"keyword"}"#, "ops team"),
        ("index.delete", #"{"collection":"docs","key":"k"}"#, "ops team"),
        ("reembed.start", #"{"collection":"docs","model":"m"}"#, "ops team"),
        ("reembed.cutover", #"{"collection":"others"}"#, "ops"),
        ("reembed.status", #"{"collection":"docs"}"#, "app loader ops team"),
    ]

    @Test(arguments: roles) func rolesAndCollections(_ method: String, _ params: String, _ allowed: String) {
        for name in ["app", "loader", "ops", "team"] {
            var driver = driver(as: name)
            driver.feed(call(method, params))
            let isAllowed = allowed.split(separator: " ").contains(name[...])
            let sent = driver.takeSent()
            #expect(driver.submitted.count == (isAllowed ? 1 : 0), "\(name) \(method) \(params): \(sent)")
            #expect(sent.map(kind) == (isAllowed ? [] : ["forbidden"]), "\(name) \(method)")
        }
    }

    /// Written out a second time: a mistake has to be made twice.
    @Test func everyMethodHasARole() {
        func names(_ role: Grant.Role) -> Set<String> {
            Set(Method.allCases.filter { $0.requiredRole == role }.map(\.rawValue))
        }
        #expect(
            names(.reader) == [
                "server.ping", "server.info", "server.health", "server.cancel", "auth.login",
                "collection.list",
                "collection.get", "index.list", "point.get", "point.count", "point.scroll", "point.facet",
                "point.search", "point.search_batch", "point.search_groups", "point.recommend", "text.embed",
                "reembed.status", "document.get", "job.list", "alias.list",
            ])
        #expect(
            names(.writer) == [
                "point.upsert", "point.delete", "point.set_payload", "point.replace_payload",
                "point.delete_payload", "point.set_vectors", "document.upsert", "document.delete",
            ])
        #expect(names(.admin).count == Method.allCases.count - 29)
    }
}
