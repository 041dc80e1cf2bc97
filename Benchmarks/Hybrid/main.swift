// Does hybrid search find what either side alone misses? MRR and recall@10 of vectors, BM25 and both fused, over the
// queries of a file with the packages that each should find.
//
//     hybrid-benchmark PACKAGES.jsonl VECTORS.npy QUERIES.jsonl MODEL_DIRECTORY
//
// Vectors are compared exactly, so that the figures are those of the methods and not of an index.

import Glibc
import NeedleCore
import NeedleEmbedding
import NeedlePayloads
import TextFiles
import VectorFiles

let arguments = CommandLine.arguments
guard arguments.count == 5, let packages = TextFile(arguments[1]), let questions = TextFile(arguments[3])
else {
    print("usage: hybrid-benchmark PACKAGES.jsonl VECTORS.npy QUERIES.jsonl MODEL_DIRECTORY")
    exit(2)
}
let model = try LocalModel(directory: arguments[4])
let run = try HybridRun(
    packages: packages, vectors: try VectorFile(path: arguments[2]), questions: questions, model: model)
try run.report()
