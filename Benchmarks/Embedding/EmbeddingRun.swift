import Glibc
import NeedleCore
import NeedleEmbedding

struct UsageError: Error, CustomStringConvertible {
    let description: String
}

struct EmbeddingArguments {
    var texts = ""
    var directory = LocalModel.defaultDirectory(environment: [:])
    var precision = WeightPrecision.float32
    var threads = WorkerPool.processors
    var batch = 64
    var seconds = 5.0

    init(_ words: some Sequence<String>) throws(UsageError) {
        var rest = words.makeIterator()
        if let home = getenv("HOME") {
            directory = LocalModel.defaultDirectory(environment: ["HOME": String(cString: home)])
        }
        while let word = rest.next() {
            guard word.hasPrefix("--") else {
                texts = word
                continue
            }
            guard let value = rest.next() else { throw UsageError(description: "\(word) needs a value") }
            switch word {
            case "--model": directory = value
            case "--precision": precision = WeightPrecision(rawValue: value) ?? precision
            case "--threads": threads = Int(value) ?? threads
            case "--batch": batch = Int(value) ?? batch
            case "--seconds": seconds = Double(value) ?? seconds
            default: throw UsageError(description: "unknown option \(word)")
            }
        }
        if texts.isEmpty { throw UsageError(description: "usage: embedding-benchmark TEXTS.jsonl [options]") }
    }
}

struct EmbeddingRun {
    let texts: [String]
    let arguments: EmbeddingArguments
    let model: LocalModel
    let context = OperationContext()

    init(texts: [String], arguments: EmbeddingArguments) throws {
        self.texts = texts
        self.arguments = arguments
        let start = seconds()
        model = try LocalModel(
            directory: arguments.directory,
            options: .init(precision: arguments.precision, threads: arguments.threads))
        print("loaded in \(rounded((seconds() - start) * 1e3)) ms, \(arguments.threads) threads")
    }

    func report() throws {
        try batches()
        try singles()
        if arguments.precision != .float32 { try loss() }
    }

    private func batches() throws {
        let size = arguments.batch
        _ = try model.embed(Array(texts.prefix(size)), kind: .passage, context: context)
        var (count, tokens, best) = (0, 0, 0.0)
        let start = seconds()
        var position = 0
        while seconds() - start < arguments.seconds {
            let began = seconds()
            let (before, earlier) = (count, began)
            for _ in 0..<4 {
                let part = (0..<size).map { texts[(position + $0) % texts.count] }
                tokens += try model.embed(part, kind: .passage, context: context).tokens
                position += size
                count += size
            }
            best = max(best, Double(count - before) / (seconds() - earlier))
        }
        let spent = seconds() - start
        print(
            "batches of \(size): \(rounded(Double(count) / spent)) texts/s, best \(rounded(best));"
                + " \(rounded(Double(tokens) / Double(count))) tokens a text")
    }

    private func singles() throws {
        var times: [Double] = []
        for text in texts.suffix(300) {
            let start = seconds()
            _ = try model.embed([text], kind: .query, context: context)
            times.append((seconds() - start) * 1e6)
        }
        times.sort()
        print(
            "one query: p50 \(rounded(times[150])) µs, p10 \(rounded(times[30])), p99 \(rounded(times[297]))")
    }

    /// Cosines between this precision's vectors and those of float32.
    private func loss() throws {
        let exact = try LocalModel(directory: arguments.directory, options: .init(threads: arguments.threads))
        let sample = Array(texts.prefix(1_000))
        let ours = try model.embed(sample, kind: .passage, context: context).vectors
        let theirs = try exact.embed(sample, kind: .passage, context: context).vectors
        let cosines = zip(ours, theirs).map { left, right in
            zip(left, right).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
        }.sorted()
        let mean = cosines.reduce(0, +) / Double(cosines.count)
        print("cosine with float32 on \(cosines.count) texts: mean \(mean), worst \(cosines[0])")
    }
}

private func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

private func rounded(_ value: Double) -> Double { (value * 10).rounded() / 10 }
