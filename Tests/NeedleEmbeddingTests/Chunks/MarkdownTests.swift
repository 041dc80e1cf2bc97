import NeedleCore
import NeedleEmbedding
import Testing

@Suite struct MarkdownTests {
    /// `path | text` of each chunk; sections are smaller than a chunk.
    private func outline(_ text: String) throws -> [String] {
        try chunks(text, .markdown, maximum: 64).map {
            "\($0.headings.joined(separator: "/")) | \(part(text, $0).replacing("\n", with: "⏎"))"
        }
    }

    @Test func headingsMakeSections() throws {
        let text = """
            Before.
            # Guide
            Intro.
            ## Install ##
            Run it.
            ### On Linux
            Use apt.
            ## Use
            Call it.
            # Other
            End.
            """
        #expect(
            try outline(text) == [
                " | Before.", "Guide | Intro.", "Guide/Install | Run it.",
                "Guide/Install/On Linux | Use apt.",
                "Guide/Use | Call it.", "Other | End.",
            ])
    }

    @Test func setextHeadingsToo() throws {
        let text = "Big\ntitle\n===\nText one.\n\nSmall\n---\nText two.\n\n- item\n---\nText three."
        #expect(
            try outline(text) == [
                "Big title | Text one.", "Big title/Small | Text two.⏎⏎- item⏎---⏎Text three.",
            ])
    }

    @Test func codeIsNeverAHeading() throws {
        let text = """
            # Code
            ```sh
            # not a heading
            echo hi
            ```
            ~~~
            ## neither
            ```
            ~~~
            After.

                # indented code
            `#` and #tag and ####### seven
            """
        let found = try chunks(text, .markdown, maximum: 64)
        #expect(Set(found.map(\.headings)) == [["Code"]])
        #expect(found.map { part(text, $0) }.joined().contains("# not a heading\necho hi\n```"))
    }

    @Test func anOpenFenceGoesToTheEnd() throws {
        #expect(try outline("```\n# a\n\n# b") == [" | ```⏎# a⏎⏎# b"])
    }

    @Test func aCodeBlockStaysWholeWhereItFits() throws {
        let code = "```\n" + (0..<12).map { "let v\($0) = \($0)" }.joined(separator: "\n") + "\n```"
        let text =
            "Some words stand before it. They are a few more than that. And more of them here.\n\n\(code)\n\nAfter it."
        let found = try chunks(text, .markdown, maximum: 56, overlap: 8).map { part(text, $0) }
        #expect(found.contains { $0.contains(code) }, "\(found)")
        // Where it does not fit it is cut between lines.
        for chunk in try chunks(text, .markdown, maximum: 24) {
            for line in part(text, chunk).split(separator: "\n") where line.hasPrefix("let") {
                #expect(line.split(separator: " ").count == 4)
            }
        }
    }

    @Test func frontMatterIsLeftOut() throws {
        #expect(try outline("---\ntitle: x\ntags: [a]\n---\n# H\nText.") == ["H | Text."])
        #expect(try outline("\u{FEFF}---\r\ntitle: x\r\n...\r\nText.") == [" | Text."])
        // A rule, and nothing that ends it.
        #expect(try outline("---\nText.") == [" | Text."])
    }

    @Test func titlesWithoutTextAreText() throws {
        #expect(try outline("# Only this") == ["Only this | # Only this"])
        #expect(try outline("# A\n## B\n## C\ntext") == ["A/B | ## B", "A/C | text"])
        #expect(try outline("#\ntext") == [" | text"])
    }

    @Test func listsTablesAndQuotesAreBlocks() throws {
        let text =
            "Intro line.\n- one\n- two\n  more\n1. three\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n> quoted\n> text\n\n***\nEnd."
        #expect(try outline(text).count == 1)
        #expect(part(text, try chunks(text, .markdown, maximum: 64)[0]) == text)
    }

    @Test func theHeadingsAreEmbeddedWhereTheyFit() throws {
        let text = "# Guide\n## Install\nRun it.\n"
        let found = try chunks(text, .markdown, maximum: 32)
        #expect(found[0].passage == "Guide > Install\nRun it.")
        // A quarter of 16 words: the outer heading is left out, its path is kept.
        let long = "# A very long title it is\n## Short one\nRun it."
        let short = try chunks(long, .markdown, maximum: 16)
        #expect(short[0].passage == "Short one\nRun it.")
        #expect(short[0].headings == ["A very long title it is", "Short one"])
    }

    @Test func aLongHeadingIsCut() throws {
        let found = try chunks("# " + String(repeating: "é", count: 500) + "\ntext", .markdown)
        #expect(found[0].headings[0].utf8.count <= 200)
        #expect(found[0].headings[0].hasSuffix("é…"))
    }

    @Test func lineEndsMakeNoDifference() throws {
        let text = "# A\n\nOne.\n\n```\ncode\n```\n\nB\n=\nTwo.\n"
        let expected = try chunks(text, .markdown).map(\.headings)
        for end in ["\r\n", "\r"] {
            #expect(try chunks(text.replacing("\n", with: end), .markdown).map(\.headings) == expected)
        }
    }

    /// Any text gives chunks with text of it, in order.
    @Test func noTextIsTooStrange() throws {
        var generator = SeededGenerator(seed: 7)
        let parts = [
            "#", "##", " ", "\n", "\r", "```", "~~~", "---", "===", "|", "- ", "1. ", ">", "a", "Bé. ", "。",
            "🙂", "\t", "...",
            "\u{FEFF}", "\u{2028}", "*", "`",
        ]
        for _ in 0..<2_000 {
            let text = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                parts[Int.random(in: 0..<parts.count, using: &generator)]
            }.joined()
            for format in DocumentFormat.allCases {
                var end = 0
                for chunk in try chunks(text, format) {
                    #expect(chunk.range.lowerBound >= end && !chunk.range.isEmpty, "\(text.debugDescription)")
                    #expect(String(validating: Array(text.utf8)[chunk.range], as: UTF8.self) != nil)
                    end = chunk.range.upperBound
                }
                #expect(end <= text.utf8.count)
            }
        }
    }
}
