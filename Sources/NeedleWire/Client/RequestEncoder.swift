// Requests as JSON text: the client's side of the codec.

import NeedleCore

/// Writes requests. A value without state: use one from any number of threads.
///
/// Default values are left out; what is written decodes to an equal request.
package struct RequestEncoder: Sendable {
    /// How vectors are sent. Base64 is exact, about half the size and three times as fast to read.
    package var vectorEncoding: VectorEncoding

    package init(vectorEncoding: VectorEncoding = .base64) {
        self.vectorEncoding = vectorEncoding
    }

    /// One request object, without newline.
    ///
    /// - Precondition: the request is within the bounds that its types state.
    package func encode(_ request: Request) -> [UInt8] {
        var json = JSONWriter(reservingCapacity: 256)
        write(request, to: &json)
        return json.take()
    }

    /// One array of requests, without newline.
    package func encode(batch requests: [Request]) -> [UInt8] {
        var json = JSONWriter(reservingCapacity: 256 * requests.count)
        json.array(requests) { write($1, to: &$0) }
        return json.take()
    }

    private func write(_ request: Request, to json: inout JSONWriter) {
        json.beginMessage()
        if let id = request.id {
            json.key("id")
            json.write(id)
        }
        json.string("method", request.call.method.rawValue)
        json.object("params") { json in
            write(request.call, to: &json)
            if let deadlineMS = request.deadlineMS {
                json.key("deadline_ms")
                json.write(deadlineMS)
            }
        }
        json.endObject()
    }

    private func write(_ call: Call, to json: inout JSONWriter) {
        switch call {
        case .ping, .info, .health, .listCollections, .listJobs, .listAliases, .beginImport: break
        case .cancel(let id):
            json.key("id")
            json.write(id)
        case .login(let apiKey): json.string("api_key", apiKey)
        case .createCollection(let create): json.writeMembers(of: create)
        case .getCollection(let get):
            json.writeRead(get.collection, get.minimumLSN)
            if get.quality { json.flag("quality") }
        case .deleteCollection(let delete): json.string("collection", delete.collection)
        case .updateCollection(let update):
            json.string("collection", update.collection)
            if update.acceptsQuality { json.string("quality_baseline", "now") }
        case .optimizeCollection(let optimize):
            json.string("collection", optimize.collection)
            if optimize.wait { json.flag("wait") }
        case .createIndex(let create):
            json.string("collection", create.collection)
            json.writeMembers(of: create.definition)
        case .deleteIndex(let delete):
            json.string("collection", delete.collection)
            json.string("key", delete.path.text)
        case .listIndexes(let list): json.writeRead(list.collection, list.minimumLSN)
        case .upsertPoints(let upsert): write(upsert, to: &json)
        case .getPoints(let get):
            json.writeRead(get.collection, get.minimumLSN)
            json.key("ids")
            json.array(get.ids) { $0.write($1) }
            json.writeSelection(get.selection, get.vectorEncoding)
        case .deletePoints(let delete): write(delete, to: &json)
        case .changePayload(let change): write(change, to: &json)
        case .setVectors(let call):
            json.string("collection", call.collection)
            json.writeWrite(model: call.model, opKey: call.opKey)
            json.key("points")
            json.array(call.points) { json, point in
                json.beginObject()
                json.key("id")
                json.write(point.id)
                write(point.vectors, to: &json)
                json.endObject()
            }
        case .countPoints(let count):
            json.writeRead(count.collection, count.minimumLSN)
            json.writeFilter(count.filter)
        case .scrollPoints(let scroll): write(scroll, to: &json)
        case .facetPoints(let facet):
            json.writeRead(facet.collection, facet.minimumLSN)
            json.string("key", facet.path.text)
            json.writeFilter(facet.filter)
            json.integer("limit", facet.limit)
        case .searchPoints(let search), .recommendPoints(let search):
            json.writeRead(search.collection, search.minimumLSN)
            write(search.search, to: &json)
        case .searchGroups(let groups):
            json.writeRead(groups.collection, groups.minimumLSN)
            json.string("group_by", groups.grouping.path.text)
            json.integer("group_size", groups.grouping.size)
            write(groups.search, to: &json)
        case .searchBatch(let batch):
            json.writeRead(batch.collection, batch.minimumLSN)
            json.key("searches")
            json.array(batch.searches) { json, search in json.object { write(search, to: &$0) } }
        case .embedTexts(let embed): write(embed, to: &json)
        case .upsertDocuments(let upsert): json.writeMembers(of: upsert)
        case .getDocument(let get):
            json.writeRead(get.collection, get.minimumLSN)
            json.string("document_id", get.documentID)
            json.writeSelection(get.selection, get.vectorEncoding)
        case .deleteDocuments(let delete):
            json.string("collection", delete.collection)
            json.writeWrite(model: delete.model, opKey: delete.opKey)
            json.key("document_ids")
            json.array(delete.documentIDs) { $0.write($1) }
        case .createSnapshot(let create): json.string("collection", create.collection)
        case .listSnapshots(let list):
            if let collection = list.collection { json.string("collection", collection) }
        case .startReembedding(let start):
            json.string("collection", start.collection)
            if let space = start.space { json.string("using", space) }
            json.string("model", start.model)
        case .reembeddingStatus(let name), .rollBack(let name): json.string("collection", name)
        case .cutOver(let cutOver):
            json.string("collection", cutOver.collection)
            if cutOver.force {
                json.key("force")
                json.write(true)
            }
        case .deleteSnapshot(let name), .verifySnapshot(let name): json.string("snapshot", name)
        case .restoreSnapshot(let restore): write(restore, to: &json)
        case .getJob(let id), .cancelJob(let id): json.string("job", id)
        case .setAliases(let aliases): json.writeMembers(of: aliases)
        case .deleteAliases(let names):
            json.key("aliases")
            json.array(names) { $0.write($1) }
        case .readSnapshot(let read):
            json.string("snapshot", read.snapshot)
            if read.position != 0 { json.integer("position", read.position) }
            if let bytes = read.bytes { json.integer("bytes", bytes) }
        case .writeImport(let write):
            json.string("import", write.importID)
            json.integer("offset", write.offset)
            json.key("data")
            json.writeBase64(bytes: write.data.span.bytes)
        case .commitImport(let commit):
            json.string("import", commit.importID)
            if let name = commit.name { json.string("as", name) }
        case .abortImport(let id): json.string("import", id)
        }
    }

    private func write(_ restore: RestoreSnapshot, to json: inout JSONWriter) {
        json.string("snapshot", restore.snapshot)
        json.string("as", restore.name)
        switch restore.point {
        case .snapshot: break
        case .lsn(let lsn):
            json.key("to_lsn")
            json.write(lsn)
        case .time(let time):
            json.key("to_time")
            json.write(time)
        }
    }

    private func write(_ upsert: UpsertPoints, to json: inout JSONWriter) {
        json.string("collection", upsert.collection)
        if upsert.ifAbsent { json.flag("if_absent") }
        json.writeWrite(model: upsert.model, opKey: upsert.opKey)
        json.key("points")
        json.array(upsert.points) { json, point in json.object { write(point, to: &$0) } }
    }

    private func write(_ point: PointWrite, to json: inout JSONWriter) {
        json.key("id")
        json.write(point.id)
        write(point.vectors, to: &json)
        if let text = point.text { json.string("text", text) }
        if !point.payload.isEmpty {
            json.key("payload")
            json.writeRaw(point.payload.json)
        }
        if let version = point.ifVersion {
            json.key("if_version")
            json.write(version)
        }
        if let expiresAt = point.expiresAt {
            json.key("expires_at")
            json.write(expiresAt)
        }
    }

    private func write(_ vectors: VectorInput, to json: inout JSONWriter) {
        switch vectors {
        case .absent: break
        case .single(let vector):
            json.key("vector")
            json.write(vector, as: vectorEncoding)
        case .named(let vectors):
            json.object("vectors") { json in
                for vector in vectors {
                    json.key(string: vector.space)
                    json.write(vector.vector, as: vectorEncoding)
                }
            }
        }
    }

    private func write(_ delete: DeletePoints, to json: inout JSONWriter) {
        json.string("collection", delete.collection)
        json.writeWrite(model: delete.model, opKey: delete.opKey)
        write(delete.choice, to: &json)
    }

    private func write(_ call: ChangePayload, to json: inout JSONWriter) {
        json.string("collection", call.collection)
        json.writeWrite(model: call.model, opKey: call.opKey)
        write(call.choice, to: &json)
        switch call.change {
        case .set(let payload), .replace(let payload):
            json.key("payload")
            json.writeRaw(payload.json)
        case .deleteKeys(let keys):
            json.key("keys")
            json.array(keys) { $0.write($1) }
        }
    }

    private func write(_ choice: PointChoice, to json: inout JSONWriter) {
        switch choice {
        case .all: json.flag("all")
        case .filter(let filter): json.writeFilter(filter)
        case .ids(let ids):
            json.key("ids")
            json.array(ids) { $0.write($1) }
        }
    }

    private func write(_ scroll: ScrollPoints, to json: inout JSONWriter) {
        json.writeRead(scroll.collection, scroll.minimumLSN)
        json.writeFilter(scroll.filter)
        if let order = scroll.order {
            json.object("order_by") { json in
                json.string("key", order.path.text)
                json.string("direction", order.isDescending ? "desc" : "asc")
            }
        }
        json.integer("limit", scroll.limit)
        if let cursor = scroll.cursor { json.string("cursor", cursor) }
        json.writeSelection(scroll.selection, scroll.vectorEncoding)
    }

    private func write(_ search: Search, to json: inout JSONWriter) {
        let query = search.query
        switch query.target {
        case .vector(let vector):
            json.key("vector")
            json.write(vector, as: vectorEncoding)
        case .text(let text): if query.hybrid == nil { json.string("text", text) }
        case .point(let id):
            json.key("point_id")
            json.write(id)
        case .examples(let positive, let negative):
            json.key("positive")
            json.array(positive) { $0.write($1) }
            if negative.isEmpty { break }
            json.key("negative")
            json.array(negative) { $0.write($1) }
        }
        if let hybrid = query.hybrid { json.writeMembers(of: hybrid) }
        if let diversity = query.diversity { json.write(diversity) }
        if let space = query.space { json.string("using", space) }
        json.integer("limit", query.limit)
        if query.offset != 0 { json.integer("offset", query.offset) }
        if let threshold = query.scoreThreshold {
            json.key("score_threshold")
            json.write(threshold)
        }
        json.writeFilter(query.filter)
        json.writeParams(of: search)
        json.writeSelection(query.selection, search.vectorEncoding)
        if query.explains { json.flag("explain") }
        if let model = query.model { json.string("model", model) }
    }

    private func write(_ embed: EmbedTexts, to json: inout JSONWriter) {
        json.key("texts")
        json.array(embed.texts) { $0.write($1) }
        if let model = embed.model { json.string("model", model) }
        if embed.kind != .passage { json.string("kind", embed.kind.rawValue) }
        if embed.vectorEncoding != .array { json.string("vector_encoding", embed.vectorEncoding.rawValue) }
    }
}

