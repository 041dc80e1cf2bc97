import NeedleCore
import NeedleEngine
import NeedleWire

extension Dispatcher {
    /// Reads of points. Those that have to embed a text run on the embedding threads from beginning to end,
    /// so that inference never stands in front of a search that brings its own vector.
    func read(_ task: RequestTask) {
        let call = task.request.call
        guard let name = call.collection else { return }
        let pool = call.runsModel ? embedding : search
        whenVisible(task, name, call.minimumLSN) { collection in
            if case .searchPoints(let search) = call, collection.isQuick(search.search.query) {
                // Of a filter it is a guess: see `Collection.isQuick`.
                let isGuess = search.search.query.filter != nil
                return self.runQuickly(task, on: pool, mayTakeLong: isGuess) {
                    (context) throws(DatabaseError) in
                    try self.answer(call, from: collection, context)
                }
            }
            self.run(task, on: pool) { () throws(DatabaseError) in
                try self.answer(call, from: collection, task.context)
            }
        }
    }

    private func answer(
        _ call: Call, from collection: Collection, _ context: OperationContext
    ) throws(DatabaseError) -> Reply {
        switch call {
        case .getPoints(let call):
            let found = try collection.get(call.ids, selection: call.selection, context: context)
            return .points(found.points, missing: found.missing, call.vectorEncoding)
        case .getDocument(let call):
            let points = try collection.document(
                call.documentID, selection: call.selection, context: context)
            return .document(id: call.documentID, points, call.vectorEncoding)
        case .countPoints(let call):
            return .count(try collection.count(call.filter, context: context))
        case .scrollPoints(let call):
            let request = ScrollRequest(
                filter: call.filter, order: call.order, limit: call.limit, cursor: call.cursor,
                selection: call.selection,
                maximumBytes: max(4_096, limits.lineBytes - 65_536))
            return .page(try collection.scroll(request, context: context), call.vectorEncoding)
        case .facetPoints(let call):
            return .facet(
                try collection.facet(call.path, filter: call.filter, limit: call.limit, context: context))
        case .searchPoints(let call), .recommendPoints(let call):
            return .search(
                try collection.search(call.search.query, context: context), call.search.vectorEncoding)
        case .searchGroups(let call):
            let result = try collection.searchGroups(
                call.search.query, by: call.grouping, context: context)
            return .groups(result, call.search.vectorEncoding)
        case .searchBatch(let call):
            let results = try collection.searchBatch(call.searches.map(\.query), context: context)
            return .searchBatch(results, call.searches.map(\.vectorEncoding))
        default:
            throw DatabaseError(.internal, "\(call.method.rawValue) is not a read of points")
        }
    }

    func embed(_ task: RequestTask, _ call: EmbedTexts) {
        guard let first = database.embedders.first else { return task.fail(Self.noModel(at: "texts")) }
        // What is in memory costs less than to wake a thread. (Of other models even the name may have to be waited for.)
        if call.model == nil || database.embedders.all.count == 1, call.isShort, task.sink.admitsReply,
            let batch = first.remembered(call.texts, kind: call.kind)
        {
            return task.finish(
                Result { () throws(DatabaseError) -> Reply in
                    .embedded(batch, try Self.model(of: first, named: call.model), call.vectorEncoding)
                })
        }
        run(task, on: embedding) { [database] () throws(DatabaseError) in
            let embedder = call.model.flatMap { database.embedders.named($0) } ?? first
            let model = try Self.model(of: embedder, named: call.model)
            let batch = try embedder.embed(call.texts, kind: call.kind, context: task.context)
            return .embedded(batch, model, call.vectorEncoding)
        }
    }

    private static func model(
        of embedder: any TextEmbedder, named: String?
    ) throws(DatabaseError) -> ModelDescription {
        let model = embedder.model
        if let named, named != model.name, named != model.fingerprint {
            throw DatabaseError(
                .modelMismatch, "the server has loaded another model", at: "model",
                expected: "\(model.name) (\(model.fingerprint))", got: named)
        }
        return model
    }

    static func noModel(at place: String) -> DatabaseError {
        DatabaseError(
            .invalidParams,
            "the server has no embedding model: run scripts/fetch-model on its machine and start it again, or send vectors",
            at: place)
    }
}

extension Call {
    /// Whether a text has to be embedded to answer it.
    var runsModel: Bool {
        switch self {
        case .searchPoints(let call): call.search.query.target.isText
        case .searchGroups(let call): call.search.query.target.isText
        case .searchBatch(let call): call.searches.contains { $0.query.target.isText }
        case .upsertPoints(let call): call.points.contains { $0.text != nil }
        case .embedTexts, .upsertDocuments: true
        default: false
        }
    }
}

extension EmbedTexts {
    /// Whether looking its texts up takes some microseconds only.
    fileprivate var isShort: Bool { texts.count <= 8 && texts.reduce(0) { $0 + $1.utf8.count } <= 4_096 }
}

extension SearchTarget {
    fileprivate var isText: Bool {
        if case .text = self { true } else { false }
    }
}
