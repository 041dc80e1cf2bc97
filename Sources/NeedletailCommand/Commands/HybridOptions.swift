import ArgumentParser
import NeedleClient

/// Options of a search that also looks for words, or for points that are unlike each other.
struct HybridOptions: ParsableArguments {
    @Flag(help: "Look for the words of the text too, and join both rankings.")
    var hybrid = false
    @Option(help: ArgumentHelp("Words to look for beside --vector or --id.", valueName: "text"))
    var words: String?
    @Option(
        help: ArgumentHelp(
            "Payload keys whose words are searched; by default all with a text index.", valueName: "keys"))
    var keys: String?
    @Option(
        help: ArgumentHelp(
            "Join by scores with these weights of vectors and words, not by places.",
            valueName: "vector,text"))
    var weights: String?
    @Option(
        help: ArgumentHelp(
            "Hits that are unlike each other: the share of relevance, 0 to 1; less is more diverse.",
            valueName: "lambda"))
    var diverse: Double?

    var isUsed: Bool { hybrid || words != nil || diverse != nil }

    func check(isByText: Bool) throws {
        if hybrid, !isByText { throw ValidationError("--hybrid goes with a text; otherwise give --words") }
        if words != nil, isByText {
            throw ValidationError("--words goes with --vector or --id; see --hybrid")
        }
        if keys != nil || weights != nil, !hybrid, words == nil {
            throw ValidationError("--keys and --weights go with --hybrid or --words")
        }
        if weights != nil, fusion == nil {
            throw ValidationError("--weights takes two numbers of 0 or more, as in --weights 0.7,0.3")
        }
        if let diverse, !(0...1).contains(diverse) { throw ValidationError("--diverse is 0 to 1") }
    }

    /// What the command line asks for; valid after `check`.
    var hybridSearch: HybridSearch? {
        guard hybrid || words != nil else { return nil }
        return HybridSearch(
            words, keys: keys?.split(separator: ",").map(String.init), fusion: fusion ?? .reciprocal())
    }

    private var fusion: HybridSearch.Fusion? {
        guard let weights else { return nil }
        let numbers = weights.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
        guard numbers.count == 2, let vector = numbers[0], let text = numbers[1], vector >= 0, text >= 0,
            vector + text > 0, (vector + text).isFinite
        else { return nil }
        return .weighted(vector: vector, text: text)
    }
}
