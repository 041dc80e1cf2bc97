import NeedleCore
import NeedlePayloads

/// Texts of few different words, common and rare ones, as tests of indexes need them.
struct RandomTexts {
    var random: SeededGenerator
    /// Words by rank: the first ones are common.
    let vocabulary: [String]

    init(seed: UInt64, words: Int = 60) {
        random = SeededGenerator(seed: seed)
        vocabulary = (0..<words).map { "w\($0 % 7)x\($0)" } + ["É", "漢字"]
    }

    mutating func int(_ range: Range<Int>) -> Int { Int.random(in: range, using: &random) }
    mutating func chance(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &random) < share }

    mutating func word() -> String {
        // Squaring makes low ranks common.
        let place = Double.random(in: 0..<1, using: &random)
        return vocabulary[Int(place * place * place * Double(vocabulary.count))]
    }

    mutating func text(longest: Int = 14) -> String {
        (0..<int(0..<(longest + 1))).map { _ in word() }.joined(separator: " ")
    }

    /// What a key of a row holds: mostly one text, sometimes none or several.
    mutating func values() -> [String] {
        if chance(0.1) { return [] }
        return (0..<(chance(0.15) ? int(2..<4) : 1)).map { _ in text() }
    }
}

extension TextIndex {
    static func build(
        _ rows: some Sequence<[String]>, _ analysis: TextAnalysis = .plain, firstRow: Int = 0
    ) throws -> TextIndex {
        var builder = TextIndexBuilder(analysis: analysis, firstRow: firstRow)
        for values in rows { builder.append(values) }
        return try TextIndex(try builder.finish())
    }
}
