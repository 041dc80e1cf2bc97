// Makes points of a collection's shadow like those of the collection, but for the vectors of one space, which another
// model makes of the points' texts.
//
// A copy is of what the collection shows at that moment, so copying a point once more is always right; a point that is
// the same on both sides already is left alone and embedded by nobody.

import NeedleCore

struct ShadowCopy {
    let source: Collection
    let shadow: Collection
    /// The space that is embedded anew.
    let space: Int
    let context: OperationContext

    /// Texts that are embedded at a time; a question that arrives then waits for no more than these.
    private static let turn = 4

    /// What one point needs.
    private enum Step {
        case nothing
        case delete
        /// Its vector of the space comes from the text; without a text it keeps what it has there.
        case write(StoredPoint, text: String?)
    }

    /// - Returns: how many texts were embedded.
    /// - Throws: with none of the points copied, or some of them.
    func copy(_ ids: [PointID]) throws(DatabaseError) -> Int {
        let (from, to) = (source.view(), shadow.view())
        var points: [StoredPoint] = []
        var texts: [(point: Int, text: String)] = []
        var gone: [PointID] = []
        for id in ids {
            switch try step(id, from, to) {
            case .nothing: continue
            case .delete: gone.append(id)
            case .write(let point, let text):
                if let text { texts.append((points.count, text)) }
                points.append(point)
            }
        }
        try embed(texts, into: &points)
        try write(points, deleting: gone)
        return texts.count
    }

    private func step(_ id: PointID, _ from: ReadView, _ to: ReadView) throws(DatabaseError) -> Step {
        let twin = try to.locateIgnoringExpiry(id)
        guard let location = try from.locate(id) else { return twin == nil ? .nothing : .delete }
        let (segment, row) = (location.segment, location.row)
        let stored = Array(try segment.payload(of: row, at: from.lsn))
        let (payload, text) = try translated(stored)
        var point = StoredPoint(
            id: id, expiresAt: segment.columns.expiry(of: row), payload: payload, vectors: [])
        for index in source.config.spaces.indices where index != space {
            if let vector = try vector(of: location, in: source, space: index) {
                point.vectors.append(vector)
            }
        }
        // A vector that a client brought, and that no text can give back.
        if text == nil, let twin, let vector = try vector(of: twin, in: shadow, space: space) {
            point.vectors.append(vector)
            point.vectors.sort { $0.space < $1.space }
        }
        if let twin, try isSame(point, hasText: text != nil, as: twin, at: to.lsn) { return .nothing }
        return .write(point, text: text)
    }

    /// A payload as the other model's collection has it, and what is embedded, if there is a text. A chunk's text is embedded under
    /// its headings, and its content hash names the model, so that the same document written again embeds nothing. (Where the
    /// headings are too long for a model, the chunk is embedded once more.)
    private func translated(_ payload: [UInt8]) throws(DatabaseError) -> (payload: [UInt8], text: String?) {
        guard let text = try PayloadText.text(source.config.textKey, of: payload) else {
            return (payload, nil)
        }
        guard let fields = try? ChunkFields(payload.span), fields.document != nil,
            let hash = fields.contentHash, let model = shadow.config.spaces[space].modelFingerprint
        else { return (payload, text) }
        let passage = TextChunk.title(of: fields.headings) + text
        let renamed = ChunkPayload.contentHash(of: passage, fingerprint: model)
        return (ChunkPayload.replacing(hash, with: renamed, in: payload), passage)
    }

    private func vector(
        of location: ReadView.Location, in collection: Collection, space index: Int
    ) throws(DatabaseError) -> StoredVector? {
        try location.segment.storedVector(of: location.row, space: index, collection.config.spaces[index])
    }

    private func isSame(
        _ point: StoredPoint, hasText: Bool, as twin: ReadView.Location, at lsn: LSN
    ) throws(DatabaseError) -> Bool {
        guard twin.segment.columns.expiry(of: twin.row) == point.expiresAt,
            try twin.segment.payload(of: twin.row, at: lsn).elementsEqual(point.payload),
            !hasText || twin.segment.space(space).columns.hasVector(twin.row)
        else { return false }
        for index in source.config.spaces.indices where index != space {
            let own = point.vectors.first { $0.space == index }?.values
            let other = try vector(of: twin, in: shadow, space: index)?.values
            // Bit by bit: the same numbers, and nothing that is unequal to itself.
            guard own?.map(\.bitPattern) == other?.map(\.bitPattern) else { return false }
        }
        return true
    }

    private func embed(
        _ texts: [(point: Int, text: String)], into points: inout [StoredPoint]
    ) throws(DatabaseError) {
        guard !texts.isEmpty else { return }
        let config = shadow.config.spaces[space]
        let embedder = try EmbedderCheck(embedders: shadow.options.embedders).embedder(
            for: config, at: "model")
        let check = VectorCheck(space: config, index: space)
        for start in stride(from: 0, to: texts.count, by: Self.turn) {
            let part = texts[start..<min(texts.count, start + Self.turn)]
            let batch = try embedder.embed(part.map(\.text), kind: .passage, context: context)
            for (item, values) in zip(part, batch.vectors) {
                points[item.point].vectors.append(try check.stored(values))
                points[item.point].vectors.sort { $0.space < $1.space }
            }
        }
    }

    private func write(_ points: [StoredPoint], deleting gone: [PointID]) throws(DatabaseError) {
        var writes: [PreparedWrite] = []
        if !points.isEmpty {
            writes.append(
                PreparedWrite(operation: .upsert(points, conditions: []), opKey: nil, context: context))
        }
        if !gone.isEmpty {
            writes.append(PreparedWrite(operation: .delete(.ids(gone)), opKey: nil, context: context))
        }
        for result in shadow.commit(writes, following: true) { _ = try result.get() }
    }
}
