import NeedleCore
import NeedleServer
import NeedleWire
import Testing

@Suite struct SessionTests {
    @Test func theServerSpeaksFirst() {
        var driver = SessionDriver()
        driver.open()
        let sent = driver.takeSent()
        #expect(sent.count == 1)
        #expect(
            sent.first?.hasPrefix(
                #"{"jsonrpc":"2.0","method":"server.hello","params":{"server":"needletail""#) == true)
        #expect(sent.first?.hasSuffix("}\n") == true)
        #expect(driver.session.wantsInput)
        #expect(driver.session.openCount == 0)
    }

    @Test func requestsAreSubmittedInOrderAndAnsweredByKey() {
        var driver = SessionDriver()
        driver.feed(ping("1") + ping("\"b\"") + ping("3"), at: 77)
        #expect(driver.submitted.map(\.request.id) == [.integer(1), RequestID("b"), .integer(3)])
        #expect(driver.submitted.allSatisfy { $0.receivedAt == 77 })
        #expect(driver.session.openCount == 3)
        driver.complete(driver.keys[2], "three")
        driver.complete(driver.keys[0], "one")
        #expect(driver.takeSent() == ["three\n", "one\n"])
        #expect(driver.session.openCount == 1)
    }

    @Test func piecesOfALineMakeOneLine() {
        var driver = SessionDriver()
        for byte in ping("1").utf8.dropLast() {
            driver.feed(String(decoding: [byte], as: UTF8.self))
            #expect(driver.submitted.isEmpty)
            #expect(driver.session.isInsideLine)
        }
        driver.feed("\n", at: 9)
        #expect(driver.submitted.map(\.receivedAt) == [9])
        #expect(!driver.session.isInsideLine)
    }

    @Test func emptyLinesAreNothing() {
        var driver = SessionDriver()
        driver.feed("\n \r\n\t\n")
        #expect(driver.takeSent().isEmpty)
        #expect(driver.session.openCount == 0)
        #expect(driver.session.wantsInput)
    }

    @Test func garbageIsAnsweredAndTheConnectionLivesOn() throws {
        var driver = SessionDriver()
        driver.feed("hello\n" + #"{"id":null,"method":"server.ping"}"# + "\n" + ping("1"))
        let sent = driver.takeSent()
        #expect(sent.count == 2)
        #expect(try #require(sent.first).contains(#""id":null"#) && sent[0].contains("parse_error"))
        #expect(sent.last?.contains("invalid_request") == true)
        #expect(driver.submitted.count == 1)
        #expect(driver.closed == nil)
    }

    @Test func notificationsAreExecutedAndNotAnswered() {
        var driver = SessionDriver()
        driver.feed(#"{"method":"server.ping"}"# + "\n")
        #expect(driver.session.openCount == 1)
        driver.complete(driver.keys[0], nil)
        #expect(driver.takeSent().isEmpty)
        #expect(driver.session.openCount == 0)
    }

    @Test func aLineThatIsTooLongIsSkippedAndAnswered() {
        var driver = SessionDriver { $0.lineBytes = 400 }
        driver.feed(String(repeating: "x", count: 1_000))
        #expect(driver.session.heldLineBytes <= 402)
        driver.feed("yy\n" + ping("2"))
        let sent = driver.takeSent()
        #expect(sent.count == 1)
        #expect(sent.first?.contains("line_too_long") == true && sent.first?.contains(#""id":null"#) == true)
        #expect(driver.submitted.count == 1)
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\n", "POST /rpc HTTP/1.1\r\nHost: x\r\n\r\n" + ping("1"), "OPTIONS * HTTP/1.1\n",
    ])
    func anHTTPRequestClosesTheConnection(_ text: String) {
        var driver = SessionDriver()
        driver.open()
        _ = driver.takeSent()
        driver.feed(text)
        #expect(driver.closed == .now)
        #expect(driver.takeSent().isEmpty)
        #expect(driver.submitted.isEmpty)
        #expect(!driver.session.wantsInput)
    }

    @Test func deadlinesCountFromTheLastByteAlsoWhenALineWaits() {
        var driver = SessionDriver { $0.inFlight = 1 }
        driver.feed(ping("1") + ping("2"), at: 5)
        driver.complete(driver.keys[0], "one")
        #expect(driver.submitted.map(\.receivedAt) == [5, 5])
    }

    @Test func cancelFindsOpenRequestsById() {
        var driver = SessionDriver()
        driver.feed(#"{"id":7,"method":"collection.list"}"# + "\n")
        driver.feed(#"{"id":8,"method":"server.cancel","params":{"id":7}}"# + "\n")
        #expect(driver.cancelled == [driver.keys[0]])
        #expect(driver.takeSent() == [#"{"jsonrpc":"2.0","id":8,"result":{"cancelled":true}}"# + "\n"])
        driver.complete(driver.keys[0], "seven")
        driver.feed(#"{"id":9,"method":"server.cancel","params":{"id":7}}"# + "\n")
        #expect(driver.takeSent().last?.contains(#""cancelled":false"#) == true)
    }

    @Test func progressIsSentOnlyWhileTheRequestIsOpen() {
        var driver = SessionDriver()
        driver.feed(#"{"id":7,"method":"collection.list"}"# + "\n")
        driver.progress(driver.keys[0], done: 3)
        #expect(driver.takeSent().first?.contains(#""method":"server.progress""#) == true)
        driver.complete(driver.keys[0], "seven")
        _ = driver.takeSent()
        driver.progress(driver.keys[0], done: 4)
        #expect(driver.takeSent().isEmpty)
    }

    @Test func aLineThatIsDecodedElsewhereHoldsBackTheNextOne() {
        var driver = SessionDriver()
        driver.decodes = false
        driver.feed(ping("1") + ping("2"))
        #expect(driver.undecoded.count == 1)
        #expect(!driver.session.wantsInput)
        #expect(driver.session.heldLineBytes == ping("1").utf8.count - 1 + ping("2").utf8.count)
        driver.decodeNext()
        #expect(driver.submitted.map(\.request.id) == [.integer(1)])
        #expect(driver.undecoded.count == 1)
        driver.decodeNext()
        #expect(driver.submitted.count == 2)
        #expect(driver.session.wantsInput)
    }
}

@Suite struct SessionBatchTests {
    @Test func aBatchIsAnsweredByOneArrayInItsOrder() {
        var driver = SessionDriver()
        driver.feed(#"[{"id":1,"method":"server.ping"},{"method":"server.ping"},{"id":2,"method":"nope"},"#)
        driver.feed(#"{"id":3,"method":"server.ping"}]"# + "\n")
        #expect(driver.submitted.map(\.request.id) == [.integer(1), nil, .integer(3)])
        #expect(driver.session.openCount == 4)
        driver.complete(driver.keys[2], #"{"n":3}"#)
        driver.complete(driver.keys[1], nil)
        #expect(driver.takeSent().isEmpty)
        driver.complete(driver.keys[0], #"{"n":1}"#)
        let sent = driver.takeSent()
        #expect(sent.count == 1)
        #expect(sent.first?.hasPrefix(#"[{"n":1},{"jsonrpc":"2.0","id":2,"error""#) == true)
        #expect(sent.first?.hasSuffix(#",{"n":3}]"# + "\n") == true)
        #expect(driver.session.openCount == 0)
        #expect(driver.session.heldLineBytes == 0 && driver.session.heldReplyBytes == 0)
    }

    @Test func aBatchOfNotificationsIsAnsweredByNothing() {
        var driver = SessionDriver()
        driver.feed(#"[{"method":"server.ping"},{"method":"server.ping"}]"# + "\n")
        for key in driver.keys { driver.complete(key, nil) }
        #expect(driver.takeSent().isEmpty)
        #expect(driver.session.openCount == 0)
    }

    @Test func anEmptyBatchAndOneThatIsTooLongAreOneError() {
        var driver = SessionDriver { $0.inFlight = 2 }
        driver.feed(
            "[]\n[" + Array(repeating: #"{"id":1,"method":"server.ping"}"#, count: 3).joined(separator: ",")
                + "]\n")
        let sent = driver.takeSent()
        #expect(sent.count == 2)
        #expect(sent.first?.contains("invalid_request") == true)
        #expect(sent.last?.contains("limit_exceeded") == true && sent.last?.hasPrefix("{") == true)
        #expect(driver.submitted.isEmpty)
    }

    @Test func membersThatNoLongerFitSayLimitExceeded() {
        var driver = SessionDriver { $0.lineBytes = 2_000 }
        driver.feed(#"[{"id":1,"method":"server.ping"},{"id":2,"method":"server.ping"}]"# + "\n")
        let large = "\"" + String(repeating: "a", count: 1_500) + "\""
        driver.complete(driver.keys[0], large)
        driver.complete(driver.keys[1], large)
        let sent = driver.takeSent()
        #expect(sent.count == 1)
        #expect((sent.first?.utf8.count ?? .max) <= 2_001)
        #expect(sent.first?.contains("limit_exceeded") == true)
    }
}

@Suite struct SessionFlowTests {
    @Test func readingStopsAtInFlightAndGoesOnWhenARequestIsHandedOver() {
        var driver = SessionDriver { $0.inFlight = 2 }
        driver.takesBytes = false
        driver.feed(ping("1") + ping("2") + ping("3"))
        #expect(driver.submitted.count == 2)
        #expect(!driver.session.wantsInput)
        driver.complete(driver.keys[0], "one")
        // Answered, but not handed over: still open.
        #expect(driver.session.openCount == 2)
        #expect(driver.submitted.count == 2)
        driver.socketTakes(3)
        #expect(driver.submitted.count == 2)
        driver.socketTakes(1)
        #expect(driver.submitted.count == 3)
        #expect(!driver.session.wantsInput)
    }

    @Test func readingStopsWhenTheConnectionHoldsTwoLongestLines() {
        var driver = SessionDriver { $0.lineBytes = 100 }
        driver.takesBytes = false
        driver.feed(ping("1") + ping("2"))
        driver.complete(driver.keys[0], String(repeating: "a", count: 199))
        #expect(!driver.session.wantsInput)
        driver.feed(ping("3"))
        #expect(driver.submitted.count == 2)
        driver.socketTakes()
        #expect(driver.submitted.count == 3)
        #expect(driver.session.wantsInput)
    }

    @Test func whatIsHeldIsCountedToTheByte() {
        var driver = SessionDriver()
        driver.takesBytes = false
        let line = ping("1")
        driver.feed(line + "{\"id\"")
        #expect(driver.session.heldLineBytes == line.utf8.count - 1 + 5)
        driver.complete(driver.keys[0], "12345")
        #expect(driver.session.heldLineBytes == 5)
        #expect(driver.session.heldReplyBytes == 6)
        driver.socketTakes(2)
        #expect(driver.session.heldReplyBytes == 4)
    }

    @Test func halfClosedEveryCompleteLineIsAnswered() {
        var driver = SessionDriver { $0.inFlight = 1 }
        driver.feed(ping("1") + ping("2") + "{\"id\":3")
        driver.endInput()
        #expect(driver.closed == nil)
        driver.complete(driver.keys[0], "one")
        #expect(driver.closed == nil)
        #expect(driver.submitted.count == 2)
        driver.takesBytes = false
        driver.complete(driver.keys[1], "two")
        #expect(driver.closed == nil, "the last answer is not handed over yet")
        driver.socketTakes()
        #expect(driver.closed == .now)
        #expect(driver.takeSent() == ["one\n", "two\n"])
    }

    @Test func halfClosedWithNothingOpenClosesAtOnce() {
        var driver = SessionDriver()
        driver.open()
        driver.endInput()
        #expect(driver.closed == .now)
    }

    @Test func drainingAnswersWhatIsOpenAndRefusesTheRest() {
        var driver = SessionDriver()
        driver.feed(ping("1"))
        driver.drain()
        #expect(driver.closed == nil)
        driver.feed(ping("2") + #"[{"id":3,"method":"server.ping"},{"method":"server.ping"}]"# + "\n")
        #expect(driver.submitted.count == 1)
        let refused = driver.takeSent()
        #expect(refused.count == 2)
        #expect(refused.allSatisfy { $0.contains(#""kind":"draining""#) && $0.contains("retry_after_ms") })
        driver.complete(driver.keys[0], "one")
        #expect(driver.takeSent() == ["one\n"])
        #expect(driver.closed == .lingering)
    }

    @Test func drainingAnIdleConnectionClosesIt() {
        var driver = SessionDriver()
        driver.drain()
        #expect(driver.closed == .lingering)
        driver.feed(ping("1"))
        #expect(driver.submitted.isEmpty)
    }

    @Test func aLineThatIsGivenUpIsAnsweredAtItsEnd() {
        var driver = SessionDriver()
        driver.feed(ping("1") + "{\"id\":2,")
        driver.abandonLine()
        #expect(driver.session.heldLineBytes == ping("1").utf8.count - 1)
        driver.feed("\"method\":\"server.ping\"")
        #expect(driver.takeSent().isEmpty)
        #expect(driver.session.isInsideLine)
        driver.feed("}\n" + ping("3") + "GET / HTTP/1.1\n")
        let sent = driver.takeSent()
        #expect(sent.first?.contains("overloaded") == true && sent.first?.contains(#""id":null"#) == true)
        #expect(driver.submitted.map(\.request.id) == [.integer(1), .integer(3)])
        #expect(sent.last?.contains("parse_error") == true, "only a first line is HTTP")
        #expect(driver.closed == nil)
    }

    @Test func whatIsOpenWhenTheConnectionGoesIsReported() {
        var driver = SessionDriver()
        driver.feed(ping("1") + ping("2"))
        driver.complete(driver.keys[0], "one")
        #expect(driver.session.closed() == [driver.keys[1]])
        driver.complete(driver.keys[1], "two")
        #expect(driver.takeSent() == ["one\n"])
    }

    /// Any cut of a stream into pieces gives the same requests and answers.
    @Test(arguments: 0..<20)
    func cutsDoNotMatter(_ seed: Int) {
        let stream =
            ping("1") + "garbage\n\n" + #"[{"id":2,"method":"server.ping"}]"# + "\r\n"
            + String(repeating: "z", count: 300)
            + "\n" + ping("\"x\"") + "{\"id\":4"
        func play(_ cut: (inout [UInt8]) -> [UInt8]) -> [String] {
            var driver = SessionDriver { $0.lineBytes = 200 }
            var rest = Array(stream.utf8)
            while !rest.isEmpty { driver.feed(String(decoding: cut(&rest), as: UTF8.self)) }
            driver.endInput()
            for key in driver.keys { driver.complete(key, "answer \(key)") }
            return driver.takeSent() + ["\(String(describing: driver.closed))"]
        }
        var generator = SeededGenerator(seed: UInt64(seed))
        let whole = play { rest in
            defer { rest = [] }
            return rest
        }
        let cut = play { rest in
            let count = Int.random(in: 1...min(40, rest.count), using: &generator)
            defer { rest.removeFirst(count) }
            return Array(rest.prefix(count))
        }
        #expect(Set(whole) == Set(cut))
        #expect(whole.count == 6)
    }
}
