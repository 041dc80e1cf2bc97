// Writing, reading, deleting and counting points.

import NeedleCore

/// What a write did. The counts are of distinct points.
public struct WriteResult: Hashable, Sendable {
    /// The collection's log sequence number after the write; pass it as `minimumLSN` to read your own write
    /// elsewhere.
    public var lsn: UInt64
    /// What the write has survived: `fsync` (power loss), `os` (the end of the process) or `memory`.
    public var durable: String
    /// Points that are new.
    public var created = 0
    /// Points that replaced another version.
    public var updated = 0
    /// Points that are gone.
    public var deleted = 0
    /// Points that were found and changed in part.
    public var changed = 0

    init(_ bytes: [UInt8]) throws(NeedletailError) {
        let result = try ResultObject(bytes)
        lsn = try result.lsn()
        durable = try result.string("durable")
        created = result.object["created"]?.intValue ?? 0
        updated = result.object["updated"]?.intValue ?? 0
        deleted = result.object["deleted"]?.intValue ?? 0
        changed = result.object["changed"]?.intValue ?? 0
    }
}

/// The answer to ``NeedletailClient/get(_:ids:payload:withVector:minimumLSN:timeout:)``.
public struct GetAnswer: Sendable {
    /// The points found, in the order asked for, each once.
    public var points: [StoredPoint] = []
    /// The ids that are not there.
    public var missing: [PointID] = []
}

/// Which points a deletion or a change of payloads is about.
public enum PointChoice: Sendable {
    /// The points with these ids; those that are not there are ignored.
    case ids([PointID])
    /// The points that match. A filter without any condition is refused by the server.
    case filter(Filter)
    /// Every point.
    case all
}

/// One page of a scroll.
public struct ScrollPage: Sendable {
    /// The points, by id.
    public var points: [StoredPoint] = []
    /// Gives the next page; `nil` after the last. Lives a few minutes and dies with the server.
    public var cursor: String?
}

extension NeedletailClient {
    /// Writes points, all of them or none; each replaces the whole point of its id.
    ///
    /// One request: at most as many points and bytes as the server announces (``ServerGreeting``); for more
    /// use ``importPoints(_:into:options:onProgress:)``, which cuts batches.
    ///
    /// - Parameters:
    ///   - ifAbsent: refuse (`conflict`) unless none of the points exists.
    ///   - opKey: up to 64 bytes under which the server executes the write only once within ten minutes. By
    ///     default a fresh one, which makes the client's own retries safe.
    /// - Throws: ``NeedletailError``; `at` names the point that was refused (`points[3].vector`).
    @discardableResult
    public func upsert(
        _ collection: String, _ points: [Point], ifAbsent: Bool = false, opKey: String? = nil,
        timeout: Timeout = .standard
    ) async throws -> WriteResult {
        let request = Self.upsertRequest(collection, ifAbsent: ifAbsent, opKey: opKey) { writer in
            writer.array(points) { $0.write($1) }
        }
        return try WriteResult(try await perform(request, timeout: timeout))
    }

    static func upsertRequest(
        _ collection: String, ifAbsent: Bool, opKey: String?, points: (inout JSONWriter) -> Void
    ) -> OutgoingRequest {
        OutgoingRequest("point.upsert") { writer in
            writer.collection(collection)
            writer.operationKey(opKey)
            if ifAbsent {
                writer.key("if_absent")
                writer.write(true)
            }
            writer.key("points")
            points(&writer)
        }
    }

    /// Reads points by id, in the order asked for. Split at the server's limit for batches.
    public func get(
        _ collection: String, ids: [PointID], payload: PayloadSelection = .all, withVector: Bool = false,
        minimumLSN: UInt64? = nil, timeout: Timeout = .standard
    ) async throws -> GetAnswer {
        let parts = try await split(ids) { (part: ArraySlice<PointID>) in
            let request = OutgoingRequest("point.get") { writer in
                writer.collection(collection, minimumLSN: minimumLSN)
                writer.key("ids")
                writer.array(part) { $0.write($1) }
                writer.writeSelection(payload: payload, vector: withVector)
            }
            return [try readResult(try await self.perform(request, timeout: timeout), GetAnswer.read)]
        }
        var answer = GetAnswer()
        for part in parts {
            answer.points += part.points
            answer.missing += part.missing
        }
        return answer
    }

    /// Deletes points.
    @discardableResult
    public func delete(
        _ collection: String, _ choice: PointChoice, opKey: String? = nil, timeout: Timeout = .standard
    ) async throws -> WriteResult {
        let request = OutgoingRequest("point.delete") { writer in
            writer.collection(collection)
            writer.operationKey(opKey)
            writer.choice(choice)
        }
        return try WriteResult(try await perform(request, timeout: timeout))
    }

    /// Counts the points that match, exactly; all points without a filter.
    public func count(
        _ collection: String, filter: Filter? = nil, minimumLSN: UInt64? = nil, timeout: Timeout = .standard
    ) async throws -> Int {
        let request = OutgoingRequest("point.count") { writer in
            writer.collection(collection, minimumLSN: minimumLSN)
            writer.filter(filter)
        }
        return try ResultObject(try await perform(request, timeout: timeout)).int("count")
    }

