import ArgumentParser
import NeedleClient

struct Embed: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Turn texts into vectors with the server's model.",
        discussion: """
            Texts come from the command line, or from standard input, one per line. Prints
            a preview of each vector; --json prints whole vectors.

            EXAMPLES
              needletail embed "tool to retouch photographs"
              needletail embed --json "a text" | jq .vector
              needletail embed --json < texts.txt > vectors.jsonl
            """)

    @Argument(help: "The texts; standard input, one per line, when left out.")
    var texts: [String] = []
    @Option(help: ArgumentHelp("The model. Default: the server's.", valueName: "name"))
    var model: String?
    @Option(
        help: ArgumentHelp(
            "What the texts are for: passage (to be found, the default) or query.", valueName: "kind"))
    var kind = EmbeddingKind.passage
    @OptionGroup var output: OutputOptions
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let terminal = Terminal.current()
        let texts = self.texts.isEmpty ? Self.lines() : self.texts
        guard !texts.isEmpty else { throw Failure(.usage, "there is no text to embed") }
        try await global.withClient { client in
            let answer = try await client.embed(texts, model: model, kind: kind)
            for (text, vector) in zip(texts, answer.vectors) {
                if output.json {
                    terminal.print(
                        "{\"text\":\(JSONValue.string(text)),\"vector\":\(PointText.json(vector))}")
                } else {
                    terminal.print(
                        "\(PointText.preview(vector))  \(DisplayWidth.cut(DisplayWidth.safe(text), to: 40))")
                }
            }
            let cut = answer.truncated > 0 ? ", \(answer.truncated) cut at the model's limit" : ""
            terminal.say(
                terminal.errorStyle.dim("\(answer.model): \(Numbers.grouped(answer.tokens)) tokens\(cut)"))
        }
    }

    private static func lines() -> [String] {
        var lines: [String] = []
        while let line = readLine() { lines.append(line) }
        return lines
    }
}
