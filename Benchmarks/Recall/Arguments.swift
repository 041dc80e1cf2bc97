// The command line of the recall benchmark.

import Glibc
import NeedleCore
import NeedleVectors

/// What is measured, and how. Unknown flags and bad values end the program with the usage.
struct Arguments {
    static let usage = """
        usage: recall-benchmark PATH [--metric cosine|dot|euclid] [--quantization int8|binary|none]
                 [--m 16] [--ef-construct 128] [--ef 16,32,...] [--threads 1] [--tier avx512|avx2|scalar]
                 [--rescore 24] [--refine yes|no] [--refine-width 320] [--sketches yes|no]
                 [--passing-share 0.80] [--large-pages yes|no] [--json FILE]
                 [--filter SHARE,SHARE,...]
        """

    var path = ""
    var metric = Metric.cosine
    var quantization = QuantizationKind.int8
    var m = 16
    var efConstruction = 128
    var refinementWidth: Int?
    var widths = [16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512]
    var threads = 1
    var cap = DistanceKernels.Tier.avx512
    /// How many of the nearest by codes are scored again with the float vectors.
    var rescored = 24
    var refines = true
    var sketches = true
    /// The share of near rows that sketches let pass.
    var passingShare = SketchTraining.passingShare
    /// Whether the nodes lie in pages of two megabytes, as in the engine.
    var usesLargePages = true
    var json: String?
    /// Selectivities at which filtered searches are measured, in place of unfiltered ones.
    var shares: [Double] = []

    init(_ words: [String]) {
        var words = words[...]
        guard let path = words.popFirst(), !path.hasPrefix("-") else { Self.fail("a PATH comes first") }
        self.path = path
        while let flag = words.popFirst() {
            guard let value = words.popFirst() else { Self.fail("\(flag) needs a value") }
            if !set(flag, value) { Self.fail("\(flag) \(value)") }
        }
    }

    /// False when the flag is unknown or the value does not fit it.
    private mutating func set(_ flag: String, _ value: String) -> Bool {
        switch flag {
        case "--metric": return Self.assign(&metric, Metric(name: value))
        case "--quantization": return Self.assign(&quantization, QuantizationKind(rawValue: value))
        case "--m": return Self.assign(&m, Int(value))
        case "--ef-construct": return Self.assign(&efConstruction, Int(value))
        case "--ef":
            widths = value.split(separator: ",").compactMap { Int($0) }
            return !widths.isEmpty
        case "--filter":
            shares = value.split(separator: ",").compactMap { Double($0) }
            return !shares.isEmpty
        case "--refine-width":
            refinementWidth = Int(value)
            return refinementWidth != nil
        case "--threads": return Self.assign(&threads, Int(value))
        case "--tier":
            return Self.assign(&cap, ["scalar": .scalar, "avx2": .avx2, "avx512": .avx512][value])
        case "--rescore": return Self.assign(&rescored, Int(value))
        case "--refine": return Self.assign(&refines, ["yes": true, "no": false][value])
        case "--sketches": return Self.assign(&sketches, ["yes": true, "no": false][value])
        case "--passing-share": return Self.assign(&passingShare, Double(value))
        case "--large-pages": return Self.assign(&usesLargePages, ["yes": true, "no": false][value])
        case "--json":
            json = value
            return true
        default: return false
        }
    }

    private static func assign<Value>(_ target: inout Value, _ value: Value?) -> Bool {
        guard let value else { return false }
        target = value
        return true
    }

    private static func fail(_ message: String) -> Never {
        print("recall-benchmark: \(message)\n\(usage)")
        exit(64)
    }
}
