package import NeedleCore
import NeedleVectors

extension Collection {
    /// The nearest points to a vector, a text or a stored point. Texts are embedded here, which takes
    /// milliseconds.
    package func search(_ query: SearchQuery, context: OperationContext) throws(DatabaseError) -> SearchResult
    {
        let started = clock.monotonicNanoseconds()
        let view = view()
        let space = try spaceIndex(of: query)
        let vector = try targetVector(of: query, space: space, view: view, context: context)
        let result = try search(
            query, vector: vector, space: space, view: view, started: started, context: context)
        tell(query, result, space: space)
        return result
    }

    /// Whoever watches quality, or re-embeds the collection, wants to know what is searched for and found.
    private func tell(_ query: SearchQuery, _ result: SearchResult, space: Int) {
        noteQuality(query, result, space: space)
        guard let feed else { return }
        if case .text = query.target { feed.offer(query) }
        feed.note(read: result.hits.map(\.record.id))
    }

    /// The first ten points, for comparing them with those of another collection. Nobody is told.
    func answer(
        _ query: SearchQuery, context: OperationContext
    ) throws(DatabaseError) -> [(id: PointID, score: Double)] {
        var query = query
        query.limit = 10
        query.offset = 0
        query.model = nil
        query.explains = false
        let view = view()
        let space = try spaceIndex(of: query)
        let vector = try targetVector(of: query, space: space, view: view, context: context)
        let result = try search(
            query, vector: vector, space: space, view: view, started: clock.monotonicNanoseconds(),
            context: context)
        return result.hits.map { ($0.record.id, $0.score) }
    }

    /// The nearest points of each of the values at a key that have the nearest ones.
    package func searchGroups(
        _ query: SearchQuery, by grouping: Grouping, context: OperationContext
    ) throws(DatabaseError) -> GroupedResult {
        let started = clock.monotonicNanoseconds()
        let view = view()
        let space = try spaceIndex(of: query)
        let vector = try targetVector(of: query, space: space, view: view, context: context)
        let search = prepared(query, vector, space: space, view: view, started: started, context)
        let outcome = try GroupedSearch(search: search, grouping: grouping).run()
        let took = clock.monotonicNanoseconds() - started
        var result = GroupedResult(
            groups: outcome.groups, complete: outcome.isComplete, strategy: outcome.strategy,
            tookMicroseconds: Int(took / 1000), lsn: view.lsn)
        if let trace = search.trace { result.explanation = try search.explanation(of: trace) }
        return result
    }

    /// All searches see one moment and are answered, or none is. Texts are embedded together.
    package func searchBatch(
        _ queries: [SearchQuery], context: OperationContext
    ) throws(DatabaseError) -> [SearchResult] {
        let view = view()
        let texts = try embedTexts(of: queries, context: context)
        var results: [SearchResult] = []
        results.reserveCapacity(queries.count)
        for (index, query) in queries.enumerated() {
            do throws(DatabaseError) {
                let started = clock.monotonicNanoseconds()
                let space = try spaceIndex(of: query)
                let vector =
                    if let text = texts[index] {
                        text
                    } else {
                        try targetVector(of: query, space: space, view: view, context: context)
                    }
                let result = try search(
                    query, vector: vector, space: space, view: view, started: started, context: context)
                tell(query, result, space: space)
                results.append(result)
            } catch {
                throw error.prefixed("searches[\(index)]")
            }
        }
        return results
    }

    private func search(
        _ query: SearchQuery, vector: [Float], space: Int, view: ReadView, started: UInt64,
        context: OperationContext
    ) throws(DatabaseError) -> SearchResult {
        let search = prepared(query, vector, space: space, view: view, started: started, context)
        let outcome = try search.run()
        let took = clock.monotonicNanoseconds() - started
        if query.isByVectorsAlone {
            (query.filter == nil ? paces : filteredPaces)[space].note(took, query.effort)
        }
        offerToSample(query, search.prepared, space: space)
        var result = SearchResult(
            hits: outcome.hits, complete: outcome.isComplete, strategy: outcome.strategy,
            tookMicroseconds: Int(took / 1000), lsn: view.lsn)
        if let trace = search.trace { result.explanation = try search.explanation(of: trace) }
        return result
    }

    private func prepared(
        _ query: SearchQuery, _ vector: [Float], space: Int, view: ReadView, started: UInt64,
        _ context: OperationContext
    ) -> Search {
        Search(
            view: view, config: config, options: options, space: space, query: query,
            prepared: PreparedQuery(vector, metric: config.spaces[space].metric),
            excluded: query.target.points,
            recall: measurement.table, scratches: scratches, context: context,
            trace: query.explains ? SearchTrace(clock: clock, since: started) : nil)
    }