extension JSONWriter {
    fileprivate mutating func flag(_ name: StaticString) {
        key(name)
        write(true)
    }

    fileprivate mutating func writeRead(_ collection: String, _ minimumLSN: LSN?) {
        string("collection", collection)
        guard let minimumLSN else { return }
        key("min_lsn")
        write(minimumLSN)
    }

    fileprivate mutating func writeWrite(model: String?, opKey: String?) {
        if let model { string("model", model) }
        if let opKey { string("op_key", opKey) }
    }

    fileprivate mutating func writeMembers(of upsert: UpsertDocuments) {
        string("collection", upsert.collection)
        writeWrite(model: upsert.model, opKey: upsert.opKey)
        if upsert.sizes != ChunkSizes() {
            object("chunk") { json in
                if let maximum = upsert.sizes.maximum { json.integer("max_tokens", maximum) }
                if let overlap = upsert.sizes.overlap { json.integer("overlap_tokens", overlap) }
            }
        }
        key("documents")
        array(upsert.documents) { json, document in
            json.object { json in
                json.string("document_id", document.id)
                json.string("text", document.text)
                if document.format != .plain { json.string("format", document.format.rawValue) }
                guard !document.payload.isEmpty else { return }
                json.key("payload")
                json.writeRaw(document.payload.json)
            }
        }
    }

