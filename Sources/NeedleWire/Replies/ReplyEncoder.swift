// Replies as JSON text, written straight from the values.
//
// Invariant: what comes out is never longer than `line_bytes`, and while it is being written it never grows
// beyond that by more than one point.

package import NeedleCore

/// Writes replies. A value without state: use one from any number of threads.
package struct ReplyEncoder: Sendable {
    package let limits: Limits

    package init(limits: Limits) {
        self.limits = limits
    }

    /// One reply object, without newline. If it would be longer than `line_bytes` it is `limit_exceeded`
    /// instead.
    ///
    /// - Parameter id: `nil` is written as `null`.
    package func encode(_ outcome: Result<Reply, DatabaseError>, id: RequestID?) -> [UInt8] {
        var failure: ErrorKind?
        return encode(outcome, id: id, failure: &failure)
    }

    /// The same, for those who want to know what was answered.
    ///
    /// - Parameter failure: the kind of the error; untouched for a result.
    package func encode(
        _ outcome: Result<Reply, DatabaseError>, id: RequestID?, failure: inout ErrorKind?
    ) -> [UInt8] {
        switch outcome {
        case .failure(let error):
            failure = error.kind
            return encode(error, id: id)
        case .success(let reply):
            var writer = ReplyWriter(limit: limits.lineBytes, capacity: Self.capacity(for: reply))
            writer.json.beginMessage()
            writer.json.key("id")
            writer.json.write(id)
            writer.json.key("result")
            do throws(ReplyFault) {
                try writer.write(reply)
                writer.json.endObject()
                try writer.checkLength()
                return writer.json.take()
            } catch {
                let error = error.databaseError(limit: limits.lineBytes)
                failure = error.kind
                return encode(error, id: id)
            }
        }
    }

    private func encode(_ error: DatabaseError, id: RequestID?) -> [UInt8] {
        let bytes = Self.errorObject(error, id: id)
        if bytes.count <= limits.lineBytes { return bytes }
        return Self.errorObject(ReplyFault.tooLong.databaseError(limit: limits.lineBytes), id: id)
    }

    /// The answer to a batch from the answers of its members, in their order: one array, without newline.
    ///
    /// Members that no longer fit into `line_bytes` become `limit_exceeded`; the first ones are kept.
    package func encodeBatch(_ replies: [(id: RequestID?, reply: [UInt8])]) -> [UInt8] {
        let substitutes = replies.map { reply in
            Self.errorObject(ReplyFault.tooLong.databaseError(limit: limits.lineBytes), id: reply.id)
        }
        // What the members after this one need at least: a comma each, and the smaller of reply and
        // substitute.
        var later = zip(replies, substitutes).reduce(0) { $0 + 1 + min($1.0.reply.count, $1.1.count) }
        var line: [UInt8] = []
        let whole = replies.reduce(2) { $0 + 1 + $1.reply.count }
        line.reserveCapacity(min(whole, limits.lineBytes))
        line.append(UInt8(ascii: "["))
        for (index, member) in replies.enumerated() {
            later -= 1 + min(member.reply.count, substitutes[index].count)
            if index > 0 { line.append(UInt8(ascii: ",")) }
            let fits = line.count + member.reply.count + later + 1 <= limits.lineBytes
            let isSmaller = member.reply.count <= substitutes[index].count
            line.append(contentsOf: fits || isSmaller ? member.reply : substitutes[index])
        }
        line.append(UInt8(ascii: "]"))
        return line
    }

    /// `server.hello`, without newline.
    package func encode(_ greeting: Greeting) -> [UInt8] {
        var json = JSONWriter(reservingCapacity: 256)
        json.beginMessage()
        json.string("method", "server.hello")
        json.object("params") { json in
            json.string("server", "needletail")
            json.string("version", greeting.version)
            json.key("protocol")
            json.array([greeting.protocolVersions.lowerBound, greeting.protocolVersions.upperBound]) {
                $0.write($1)
            }
            json.string("auth", greeting.authentication.rawValue)
            json.object("limits") { $0.writeAnnounced(greeting.limits) }
        }
        json.endObject()
        return json.take()
    }

    /// `server.progress`, without newline.
    package func encode(_ progress: Progress) -> [UInt8] {
        var json = JSONWriter(reservingCapacity: 160)
        json.beginMessage()
        json.string("method", "server.progress")
        json.object("params") { json in
            json.key("id")
            json.write(progress.id)
            json.string("phase", progress.phase)
            json.integer("done", progress.done)
            json.integer("total", progress.total)
        }
        json.endObject()
        return json.take()
    }

    /// Enough for most replies, so that the text is rarely moved while it grows.
    private static func capacity(for reply: Reply) -> Int {
        switch reply {
        case .search(let result, _): 256 + result.hits.count * 128
        case .points(let points, _, _): 256 + points.count * 128
        case .snapshotPiece(let piece): 256 + piece.bytes.count / 3 * 4
        case .page(let page, _): 256 + page.points.count * 128
        default: 256
        }
    }
}

/// Why a reply cannot be written.
enum ReplyFault: Error {
    case tooLong
    /// The engine promised finite scores.
    case scoreNotFinite

    func databaseError(limit: Int) -> DatabaseError {
        switch self {
        case .tooLong:
            DatabaseError(
                .limitExceeded, "the reply would be longer than \(limit) bytes; ask for less at once",
                expected: "at most \(limit) bytes")
        case .scoreNotFinite:
            DatabaseError(.internal, "a score is not a finite number")
        }
    }
}