    /// Queries that clients bring, not stored points, are what the collection measures itself with.
    private func offerToSample(_ query: SearchQuery, _ prepared: PreparedQuery, space: Int) {
        guard query.target.points.isEmpty, query.filter == nil, !prepared.isWide else { return }
        if measurement.offer(prepared.original, space: space) { maintenance.wake() }
    }

    // MARK: What is searched, and for what

    private func spaceIndex(of query: SearchQuery) throws(DatabaseError) -> Int {
        guard let name = query.space else {
            guard config.spaces.count == 1 else {
                throw DatabaseError(
                    .invalidParams, "the collection has several vector spaces: say which one", at: "using",
                    expected: config.spaces.map(\.name).joined(separator: ", "))
            }
            return 0
        }
        guard !config.hasSingleUnnamedSpace, let index = config.spaceIndex(named: name) else {
            throw DatabaseError(
                .invalidParams, "the collection has no vector space \"\(name)\"", at: "using",
                expected: config.hasSingleUnnamedSpace
                    ? "nothing: its only space has no name"
                    : config.spaces.map(\.name).joined(separator: ", "))
        }
        return index
    }

    private func targetVector(
        of query: SearchQuery, space: Int, view: ReadView, context: OperationContext
    ) throws(DatabaseError) -> [Float] {
        let spaceConfig = config.spaces[space]
        try EmbedderCheck(embedders: options.embedders).check(query.model, space: spaceConfig)
        switch query.target {
        case .vector(let values):
            do throws(DatabaseError) {
                return try VectorCheck(space: spaceConfig, index: space).stored(values).values
            } catch {
                throw error.prefixed("vector")
            }
        case .text(let text):
            return try embed([text], space: spaceConfig, context: context)[0]
        case .point(let id):
            return try vector(of: id, space: space, view: view, at: "point_id")
        case .examples(let positive, let negative):
            return try vector(likest: positive, unlike: negative, space: space, view: view)
        }
    }

    /// The vector of a stored point.
    ///
    /// - Parameter place: where the request names it.
    func vector(
        of id: PointID, space: Int, view: ReadView, at place: @autoclosure () -> String
    ) throws(DatabaseError) -> [Float] {
        guard let location = try view.locate(id) else {
            throw DatabaseError(.notFound, "there is no point \(id)", at: place())
        }
        let stored = location.segment.space(space)
        guard stored.columns.hasVector(location.row) else {
            throw DatabaseError(.invalidParams, "point \(id) has no vector in this space", at: place())
        }
        try stored.verifyVectors(of: location.row..<(location.row + 1))
        return Array(stored.columns.vector(of: location.row))
    }

    private func embed(
        _ texts: [String], space: SpaceConfig, context: OperationContext
    ) throws(DatabaseError) -> [[Float]] {
        guard space.model != nil else {
            throw DatabaseError(
                .invalidParams, "the space has no built-in model, so it cannot be searched by text",
                at: "text",
                expected: "vector")
        }
        let embedder = try EmbedderCheck(embedders: options.embedders).embedder(for: space, at: "text")
        return try embedder.embed(texts, kind: .query, context: context).vectors
    }

    /// Vectors of the queries that are texts, embedded in one batch for each model.
    private func embedTexts(of queries: [SearchQuery], context: OperationContext) throws(DatabaseError)
        -> [[Float]?]
    {
        var result = [[Float]?](repeating: nil, count: queries.count)
        var batches: [(space: SpaceConfig, texts: [String], positions: [Int])] = []
        for (index, query) in queries.enumerated() {
            guard case .text(let text) = query.target else { continue }
            let space: SpaceConfig
            do throws(DatabaseError) {
                space = config.spaces[try spaceIndex(of: query)]
                try EmbedderCheck(embedders: options.embedders).check(query.model, space: space)
                guard space.model != nil else { _ = try embed([], space: space, context: context); continue }
            } catch {
                throw error.prefixed("searches[\(index)]")
            }
            if let place = batches.firstIndex(where: { $0.space.modelFingerprint == space.modelFingerprint })
            {
                batches[place].texts.append(text)
                batches[place].positions.append(index)
            } else {
                batches.append((space, [text], [index]))
            }
        }
        for batch in batches {
            let vectors: [[Float]]
            do throws(DatabaseError) {
                vectors = try embed(batch.texts, space: batch.space, context: context)
            } catch {
                throw error.prefixed("searches[\(batch.positions[0])]")
            }
            for (position, index) in batch.positions.enumerated() { result[index] = vectors[position] }
        }
        return result
    }
}