    fileprivate mutating func writeFilter(_ filter: Filter?) {
        guard let filter else { return }
        key("filter")
        write(filter)
    }

    fileprivate mutating func writeSelection(_ selection: PointSelection, _ encoding: VectorEncoding) {
        switch selection.payload {
        case .all: break
        case .none:
            key("with_payload")
            write(false)
        case .keys(let keys):
            key("with_payload")
            array(keys) { $0.write($1) }
        }
        if selection.withVector { flag("with_vector") }
        if encoding != .array { string("vector_encoding", encoding.rawValue) }
    }

    fileprivate mutating func writeMembers(of hybrid: HybridSearch) {
        string("text", hybrid.text)
        object("fusion") { json in
            switch hybrid.fusion {
            case .reciprocal(let k):
                json.string("method", "rrf")
                json.integer("k", k)
            case .weighted(let vector, let text):
                json.string("method", "weighted")
                json.key("vector")
                json.write(vector)
                json.key("text")
                json.write(text)
            }
        }
        guard let keys = hybrid.keys else { return }
        key("keys")
        array(keys) { $0.write($1.text) }
    }

    fileprivate mutating func write(_ diversity: Diversity) {
        object("mmr") { json in
            json.key("lambda")
            json.write(diversity.lambda)
            json.integer("candidates", diversity.candidates)
        }
    }

    fileprivate mutating func writeParams(of search: Search) {
        guard search.query.effort != .standard || !search.query.rescores || search.query.oversampling != nil
        else {
            return
        }
        object("params") { json in
            switch search.query.effort {
            case .standard: break
            case .ef(let width): json.integer("ef", width)
            case .exact: json.flag("exact")
            case .recall(let recall):
                json.key("recall")
                json.write(recall)
            }
            if !search.query.rescores {
                json.key("rescore")
                json.write(false)
            }
            if let oversampling = search.query.oversampling {
                json.key("oversampling")
                json.write(oversampling)
            }
        }
    }

    fileprivate mutating func writeMembers(of create: CreateCollection) {
        string("name", create.name)
        key("vectors")
        if create.spaces.count == 1, create.spaces[0].name == CollectionConfig.defaultSpaceName {
            write(create.spaces[0])
        } else {
            object { json in
                for space in create.spaces {
                    json.key(string: space.name)
                    json.write(space)
                }
            }
        }
        string("durability", create.durability.rawValue)
        string("text_key", create.textKey)
    }

    private mutating func write(_ space: SpaceDefinition) {
        object { json in
            if let size = space.size { json.integer("size", size) }
            if let model = space.model { json.string("model", model) }
            json.writeTraits(metric: space.metric, quantization: space.quantization, hnsw: space.hnsw)
        }
    }
}
