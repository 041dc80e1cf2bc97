// How many keyword searches a second one thread answers in process, on the texts of a file of JSON lines.
//
//     keyword-benchmark FILE [KEY] [QUERIES]
//
// Queries are 2 to 4 words that stand next to each other in a text, drawn with a fixed seed; the top 10 of every one
// of the first 300 are compared with a scan of all rows by the same formula.

import Glibc
import NeedleCore
import NeedlePayloads
import TextFiles

guard CommandLine.arguments.count > 1, let file = TextFile(CommandLine.arguments[1]) else {
    print("usage: keyword-benchmark FILE.jsonl [KEY] [QUERIES]")
    exit(2)
}
let key = CommandLine.arguments.count > 2 ? CommandLine.arguments[2] : "text"
let count = CommandLine.arguments.count > 3 ? Int(CommandLine.arguments[3]) ?? 20_000 : 20_000
for analysis in [TextAnalysis.plain, TextAnalysis(stemming: .english)] {
    try KeywordRun(texts: try file.texts(key), analysis: analysis).report(queries: count)
}
