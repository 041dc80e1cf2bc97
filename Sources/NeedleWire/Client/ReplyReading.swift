// Results of the hot methods, read straight into values; the cold ones go through a JSON tree
// (ReplyReading+Server).

import NeedleCore

/// The members of a result that any method may have, as they come.
private struct ResultMembers {
    var lsn: LSN?
    var points: [(record: PointRecord, score: Double?)]?
    var missing: [PointID] = []
    var cursor: String?
    var complete = true
    var strategy = SearchStrategy.exact
    var tookMicroseconds = 0
    var explanation: JSONValue?
    var encoding = VectorEncoding.array
    var results: [ResultMembers]?
    var groups: [(value: MatchValue, points: [(record: PointRecord, score: Double?)])]?
    var vectors: [[Float]]?
    var model: ModelDescription?
    var tokens = 0
    var truncated = 0
    var documentID: String?
}

extension JSONReader {
    mutating func reply(to method: Method) throws -> Reply {
        switch method {
        case .getPoints:
            let start = offset
            let result = try resultMembers()
            return .points(
                try records(result, at: start), missing: result.missing, result.encoding)
        case .scrollPoints:
            let start = offset
            let result = try resultMembers()
            // The protocol does not promise a page's lsn.
            let page = ScrollPage(
                points: try records(result, at: start), cursor: result.cursor, lsn: result.lsn ?? .zero)
            return .page(page, result.encoding)
        case .searchPoints, .recommendPoints:
            let start = offset
            let result = try resultMembers()
            return .search(try searchResult(result, at: start), result.encoding)
        case .searchGroups:
            let start = offset
            let result = try resultMembers()
            return .groups(try groupedResult(result, at: start), result.encoding)
        case .searchBatch:
            let start = offset
            guard let members = try resultMembers().results else {
                throw JSONError(.missingKey("results"), at: start)
            }
            return .searchBatch(try members.map { try searchResult($0, at: start) }, members.map(\.encoding))
        case .embedTexts:
            let start = offset
            let result = try resultMembers()
            guard let model = result.model else { throw JSONError(.missingKey("model"), at: start) }
            guard let vectors = result.vectors else { throw JSONError(.missingKey("vectors"), at: start) }
            let batch = EmbeddingBatch(vectors: vectors, tokens: result.tokens, truncated: result.truncated)
            return .embedded(batch, model, result.encoding)
        case .getDocument:
            let start = offset
            let result = try resultMembers()
            guard let id = result.documentID else { throw JSONError(.missingKey("document_id"), at: start) }
            return .document(id: id, try records(result, at: start), result.encoding)
        case .readSnapshot: return .snapshotPiece(try snapshotPiece())
        default: return try coldReply(to: method)
        }
    }

    private mutating func snapshotPiece() throws -> SnapshotPiece {
        let start = offset
        var piece = SnapshotPiece(bytes: [], next: nil, total: 0, sha256: "")
        var data: [UInt8]?
        var members = try beginObject()
        while let key = try nextKey(&members) {
            switch key {
            case "data": data = try readBase64Bytes()
            case "next": piece.next = try optional { try $0.readInt(in: 0...Int.max) }
            case "total": piece.total = try readInt(in: 0...Int.max)
            case "sha256": piece.sha256 = try readString()
            default: try skipValue()
            }
        }
        guard let data else { throw JSONError(.missingKey("data"), at: start) }
        piece.bytes = data
        return piece
    }

    private func records(_ result: ResultMembers, at start: Int) throws -> [PointRecord] {
        guard let points = result.points else { throw JSONError(.missingKey("points"), at: start) }
        return points.map(\.record)
    }

    private func searchResult(_ result: ResultMembers, at start: Int) throws -> SearchResult {
        guard let lsn = result.lsn else { throw JSONError(.missingKey("lsn"), at: start) }
        guard let points = result.points else { throw JSONError(.missingKey("points"), at: start) }
        let hits = try hits(points, at: start)
        var found = SearchResult(
            hits: hits, complete: result.complete, strategy: result.strategy,
            tookMicroseconds: result.tookMicroseconds, lsn: lsn)
        found.explanation = result.explanation
        return found
    }

    private func hits(
        _ points: [(record: PointRecord, score: Double?)], at start: Int
    ) throws -> [SearchHit] {
        try points.map { point in
            guard let score = point.score else { throw JSONError(.missingKey("score"), at: start) }
            return SearchHit(record: point.record, score: score)
        }
    }

    private func groupedResult(_ result: ResultMembers, at start: Int) throws -> GroupedResult {
        guard let lsn = result.lsn else { throw JSONError(.missingKey("lsn"), at: start) }
        guard let groups = result.groups else { throw JSONError(.missingKey("groups"), at: start) }
        var found = GroupedResult(
            groups: try groups.map { PointGroup(value: $0.value, hits: try hits($0.points, at: start)) },
            complete: result.complete, strategy: result.strategy,
            tookMicroseconds: result.tookMicroseconds, lsn: lsn)
        found.explanation = result.explanation
        return found
    }

