// Results, method by method.

import NeedleCore

struct ReplyWriter {
    var json: JSONWriter
    let limit: Int

    init(limit: Int, capacity: Int) {
        json = JSONWriter(reservingCapacity: min(capacity, limit))
        self.limit = limit
    }

    func checkLength() throws(ReplyFault) {
        guard json.bytes.count <= limit else { throw .tooLong }
    }

    mutating func write(_ reply: Reply) throws(ReplyFault) {
        json.beginObject()
        switch reply {
        case .pong(let nowMS):
            json.key("now_ms")
            json.write(nowMS)
        case .info(let info): json.writeMembers(of: info)
        case .health(let report): json.writeMembers(of: report)
        case .cancelled(let done):
            json.key("cancelled")
            json.write(done)
        case .login(let grant): json.writeMembers(of: grant)
        case .collectionCreated(let name, let lsn):
            json.string("name", name)
            json.lsn(lsn)
        case .collections(let summaries): json.writeList(summaries)
        case .collection(let description): json.writeMembers(of: description)
        case .collectionDeleted:
            json.key("deleted")
            json.write(true)
        case .collectionUpdated(let lsn, let job):
            json.lsn(lsn)
            json.key("job")
            if let job { json.write(job) } else { json.writeNull() }
        case .optimizing(let job), .reembedding(let job): json.string("job", job)
        case .indexCreated(let lsn, let job):
            json.lsn(lsn)
            json.string("job", job)
        case .indexDeleted(let lsn), .rolledBack(let lsn): json.lsn(lsn)
        case .reembeddingStatus(let status): json.writeMembers(of: status)
        case .indexes(let indexes): json.writeList(indexes)
        case .facet(let values): json.writeFacet(values)
        case .upserted(let receipt):
            json.writeHead(of: receipt)
            json.integer("created", receipt.created)
            json.integer("updated", receipt.updated)
        case .deleted(let receipt):
            json.writeHead(of: receipt)
            json.integer("deleted", receipt.deleted)
        case .changed(let receipt):
            json.writeHead(of: receipt)
            json.integer("changed", receipt.updated)
        case .count(let count): json.integer("count", count)
        case .points(let points, let missing, let encoding): try writePoints(points, missing, encoding)
        case .page(let page, let encoding): try writePage(page, encoding)
        case .search(let result, let encoding): try writeMembers(of: result, encoding)
        case .groups(let result, let encoding): try writeMembers(of: result, encoding)
        case .searchBatch(let results, let encodings): try writeBatch(results, encodings)
        case .embedded(let batch, let model, let encoding): try writeEmbedding(batch, model, encoding)
        case .documentsUpserted(let receipt):
            json.writeHead(of: receipt)
            json.integer("chunks", receipt.created + receipt.updated)
            json.integer("embedded", receipt.created)
            json.integer("unchanged", receipt.updated)
            json.integer("deleted", receipt.deleted)
        case .document(let id, let points, let encoding):
            json.string("document_id", id)
            json.key("points")
            try writeRecords(points, encoding)
        case .snapshotCreated(let snapshot): json.writeCreated(snapshot)
        case .snapshots(let snapshots): json.writeList(snapshots)
        case .snapshotDeleted: break
        case .snapshotVerified(let verification): json.writeMembers(of: verification)
        case .snapshotRestored(let restored):
            json.string("collection", restored.collection)
            json.integer("points", restored.points)
            json.lsn(restored.lsn)
        case .jobs(let jobs): json.writeList(jobs)
        case .aliasesChanged: break
        case .aliases(let aliases): json.writeMembers(of: aliases)
        case .snapshotPiece(let piece): json.writeMembers(of: piece)
        case .importBegun(let id): json.string("import", id)
        case .importStatus(let status): json.writeMembers(of: status)
        case .snapshotImported(let snapshot): json.writeMembers(of: snapshot)
        case .importAborted: break
        }
        json.endObject()
    }

    private mutating func writePoints(
        _ points: [PointRecord], _ missing: [PointID], _ encoding: VectorEncoding
    ) throws(ReplyFault) {
        json.key("points")
        try writeRecords(points, encoding)
        json.key("missing")
        json.array(missing) { $0.write($1) }
    }

    private mutating func writePage(_ page: ScrollPage, _ encoding: VectorEncoding) throws(ReplyFault) {
        json.key("points")
        try writeRecords(page.points, encoding)
        json.key("cursor")
        if let cursor = page.cursor { json.write(cursor) } else { json.writeNull() }
        json.lsn(page.lsn)
    }

