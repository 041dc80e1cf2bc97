// Indexes of payload fields, and how often values occur.

import NeedleCore

/// What a field index holds of the values at its key.
public enum FieldIndexType: String, Sendable, CaseIterable {
    /// Strings, numbers and booleans that are compared for equality.
    case keyword
    /// Whole numbers, for ranges.
    case integer
    /// Numbers, for ranges.
    case float
    /// `true` and `false`.
    case bool
    /// RFC 3339 date-times, for ranges.
    case datetime
    /// Objects with the numbers `lat` and `lon`.
    case geo
    /// The words of texts.
    case text
}

/// How the words of a text index are made smaller.
public enum TextStemming: String, Sendable, CaseIterable {
    /// Words stay as they are, but for case and accents.
    case none
    /// English words become their stems: "connected" finds "connecting".
    case english
}

/// How a text index takes texts apart.
public struct TextOptions: Hashable, Sendable {
    /// Whether words are reduced to stems.
    public var stemming: TextStemming
    /// Words that are neither indexed nor found.
    public var stopWords: [String]

    /// Words as they are.
    public init(stemming: TextStemming = .none, stopWords: [String] = []) {
        self.stemming = stemming
        self.stopWords = stopWords
    }
}

/// A field index as the server lists it.
public struct FieldIndex: Hashable, Sendable {
    /// The path of the field.
    public var key: String
    /// As the server names it; see ``FieldIndexType``.
    public var type: String
    /// `building` or `ready`.
    public var state: String
}

/// A value of a field, and how many points have it.
public struct FacetValue: Hashable, Sendable {
    /// A string, a number or a boolean.
    public var value: JSONValue
    /// Points that have it.
    public var count: Int
}

extension NeedletailClient {
    /// Creates an index of a payload field. Filters on the field are right without one, too; with one they are fast.
    ///
    /// - Parameter text: how texts are taken apart, for the type `text` only.
    /// - Returns: the job that builds it.
    @discardableResult
    public func createIndex(
        _ collection: String, key: String, type: FieldIndexType, isTenant: Bool = false,
        text: TextOptions? = nil, timeout: Timeout = .standard
    ) async throws -> String {
        let request = OutgoingRequest("index.create", repeatability: .onlyIfUnsent) { writer in
            writer.key("collection")
            writer.write(collection)
            writer.key("key")
            writer.write(key)
            writer.key("type")
            writer.write(type.rawValue)
            if isTenant {
                writer.key("tenant")
                writer.write(true)
            }
            guard let text else { return }
            writer.key("options")
            writer.beginObject()
            writer.key("stemming")
            writer.write(text.stemming.rawValue)
            writer.key("stop_words")
            writer.array(text.stopWords[...]) { $0.write($1) }
            writer.endObject()
        }
        let result = try ResultObject(try await perform(request, timeout: timeout))
        return try result.string("job")
    }

    /// Drops the index of a field.
    public func deleteIndex(
        _ collection: String, key: String, timeout: Timeout = .standard
    ) async throws {
        let request = OutgoingRequest("index.delete", repeatability: .onlyIfUnsent) { writer in
            writer.key("collection")
            writer.write(collection)
            writer.key("key")
            writer.write(key)
        }
        _ = try await perform(request, timeout: timeout)
    }

    /// The field indexes of a collection.
    public func indexes(_ collection: String, timeout: Timeout = .standard) async throws -> [FieldIndex] {
        let request = OutgoingRequest("index.list") { writer in
            writer.key("collection")
            writer.write(collection)
        }
        let result = try ResultObject(try await perform(request, timeout: timeout))
        return try result.objects("indexes").map { item in
            FieldIndex(
                key: try item.string("key"), type: try item.string("type"), state: try item.string("state"))
        }
    }

    /// How many points have each value of a field: the most frequent first.
    public func facet(
        _ collection: String, key: String, filter: Filter? = nil, limit: Int = 10,
        timeout: Timeout = .standard
    ) async throws -> [FacetValue] {
        let request = OutgoingRequest("point.facet") { writer in
            writer.key("collection")
            writer.write(collection)
            writer.key("key")
            writer.write(key)
            writer.key("limit")
            writer.write(limit)
            if let filter {
                writer.key("filter")
                writer.write(filter.json)
            }
        }
        let result = try ResultObject(try await perform(request, timeout: timeout))
        return try result.objects("values").map { item in
            FacetValue(value: item.object["value"] ?? .null, count: try item.int("count"))
        }
    }
}
