// synthetic-vectors FILE.npy [--rows N] [--dimensions D] [--clusters C] [--intrinsic I] [--noise X] [--separation X]
//                   [--seed S] [--nonnegative] [--f16]
//
// Writes vectors of a clustered distribution of low intrinsic dimension, the same for the same options everywhere.
// By convention the first 1,000 rows are queries, so ask for 1,000 more than shall be stored.

import Glibc

let usage = """
    usage: synthetic-vectors FILE.npy [--rows N] [--dimensions D] [--clusters C] [--intrinsic I] [--noise X]
                             [--separation X] [--seed S] [--nonnegative] [--f16]
    """

func stop(_ message: String, status: Int32) -> Never {
    _ = Array("\(message)\n".utf8).withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    exit(status)
}

func refuse(_ reason: String) -> Never { stop("\(reason)\n\(usage)", status: 64) }

var options = Mixture.Options()
var rows = 101_000
var path: String?
var half = false
var rest = CommandLine.arguments.dropFirst()

/// The number behind a flag.
@MainActor
func value<Number: LosslessStringConvertible & Comparable>(_ flag: String, _ range: ClosedRange<Number>)
    -> Number
{
    guard let text = rest.popFirst(), let number = Number(text), range.contains(number) else {
        refuse("\(flag) takes a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
}

while let argument = rest.popFirst() {
    switch argument {
    case "--rows": rows = value(argument, 1...1_000_000_000)
    case "--dimensions": options.dimensions = value(argument, 1...65_536)
    case "--clusters": options.clusters = value(argument, 1...100_000)
    case "--intrinsic": options.intrinsic = value(argument, 1...4_096)
    case "--noise": options.noise = value(argument, 0...100)
    case "--separation": options.separation = value(argument, 0...100)
    case "--seed": options.seed = value(argument, 0...UInt64.max)
    case "--nonnegative": options.nonnegative = true
    case "--f16": half = true
    default:
        guard path == nil, !argument.hasPrefix("-") else { refuse("unknown argument \(argument)") }
        path = argument
    }
}
guard let path else { refuse("no file named") }

do {
    let mixture = Mixture(options)
    let file = try ArrayFile(path: path, rows: rows, columns: options.dimensions, half: half)
    var vector = [Float](repeating: 0, count: options.dimensions)
    for row in 0..<rows {
        mixture.draw(row, into: &vector)
        try file.append(vector)
    }
    try file.close()
} catch {
    stop("\(error)", status: 1)
}