    private mutating func writeRecords(_ records: [PointRecord], _ encoding: VectorEncoding)
        throws(ReplyFault)
    {
        json.beginArray()
        for record in records {
            json.write(record, score: nil, encoding)
            try checkLength()
        }
        json.endArray()
    }

    private mutating func writeMembers(of result: SearchResult, _ encoding: VectorEncoding) throws(ReplyFault)
    {
        json.key("points")
        try writeHits(result.hits, encoding)
        json.key("complete")
        json.write(result.complete)
        json.string("strategy", result.strategy.rawValue)
        json.integer("took_us", result.tookMicroseconds)
        json.lsn(result.lsn)
        json.writeExplanation(result.explanation)
    }

    private mutating func writeHits(_ hits: [SearchHit], _ encoding: VectorEncoding) throws(ReplyFault) {
        json.beginArray()
        for hit in hits {
            guard hit.score.isFinite else { throw .scoreNotFinite }
            json.write(hit.record, score: hit.score, encoding)
            try checkLength()
        }
        json.endArray()
    }

    private mutating func writeMembers(
        of result: GroupedResult, _ encoding: VectorEncoding
    ) throws(ReplyFault) {
        json.key("groups")
        json.beginArray()
        for group in result.groups {
            json.beginObject()
            json.key("value")
            json.write(group.value)
            json.key("points")
            try writeHits(group.hits, encoding)
            json.endObject()
        }
        json.endArray()
        json.key("complete")
        json.write(result.complete)
        json.string("strategy", result.strategy.rawValue)
        json.integer("took_us", result.tookMicroseconds)
        json.lsn(result.lsn)
        json.writeExplanation(result.explanation)
    }

    private mutating func writeBatch(
        _ results: [SearchResult], _ encodings: [VectorEncoding]
    ) throws(ReplyFault) {
        precondition(results.count == encodings.count, "one encoding per result")
        json.key("results")
        json.beginArray()
        for (result, encoding) in zip(results, encodings) {
            json.beginObject()
            try writeMembers(of: result, encoding)
            json.endObject()
        }
        json.endArray()
    }

    private mutating func writeEmbedding(
        _ batch: EmbeddingBatch, _ model: ModelDescription, _ encoding: VectorEncoding
    ) throws(ReplyFault) {
        json.key("vectors")
        json.beginArray()
        for vector in batch.vectors {
            json.write(vector, as: encoding)
            try checkLength()
        }
        json.endArray()
        json.key("model")
        json.write(model)
        json.integer("tokens", batch.tokens)
        json.integer("truncated", batch.truncated)
    }
}

extension JSONWriter {
    fileprivate mutating func writeMembers(of piece: SnapshotPiece) {
        key("data")
        writeBase64(bytes: piece.bytes.span.bytes)
        key("next")
        if let next = piece.next { write(next) } else { writeNull() }
        integer("total", piece.total)
        string("sha256", piece.sha256)
    }

    fileprivate mutating func writeMembers(of status: ImportStatus) {
        integer("received", status.received)
        integer("done", status.done)
        key("total")
        if let total = status.total { write(total) } else { writeNull() }
    }

    fileprivate mutating func writeExplanation(_ explanation: JSONValue?) {
        guard let explanation else { return }
        key("explain")
        explanation.write(to: &self)
    }

    fileprivate mutating func writeHead(of receipt: WriteReceipt) {
        lsn(receipt.lsn)
        string("durable", receipt.durability.rawValue)
    }

    /// A point of an answer: only what was asked for.
    fileprivate mutating func write(_ record: PointRecord, score: Double?, _ encoding: VectorEncoding) {
        beginObject()
        key("id")
        write(record.id)
        key("version")
        write(record.version)
        if let score {
            key("score")
            writeScore(score)
        }
        if let expiresAt = record.expiresAt {
            key("expires_at")
            write(expiresAt)
        }
        if let payload = record.payload {
            key("payload")
            writeRaw(payload.json)
        }
        if let vectors = record.vectors { write(vectors, encoding) }
        endObject()
    }

    private mutating func write(_ vectors: [NamedVector], _ encoding: VectorEncoding) {
        if vectors.count == 1, vectors[0].space == CollectionConfig.defaultSpaceName {
            key("vector")
            write(vectors[0].vector, as: encoding)
            return
        }
        key("vectors")
        beginObject()
        for vector in vectors {
            key(string: vector.space)
            write(vector.vector, as: encoding)
        }
        endObject()
    }
}