    private mutating func group(
        _ encoding: inout VectorEncoding
    ) throws -> (value: MatchValue, points: [(record: PointRecord, score: Double?)]) {
        _ = try peekKind()
        let start = offset
        var value: MatchValue?
        var points: [(record: PointRecord, score: Double?)] = []
        var members = try beginObject()
        while let key = try nextKey(&members) {
            switch key {
            case "value": value = try scalar()
            case "points": points = try list(of: "points", limit: .max) { try $0.point(&encoding) }
            default: try skipValue()
            }
        }
        guard let value else { throw JSONError(.missingKey("value"), at: start) }
        return (value, points)
    }

    private mutating func scalar() throws -> MatchValue {
        switch try peekKind() {
        case .bool: return .bool(try readBool())
        case .string: return .string(try readBytes())
        default:
            switch try readNumber() {
            case .signed(let value): return .number(ExactNumber(value))
            case .unsigned(let value): return .number(ExactNumber(value))
            case .double(let value): return .number(ExactNumber(value))
            }
        }
    }

    private mutating func resultMembers() throws -> ResultMembers {
        var result = ResultMembers()
        var members = try beginObject()
        while let key = try nextKey(&members) {
            switch key {
            case "lsn": result.lsn = LSN(try readUInt64())
            case "points":
                let (points, encoding) = try points()
                result.points = points
                result.encoding = encoding
            case "missing": result.missing = try list(of: "ids", limit: .max) { try $0.pointID() }
            case "cursor": result.cursor = try optionalString()
            case "complete": result.complete = try readBool()
            case "strategy": result.strategy = try choice(among: Self.strategies)
            case "took_us": result.tookMicroseconds = try readInt(in: 0...Int.max)
            case "explain": result.explanation = try JSONValue(reading: &self)
            case "groups":
                var encoding = result.encoding
                result.groups = try list(of: "groups", limit: .max) { try $0.group(&encoding) }
                result.encoding = encoding
            case "results": result.results = try list(of: "results", limit: .max) { try $0.resultMembers() }
            case "vectors":
                result.vectors = try list(of: "vectors", limit: .max) { reader in
                    if try reader.peekKind() == .string { result.encoding = .base64 }
                    return try reader.anyVector()
                }
            case "model": result.model = try optional { ModelDescription(try JSONValue(reading: &$0)) } ?? nil
            case "tokens": result.tokens = try readInt(in: 0...Int.max)
            case "truncated": result.truncated = try readInt(in: 0...Int.max)
            case "document_id": result.documentID = try readString()
            default: try skipValue()
            }
        }
        return result
    }

    private static var strategies: [(name: String, value: SearchStrategy)] {
        [SearchStrategy.graph, .exact, .filteredGraph, .mixed].map { ($0.rawValue, $0) }
    }

    /// Points, and how their vectors are written.
    private mutating func points() throws -> ([(record: PointRecord, score: Double?)], VectorEncoding) {
        var encoding = VectorEncoding.array
        let points = try list(of: "points", limit: .max) { try $0.point(&encoding) }
        return (points, encoding)
    }

    private mutating func point(_ encoding: inout VectorEncoding) throws -> (
        record: PointRecord, score: Double?
    ) {
        _ = try peekKind()
        let start = offset
        var id: PointID?
        var score: Double?
        var point = PointRecord(id: .integer(0), version: .zero, expiresAt: nil, payload: nil, vectors: nil)
        var members = try beginObject()
        while let key = try nextKey(&members) {
            switch key {
            case "id": id = try pointID()
            case "version": point.version = LSN(try readUInt64())
            case "score": score = try readDouble()
            case "expires_at": point.expiresAt = try optional { try $0.readInt64() }
            case "payload":
                var text: [UInt8] = []
                try compactObject(into: &text)
                point.payload = Payload(compactJSON: text)
            case "vector":
                if try peekKind() == .string { encoding = .base64 }
                point.vectors = [
                    NamedVector(space: CollectionConfig.defaultSpaceName, vector: try anyVector())
                ]
            case "vectors":
                var vectors: [NamedVector] = []
                var spaces = try beginObject()
                while let space = try nextKey(&spaces) {
                    if try peekKind() == .string { encoding = .base64 }
                    vectors.append(NamedVector(space: space.string, vector: try anyVector()))
                }
                point.vectors = vectors
            default: try skipValue()
            }
        }
        guard let id else { throw JSONError(.missingKey("id"), at: start) }
        point.id = id
        return (point, score)
    }

    private mutating func anyVector() throws -> [Float] {
        var vector: [Float] = []
        try readVector(into: &vector, limit: 1 << 20)
        return vector
    }
}