    /// One page of the points that match, by id or in another order. All pages of one scroll show one moment.
    ///
    /// - Parameters:
    ///   - cursor: from the page before; then `filter` and `order` must be the same.
    ///   - limit: points per page, 1 … 10,000. A page may be shorter and still not the last: look at its
    ///     cursor.
    public func scroll(
        _ collection: String, filter: Filter? = nil, order: ScrollOrder? = nil, limit: Int = 100,
        cursor: String? = nil, payload: PayloadSelection = .all, withVector: Bool = false,
        timeout: Timeout = .standard
    ) async throws -> ScrollPage {
        let request = OutgoingRequest("point.scroll") { writer in
            writer.collection(collection)
            writer.filter(filter)
            if let order {
                writer.key("order_by")
                writer.beginObject()
                writer.key("key")
                writer.write(order.key)
                writer.key("direction")
                writer.write(order.isDescending ? "desc" : "asc")
                writer.endObject()
            }
            writer.key("limit")
            writer.write(limit)
            if let cursor {
                writer.key("cursor")
                writer.write(cursor)
            }
            writer.writeSelection(payload: payload, vector: withVector)
        }
        return try readResult(try await perform(request, timeout: timeout), ScrollPage.read)
    }

    /// All points that match, by id or in another order, fetched page by page as they are asked for.
    public func points(
        _ collection: String, filter: Filter? = nil, order: ScrollOrder? = nil, pageSize: Int = 1000,
        payload: PayloadSelection = .all, withVector: Bool = false
    ) -> PointSequence {
        PointSequence(
            client: self, collection: collection, filter: filter, order: order, pageSize: pageSize,
            payload: payload, withVector: withVector)
    }
}

/// By which values points are scrolled through: booleans, then numbers, then strings by bytes; points without a value
/// last in both directions, equal values by id. Of several values the least counts, descending the greatest.
public struct ScrollOrder: Hashable, Sendable {
    /// The path of the field.
    public var key: String
    /// Whether the greatest comes first.
    public var isDescending: Bool

    /// Ascending unless said otherwise.
    public init(_ key: String, isDescending: Bool = false) {
        self.key = key
        self.isDescending = isDescending
    }
}

/// The points of a collection as an asynchronous sequence; see
/// ``NeedletailClient/points(_:filter:order:pageSize:payload:withVector:)``. Holds one page at a time.
public struct PointSequence: AsyncSequence, Sendable {
    /// What the sequence gives.
    public typealias Element = StoredPoint

    let client: NeedletailClient
    let collection: String
    let filter: Filter?
    let order: ScrollOrder?
    let pageSize: Int
    let payload: PayloadSelection
    let withVector: Bool

    /// Where a walk through the points is.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let sequence: PointSequence
        var page: ArraySlice<StoredPoint> = []
        var cursor: String?
        var isAtEnd = false

        /// The next point, `nil` after the last.
        public mutating func next() async throws -> StoredPoint? {
            while page.isEmpty {
                guard !isAtEnd else { return nil }
                let next = try await sequence.client.scroll(
                    sequence.collection, filter: sequence.filter, order: sequence.order,
                    limit: sequence.pageSize, cursor: cursor, payload: sequence.payload,
                    withVector: sequence.withVector)
                page = next.points[...]
                cursor = next.cursor
                isAtEnd = cursor == nil
            }
            return page.removeFirst()
        }
    }

    /// A walk from the first point on.
    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(sequence: self)
    }
}

extension GetAnswer {
    static func read(_ reader: inout JSONReader) throws(JSONError) -> GetAnswer {
        var names = try reader.beginObject()
        var answer = GetAnswer()
        while let name = try reader.nextKey(&names) {
            switch name {
            case "points":
                answer.points = try reader.list { (reader) throws(JSONError) in try reader.storedPoint().point
                }
            case "missing":
                answer.missing = try reader.list { (reader) throws(JSONError) in try reader.pointID() }
            default: try reader.skipValue()
            }
        }
        return answer
    }
}

extension ScrollPage {
    static func read(_ reader: inout JSONReader) throws(JSONError) -> ScrollPage {
        var names = try reader.beginObject()
        var page = ScrollPage()
        while let name = try reader.nextKey(&names) {
            switch name {
            case "points":
                page.points = try reader.list { (reader) throws(JSONError) in try reader.storedPoint().point }
            case "cursor":
                if try !reader.readNullIfPresent() { page.cursor = try reader.readString() }
            default: try reader.skipValue()
            }
        }
        return page
    }
}

extension JSONWriter {
    mutating func operationKey(_ key: String?) {
        self.key("op_key")
        if let key {
            write(key)
        } else {
            var random = SystemRandomNumberGenerator()
            write(random.operationKey())
        }
    }

    mutating func filter(_ filter: Filter?) {
        guard let filter else { return }
        key("filter")
        write(filter.json)
    }
}
