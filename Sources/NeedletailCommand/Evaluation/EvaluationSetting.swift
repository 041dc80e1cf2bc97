package import NeedleClient

/// What is evaluated: a collection, and how it is searched. On the command line a list:
/// `docs2,using=title,ef=64,hybrid`.
package struct EvaluationSetting: Hashable, Sendable {
    package var collection: String
    package var space: String?
    package var effort: SearchEffort = .standard
    package var isHybrid = false

    package init(collection: String) {
        self.collection = collection
    }

    /// - Parameter base: what is not named stays as it is here.
    package init(parsing text: String, base: EvaluationSetting) throws(Failure) {
        self = base
        for (number, item) in text.split(separator: ",", omittingEmptySubsequences: false).enumerated() {
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(
                String.init)
            switch (parts[0], parts.count > 1 ? parts[1] : nil) {
            case ("exact", nil): effort = .exact
            case ("hybrid", nil): isHybrid = true
            case ("vectors", nil): isHybrid = false
            case ("using", let name?): space = name
            case ("collection", let name?): collection = name
            case ("ef", let value?):
                guard let ef = Int(value), ef >= 1 else { throw Self.wrong(String(item)) }
                effort = .ef(ef)
            case ("recall", let value?):
                guard let recall = Double(value), recall.isFinite else { throw Self.wrong(String(item)) }
                effort = .recall(recall)
            case (let name, nil) where number == 0 && !name.isEmpty: collection = name
            default: throw Self.wrong(String(item))
            }
        }
    }

    private static func wrong(_ item: String) -> Failure {
        Failure(
            .usage, "\"\(item)\" is no setting",
            advice: [
                "a collection first, if it is another one; then any of exact, ef=N, recall=R, using=SPACE, hybrid, vectors",
                "for example: --against docs2,using=title,ef=64",
            ])
    }

    /// As `--against` takes it.
    package var text: String {
        var items = [collection]
        if let space { items.append("using=\(space)") }
        switch effort {
        case .standard: break
        case .exact: items.append("exact")
        case .ef(let ef): items.append("ef=\(ef)")
        case .recall(let recall): items.append("recall=\(recall)")
        }
        if isHybrid { items.append("hybrid") }
        return items.joined(separator: ",")
    }

    /// - Throws: for a hybrid search by a vector alone, which has no words.
    package func request(_ query: JudgedQuery, limit: Int, payload: PayloadSelection) throws(Failure)
        -> SearchRequest
    {
        var request = SearchRequest(query.query, limit: limit)
        request.space = space
        request.effort = effort
        request.payload = payload
        if isHybrid {
            guard case .text = query.query else {
                throw Failure(.usage, "a hybrid search needs texts, and a query is a vector")
            }
            request.hybrid = HybridSearch()
        }
        return request
    }
}
