/// Chooses points that are relevant and unlike each other: maximal marginal relevance (Carbonell and Goldstein, "The
/// use of MMR, diversity-based reranking for reordering documents and producing summaries", 1998).
package enum MarginalRelevance {
    /// The places of the chosen candidates, in the order of choice: each time the one with the highest
    ///
    ///     lambda · relevance − (1 − lambda) · greatest similarity to one chosen before
    ///
    /// Ties go to the candidate that stands first. O(limit × candidates) similarities.
    ///
    /// - Parameters:
    ///   - relevance: of each candidate, best first; on the scale of `similarity`, higher is better.
    ///   - lambda: 0 … 1; 1 leaves the order as it is.
    ///   - similarity: of two candidates by their places.
    /// - Throws: what `similarity` throws.
    package static func choose<Failure: Error>(
        limit: Int, relevance: [Double], lambda: Double, similarity: (Int, Int) throws(Failure) -> Double
    ) throws(Failure) -> [Int] {
        precondition((0...1).contains(lambda), "lambda is a share")
        var chosen: [Int] = []
        var rest = Array(relevance.indices)
        // The first choice has nothing that it could resemble.
        var closest = [Double](repeating: -.infinity, count: relevance.count)
        while chosen.count < limit, !rest.isEmpty {
            func value(_ candidate: Int) -> Double {
                let resemblance = chosen.isEmpty ? 0 : closest[candidate]
                return lambda * relevance[candidate] - (1 - lambda) * resemblance
            }
            var best = 0
            for place in rest.indices.dropFirst() where value(rest[place]) > value(rest[best]) {
                best = place
            }
            let next = rest.remove(at: best)
            chosen.append(next)
            if lambda < 1 {
                for candidate in rest {
                    closest[candidate] = max(closest[candidate], try similarity(candidate, next))
                }
            }
        }
        return chosen
    }
}
