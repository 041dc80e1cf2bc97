// Searches in groups.

import NeedleCore

/// The points of one value, the nearest first.
public struct PointGroup: Sendable {
    /// A string, a number or a boolean.
    public var value: JSONValue
    /// Its nearest points.
    public var hits: [Hit]
}

/// The answer to a search in groups.
public struct GroupAnswer: Sendable {
    /// In the order of their nearest points.
    public var groups: [PointGroup] = []
    /// False only when part of the data could not be consulted.
    public var isComplete = true
    /// How the answer was found.
    public var strategy = ""
    /// Time the server took, in microseconds.
    public var tookMicroseconds = 0
    /// The state of the collection the answer shows.
    public var lsn: UInt64 = 0

    static func read(_ reader: inout JSONReader) throws(JSONError) -> GroupAnswer {
        var names = try reader.beginObject()
        var answer = GroupAnswer()
        while let name = try reader.nextKey(&names) {
            switch name {
            case "groups": answer.groups = try reader.list(PointGroup.read)
            case "complete": answer.isComplete = try reader.readBool()
            case "strategy": answer.strategy = try reader.readString()
            case "took_us": answer.tookMicroseconds = Int(try reader.readInt64())
            case "lsn": answer.lsn = try reader.readUInt64()
            default: try reader.skipValue()
            }
        }
        return answer
    }
}

extension PointGroup {
    static func read(_ reader: inout JSONReader) throws(JSONError) -> PointGroup {
        var names = try reader.beginObject()
        var group = PointGroup(value: .null, hits: [])
        while let name = try reader.nextKey(&names) {
            switch name {
            case "value": group.value = try JSONValue.read(&reader)
            case "points": group.hits = try reader.hits()
            default: try reader.skipValue()
            }
        }
        return group
    }
}

extension NeedletailClient {
    /// The nearest points of each of the values of a field that have the nearest ones. Points with several values are in
    /// several groups.
    ///
    /// - Parameters:
    ///   - request: its `limit` and `offset` count groups. Not a search by examples, hybrid or diverse.
    ///   - size: points of a group; all groups together have at most 10,000.
    public func searchGroups(
        _ collection: String, _ request: SearchRequest, by key: String, size: Int = 3,
        minimumLSN: UInt64? = nil, timeout: Timeout = .standard
    ) async throws -> GroupAnswer {
        try request.check()
        guard !request.isByExamples, request.hybrid == nil, request.diversity == nil else {
            throw NeedletailError(
                .invalidArgument, "groups take no search by examples, hybrid or diverse", at: "group_by")
        }
        let outgoing = OutgoingRequest("point.search_groups") { writer in
            writer.collection(collection, minimumLSN: minimumLSN)
            writer.key("group_by")
            writer.write(key)
            writer.key("group_size")
            writer.write(size)
            request.write(to: &writer)
        }
        return try readResult(try await perform(outgoing, timeout: timeout), GroupAnswer.read)
    }
}
