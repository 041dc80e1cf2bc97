import NeedleClient
import NeedletailCommand
import Testing

@Suite("Display: widths, tables, numbers, progress")
struct DisplayTests {
    @Test(
        "Columns that a text takes on a terminal",
        arguments: [
            ("", 0), ("abc", 3), ("日本語", 6), ("한글", 4), ("e\u{301}", 1), ("é", 1), ("👍", 2), ("👨‍👩‍👧", 2),
            ("❤️", 2),
            ("ｆｕｌｌ", 8), ("a\u{200B}b", 2), ("½", 1), ("─", 1), ("ﾊ", 1),
        ] as [(String, Int)])
    func width(text: String, columns: Int) {
        #expect(DisplayWidth.of(text) == columns)
    }

    @Test("Cutting never exceeds the width and never splits a character")
    func cutting() {
        #expect(DisplayWidth.cut("abcdef", to: 6) == "abcdef")
        #expect(DisplayWidth.cut("abcdef", to: 5) == "abcd…")
        #expect(DisplayWidth.cut("日本語", to: 5) == "日本…")
        #expect(DisplayWidth.cut("日本語", to: 4) == "日…", "the second would need two columns where one is left")
        #expect(DisplayWidth.cut("abc", to: 0) == "")
        for text in ["日本語テキスト", "a日b本c", "👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧"] {
            for width in 0...20 { #expect(DisplayWidth.of(DisplayWidth.cut(text, to: width)) <= width) }
        }
    }

    @Test("Foreign text cannot drive the terminal")
    func safe() {
        #expect(DisplayWidth.safe("a\u{1B}[31mred\u{7}") == "a\u{FFFD}[31mred\u{FFFD}")
        #expect(DisplayWidth.safe("two\nlines \t and\r\nmore") == "two lines and more")
        #expect(DisplayWidth.safe("\u{202E}evil\u{9B}1m") == "\u{FFFD}evil\u{FFFD}1m")
        #expect(DisplayWidth.safe("naïve 日本") == "naïve 日本")
    }

    @Test("A table lines up, wide characters included")
    func table() {
        var table = Table([.init("ID", right: true, minimum: 2), .init("NAME"), .init("TEXT")])
        table.add(["1", "日本", "first"])
        table.add(["23", "abc", "second\nline"])
        #expect(table.lines(width: nil) == ["ID  NAME  TEXT", " 1  日本  first", "23  abc   second line"])
        #expect(table.lines(width: nil, style: .ansi).first == "\u{1B}[1mID  NAME  TEXT\u{1B}[0m")
    }

    @Test("On a narrow terminal the widest columns give way, down to their minimum", arguments: 10...120)
    func narrow(width: Int) {
        var table = Table([
            .init("SCORE", right: true, minimum: 6), .init("ID", minimum: 6), .init("A"), .init("B"),
        ])
        table.add(["0.1234", "17", String(repeating: "x", count: 30), String(repeating: "y", count: 60)])
        let natural = [6, 2, 30, 60]
        let widths = table.layout(width)
        let total = widths.reduce(0, +) + 6
        #expect(total <= max(width, 6 + 2 + 8 + 8 + 6), "fits, unless every column is at its minimum")
        #expect(zip(widths, natural).allSatisfy { $0 <= $1 })
        if width >= 104 { #expect(widths == natural) }
        if width <= 103, total < width { Issue.record("room is left unused: \(widths)") }
        #expect(table.lines(width: width).allSatisfy { DisplayWidth.of($0) <= max(width, 30) })
    }

    @Test("Numbers for people")
    func numbers() {
        #expect([0, 999, 1000, -1_234_567].map(Numbers.grouped) == ["0", "999", "1,000", "-1,234,567"])
        #expect(
            [0, 7.4, 754, 10_921, .infinity].map(Numbers.clock) == [
                "0:00", "0:07", "12:34", "3:02:01", "-:--",
            ])
        #expect([0, 1023, 1536, 2 << 30].map(Numbers.bytes) == ["0 B", "1023 B", "1.5 KiB", "2.0 GiB"])
        #expect(Numbers.fixed(0.83456, 4) == "0.8346")
        #expect(Numbers.fixed(-0.00001, 4) == "0.0000")
        #expect(Numbers.fixed(-2.5, 1) == "-2.5")
        #expect(Numbers.fixed(3.7, 0) == "4")
        #expect(Numbers.fixed(1e30, 2) == "1e+30")
        #expect((Numbers.count(1, "point"), Numbers.count(2000, "point")) == ("1 point", "2,000 points"))
    }

    @Test("The progress line says how far, how fast and how long")
    func progress() {
        var line = ProgressLine(label: "importing", unit: "points")
        line.done = 27_350
        line.elapsed = 6.5
        line.fraction = 0.43
        #expect(
            line.bar(width: 100)
                == "importing  [█████████████████░░░░░░░░░░░░░░░░░░░░░░░]  43%  27,350 points  4,207/s  ETA 0:09"
        )
        #expect(line.plain == "importing: 27,350 points, 4,207/s, 43%, ETA 0:09")
        for width in 1...200 { #expect(DisplayWidth.of(line.bar(width: width)) < max(width, 2)) }
        line.fraction = nil
        #expect(line.bar(width: 80) == "importing  27,350 points  4,207/s  0:07")
        #expect(line.plain == "importing: 27,350 points, 4,207/s")
        line = ProgressLine(label: "importing", unit: "points")
        #expect(
            line.bar(width: 80) == "importing  0 points  0/s  0:00", "the first moment divides by nothing")
    }

    @Test("Which payload columns a table picks")
    func columns() {
        let payload: JSONObject = [
            "size": 17, "name": "gimp", "nested": ["a": 1], "section": "graphics",
            "text": "gimp: GNU Image Manipulation Program, and a good deal more",
            "homepage": "https://www.gimp.org/about",
        ]
        #expect(HitTable.pick([payload], room: 120) == ["name", "size", "section", "text"])
        #expect(
            HitTable.pick([payload], room: 60) == ["name", "size", "text"], "no room left for the section")
        #expect(HitTable.pick([["a": 1], ["b": 2]], room: 120) == ["a", "b"])
        #expect(HitTable.pick([[:]], room: 120) == [])
    }

    @Test("Nested answers become an outline")
    func outline() {
        let object: JSONObject = [
            "version": "0.1.0", "memory": ["vectors": 2048], "counts": ["points": 1500, "bytes": 1],
            "list": [["name": "a", "n": 1]],
            "empty": [:],
        ]
        #expect(
            Outline.lines(object, style: .plain) == [
                "version  0.1.0", "memory", "  vectors  2.0 KiB", "counts", "  points  1,500",
                "  bytes   1 B",
                "list", "  name a, n 1", "empty    ",
            ])
    }

    @Test(
        "The name somebody may have meant",
        arguments: [
            ("packges", "packages"), ("PACKAGES", "packages"), ("pkg", nil), ("serch", nil),
            ("docs2", "docs"),
        ] as [(String, String?)])
    func suggestions(typed: String, meant: String?) {
        #expect(Suggestion.closest(to: typed, among: ["docs", "packages", "photographs"]) == meant)
    }
}
