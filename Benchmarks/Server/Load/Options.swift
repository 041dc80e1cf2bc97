// What the command line says.

import Glibc

let usage = """
    usage: server-benchmark FILE --server HOST:PORT [options]

    FILE          vectors (.npy, .fbin); the first --queries rows are queries, the others are stored, row i as id i
      --metric cosine|dot|euclid       [cosine]
      --phases LIST                    [import,sequential,pipelined,connections,batch,mixed], in this order
      --collection NAME                [bench]; import deletes and makes it anew
      --quantization none|int8|binary  [the server's default]
      --m N, --ef-construct N          of the graph [the server's default]
      --ef N | --recall R | --exact    the effort of a search [the server's default]
      --queries N                      [1000]
      --limit-rows N                   stores at most so many rows
      --encoding base64|array          of the queries' vectors [base64]
      --seconds S                      of each timed phase [5]
      --poll-us N                      asks the socket so long for an answer before it sleeps, as a client in a hurry does [0]
      --in-flight N                    of the pipelined phase [32]
      --connections N                  [8], each with one request in flight
      --batch N                        searches in a request of the batch phase [100]
      --write-rate N, --search-rate N  of the mixed phase, a second [2000, 200]
      --in-process N                   searches/s in process on one thread, to compare with
      --server-pid PID                 adds the server's processor time and resident memory
      --optimize                       after the import, merges all segments too
      --no-recall                      does not compare answers with the truth, which takes long for many rows
      --json FILE                      writes the figures there as well
    """

struct Options {
    enum Effort {
        case standard
        case ef(Int)
        case recall(Double)
        case exact
    }

    static let phases = ["import", "sequential", "pipelined", "connections", "batch", "mixed"]

    var file = ""
    var host = "127.0.0.1"
    var port: UInt16 = 0
    var metric = Distance.cosine
    var phases = Options.phases
    var collection = "bench"
    var quantization: String?
    var m: Int?
    var efConstruct: Int?
    var effort = Effort.standard
    var queries = 1_000
    var limitRows = Int.max
    var base64 = true
    var seconds = 5.0
    var pollMicroseconds = 0
    var inFlight = 32
    var connections = 8
    var batch = 100
    var writeRate = 2_000
    var searchRate = 200
    var inProcess: Double?
    var serverProcess: Int32?
    var optimize = false
    var recallWanted = true
    var json: String?

    init(_ arguments: some Sequence<String>) throws {
        var rest = Array(arguments.reversed())
        while let flag = rest.popLast() {
            switch flag {
            case "--server": try setServer(Self.text(flag, &rest))
            case "--metric": metric = try Self.value(flag, &rest) { Distance(rawValue: $0) }
            case "--phases": phases = try Self.phases(Self.text(flag, &rest))
            case "--collection": collection = try Self.text(flag, &rest)
            case "--quantization": quantization = try Self.text(flag, &rest)
            case "--m": m = try Self.count(flag, &rest)
            case "--ef-construct": efConstruct = try Self.count(flag, &rest)
            case "--ef": effort = .ef(try Self.count(flag, &rest))
            case "--recall": effort = .recall(try Self.value(flag, &rest) { Double($0) })
            case "--exact": effort = .exact
            case "--queries": queries = try Self.count(flag, &rest)
            case "--limit-rows": limitRows = try Self.count(flag, &rest)
            case "--encoding":
                base64 = try Self.value(flag, &rest) { ["base64": true, "array": false][$0] }
            case "--seconds": seconds = try Self.value(flag, &rest) { Double($0) }
            case "--poll-us": pollMicroseconds = try Self.count(flag, &rest)
            case "--in-flight": inFlight = try Self.count(flag, &rest)
            case "--connections": connections = try Self.count(flag, &rest)
            case "--batch": batch = try Self.count(flag, &rest)
            case "--write-rate": writeRate = try Self.count(flag, &rest)
            case "--search-rate": searchRate = try Self.count(flag, &rest)
            case "--in-process": inProcess = try Self.value(flag, &rest) { Double($0) }
            case "--server-pid": serverProcess = try Self.value(flag, &rest) { Int32($0) }
            case "--optimize": optimize = true
            case "--no-recall": recallWanted = false
            case "--json": json = try Self.text(flag, &rest)
            default:
                guard file.isEmpty, !flag.hasPrefix("-") else {
                    throw Failure(description: "unknown: \(flag)")
                }
                file = flag
            }
        }
        guard !file.isEmpty, port != 0 else { throw Failure(description: "a file and --server are needed") }
        guard inFlight <= queries, connections <= queries, batch <= queries else {
            throw Failure(description: "there are fewer --queries than requests in flight")
        }
    }

    /// The rows of a file that go into the collection.
    func stored(of rows: Int) -> Range<Int> { queries..<queries + min(limitRows, rows - queries) }

    private mutating func setServer(_ text: String) throws {
        let parts = text.split(separator: ":")
        guard parts.count == 2, let number = UInt16(parts[1]) else {
            throw Failure(description: "--server takes HOST:PORT")
        }
        host = String(parts[0])
        port = number
    }

    private static func phases(_ text: String) throws -> [String] {
        let asked = text.split(separator: ",").map(String.init)
        guard asked.allSatisfy(phases.contains) else {
            throw Failure(description: "phases are \(phases.joined(separator: ", "))")
        }
        return phases.filter(asked.contains)
    }

    private static func text(_ flag: String, _ rest: inout [String]) throws -> String {
        guard let text = rest.popLast() else { throw Failure(description: "\(flag) takes a value") }
        return text
    }

    private static func value<Value>(
        _ flag: String, _ rest: inout [String], _ parse: (String) -> Value?
    ) throws -> Value {
        let text = try text(flag, &rest)
        guard let value = parse(text) else { throw Failure(description: "\(flag) does not take \(text)") }
        return value
    }

    private static func count(_ flag: String, _ rest: inout [String]) throws -> Int {
        try value(flag, &rest) { Int($0).flatMap { $0 > 0 ? $0 : nil } }
    }
}
