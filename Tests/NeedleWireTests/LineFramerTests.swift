import NeedleCore
import NeedleWire
import Testing

@Suite("Framing")
struct LineFramerTests {
    private func events(_ pieces: [[UInt8]], limit: Int = 8) -> [LineFramer.Event] {
        var framer = LineFramer(limit: limit)
        var events: [LineFramer.Event] = []
        for piece in pieces {
            framer.feed(piece)
            while let event = framer.next() { events.append(event) }
        }
        return events
    }

    private func events(_ stream: String, limit: Int = 8) -> [LineFramer.Event] {
        events([Array(stream.utf8)], limit: limit)
    }

    private func line(_ text: String) -> LineFramer.Event { .line(Array(text.utf8)) }

    @Test("Lines end with a newline, with or without a carriage return; blank ones are swallowed")
    func lines() {
        #expect(events("a\nb\r\n\n \t\r\n  c \nrest") == [line("a"), line("b"), line("  c ")])
        #expect(events("a\rb\n\r\r\n") == [line("a\rb")])
        #expect(events("a\r\r\n") == [line("a\r")])
        #expect(events("unterminated") == [])
    }

    @Test("Neither newline nor carriage return counts against the limit")
    func limit() {
        #expect(events("12345678\n12345678\r\nx\n") == [line("12345678"), line("12345678"), line("x")])
        #expect(events("123456789\nx\n") == [.lineTooLong, line("x")])
        #expect(events("123456789\r\nx\n") == [.lineTooLong, line("x")])
        #expect(events("12345678\r\r\nx\n") == [.lineTooLong, line("x")])
        #expect(events("         \nx\n") == [.lineTooLong, line("x")])
        #expect(
            events("a\n" + String(repeating: "y", count: 100) + "\nb\n") == [
                line("a"), .lineTooLong, line("b"),
            ])
    }

    @Test("A line that is too long and never ends is neither kept nor answered")
    func endless() {
        var framer = LineFramer(limit: 100)
        for _ in 0..<1000 {
            framer.feed([UInt8](repeating: 0x78, count: 64))
            #expect(framer.next() == nil)
            #expect(framer.bufferedBytes <= 101)
        }
        #expect(framer.isInsideLine)
        framer.feed(Array("\nok\n".utf8))
        #expect(framer.next() == .lineTooLong)
        #expect(framer.next() == line("ok"))
        #expect(framer.next() == nil)
        #expect(framer.bufferedBytes == 0)
        #expect(!framer.isInsideLine)
    }

    @Test("Long lines that end while nobody takes events keep their place among the others")
    func order() {
        let long = [UInt8](repeating: 0x78, count: 20)
        let pieces = [
            Array("a\n".utf8), long, Array("\nb\n".utf8), long, Array("\n".utf8), long, Array("\nc\n".utf8),
        ]
        var framer = LineFramer(limit: 8)
        for piece in pieces { framer.feed(piece) }
        var events: [LineFramer.Event] = []
        while let event = framer.next() { events.append(event) }
        #expect(events == [line("a"), .lineTooLong, line("b"), .lineTooLong, .lineTooLong, line("c")])
    }

    @Test(
        "A first line that begins with an HTTP method and a space closes",
        arguments: [
            "GET / HTTP/1.1\r\n", "POST /x", "OPTIONS * HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n\r\n",
            "CONNECT a:1",
        ])
    func http(stream: String) {
        #expect(events(stream) == [.close])
        #expect(events(Array(stream.utf8).map { [$0] }) == [.close], "byte by byte")
        #expect(events("{}\n" + stream + "\n").first == line("{}"), "only the first line counts")
        #expect(!events("{}\n" + stream + "\n").contains(.close))
    }

    @Test(
        "What only looks like HTTP is a line",
        arguments: ["GET\n", "get / x\n", "GETS a\n", " GET /\n", "G\n"])
    func notHTTP(stream: String) {
        #expect(events(stream) == [line(String(stream.dropLast()))])
    }

    @Test("After close nothing comes and nothing is kept")
    func closed() {
        var framer = LineFramer(limit: 8)
        framer.feed(Array("GET / HTTP/1.1\n{}\n".utf8))
        #expect(framer.next() == .close)
        framer.feed(Array("{}\n".utf8))
        #expect(framer.next() == nil)
        #expect(framer.bufferedBytes == 0)
    }

    @Test("However the stream is cut into pieces, the events are the same")
    func chunks() {
        var random = SeededGenerator(seed: 11)
        let alphabet: [UInt8] = Array("ab \r\n\nx{}".utf8)
        for _ in 0..<400 {
            let stream = (0..<Int.random(in: 0...120, using: &random)).map { _ in
                alphabet.randomElement(using: &random)!
            }
            let whole = events([stream])
            var pieces: [[UInt8]] = []
            var rest = stream[...]
            while !rest.isEmpty {
                let length = Int.random(in: 0...min(12, rest.count), using: &random)
                pieces.append(Array(rest.prefix(length)))
                rest = rest.dropFirst(length)
            }
            #expect(events(pieces) == whole, "\(text(stream).debugDescription)")
            #expect(whole == expected(stream, limit: 8), "\(text(stream).debugDescription)")
        }
    }

    /// The definition, the slow way.
    private func expected(_ stream: [UInt8], limit: Int) -> [LineFramer.Event] {
        stream.split(separator: 0x0A, omittingEmptySubsequences: false).dropLast().compactMap { line in
            let body = line.last == 0x0D ? line.dropLast() : line
            if body.count > limit { return .lineTooLong }
            if body.allSatisfy({ [0x20, 0x09, 0x0D].contains($0) }) { return nil }
            return .line(Array(body))
        }
    }

    @Test("A long line in very small pieces costs no more than its bytes", .timeLimit(.minutes(1)))
    func smallPieces() {
        let piece = [UInt8](repeating: 0x61, count: 16)
        var framer = LineFramer(limit: 64 << 20)
        // Quadratic work would be 2^18 pieces × 2 MiB on average.
        for _ in 0..<(4 << 20) / 16 {
            framer.feed(piece)
            if framer.next() != nil { Issue.record("no line has ended") }
        }
        #expect(framer.bufferedBytes == 4 << 20)
        framer.feed([0x0A])
        guard case .line(let line) = framer.next() else {
            Issue.record("the line has ended")
            return
        }
        #expect(line.count == 4 << 20)
        #expect(framer.bufferedBytes == 0)
    }

    @Test("Many lines in one piece leave in order, and their bytes are given back as they go")
    func manyLines() {
        var framer = LineFramer(limit: 100)
        let stream = (0..<5000).map { "line \($0)\n" }.joined()
        framer.feed(Array(stream.utf8))
        let before = framer.bufferedBytes
        #expect(before == stream.utf8.count)
        for index in 0..<5000 { #expect(framer.next() == line("line \(index)")) }
        #expect(framer.next() == nil)
        #expect(framer.bufferedBytes == 0)
    }
}
