// How fast the model turns texts into vectors, in process.
//
//     embedding-benchmark TEXTS.jsonl [--model DIR] [--precision float32|int8] [--threads N] [--batch 64]
//                         [--seconds 5]
//
// TEXTS.jsonl has an object with "text" on every line (`compare.py --write-texts` makes one of the usual lengths).
// Prints texts/s in batches, the median of single queries, and with int8 how far its vectors are from float32's.

import Glibc
import NeedleCore
import NeedleEmbedding
import TextFiles

let arguments = try EmbeddingArguments(CommandLine.arguments.dropFirst())
guard let file = TextFile(arguments.texts) else {
    print("cannot read \(arguments.texts)")
    exit(2)
}
let run = try EmbeddingRun(texts: try file.texts("text"), arguments: arguments)
try run.report()
