// Moving a collection to another model.

import NeedleCore

/// How far a collection is on its way to another model.
public struct Reembedding: Hashable, Sendable {
    /// The model that it goes to.
    public var model: String
    /// The fingerprint of that model.
    public var fingerprint: String
    /// `embedding`, `ready` (it can be cut over) or `cut_over`.
    public var state: String
    /// Points gone through.
    public var done: Int
    /// How many have to be gone through.
    public var total: Int
    /// Texts that went through the model since the server started.
    public var embedded: Int
    /// Changed points that the new vectors do not have yet.
    public var pending: Int
    /// Points without a text, which the new model's searches do not find.
    public var withoutText: Int
    /// Searches of clients that both models have answered.
    public var comparedQueries: Int
    /// The share of the first ten points that both found, in the mean.
    public var overlap: Double?
    /// Spearman's ρ over what both found, in the mean.
    public var rankCorrelation: Double?
    /// After the cutover: until when it can be rolled back, in milliseconds since 1970.
    public var rollbackUntilMS: Int?
    /// Why it does not go on, if so.
    public var reason: String?

    init(_ result: ResultObject) throws(NeedletailError) {
        let model = try result.nested("model")
        self.model = try model.string("name")
        fingerprint = try model.string("fingerprint")
        state = try result.string("state")
        done = try result.int("done")
        total = try result.int("total")
        embedded = try result.int("embedded")
        pending = try result.int("pending")
        withoutText = try result.int("without_text")
        let compared = try result.nested("compared")
        comparedQueries = try compared.int("queries")
        overlap = compared.object["overlap_at_10"]?.doubleValue
        rankCorrelation = compared.object["rank_correlation"]?.doubleValue
        rollbackUntilMS = result.object["rollback_until_ms"]?.intValue
        reason = result.object["reason"]?.stringValue
    }
}

extension NeedletailClient {
    /// Begins to embed a collection's texts with another model of the server. Searches go on with the old vectors.
    ///
    /// - Parameters:
    ///   - space: which, if a model fills several.
    ///   - model: its name or fingerprint.
    /// - Returns: the job that embeds.
    @discardableResult
    public func startReembedding(
        _ collection: String, space: String? = nil, model: String, timeout: Timeout = .standard
    ) async throws -> String {
        let request = OutgoingRequest("reembed.start", repeatability: .onlyIfUnsent) { writer in
            writer.collection(collection)
            if let space {
                writer.key("using")
                writer.write(space)
            }
            writer.key("model")
            writer.write(model)
        }
        return try ResultObject(try await perform(request, timeout: timeout)).string("job")
    }

    /// How far it is.
    ///
    /// - Throws: `not_found` when the collection is not on its way to another model.
    public func reembedding(
        of collection: String, timeout: Timeout = .standard
    ) async throws -> Reembedding {
        let request = OutgoingRequest("reembed.status") { $0.collection(collection) }
        return try Reembedding(try ResultObject(try await perform(request, timeout: timeout)))
    }

    /// Shows the new vectors from now on, with every write that was acknowledged. Can be rolled back for a time.
    ///
    /// - Parameter force: although some points have no text.
    /// - Throws: `conflict` when it is not ready.
    @discardableResult
    public func cutOver(
        _ collection: String, force: Bool = false, timeout: Timeout = .standard
    ) async throws -> Reembedding {
        let request = OutgoingRequest("reembed.cutover", repeatability: .onlyIfUnsent) { writer in
            writer.collection(collection)
            if force {
                writer.key("force")
                writer.write(true)
            }
        }
        return try Reembedding(try ResultObject(try await perform(request, timeout: timeout)))
    }

    /// Shows the old vectors again, with every write since the cutover; the new ones are dropped.
    ///
    /// - Throws: `conflict` when it was not cut over, `not_found` when the time for it is over.
    public func rollBack(_ collection: String, timeout: Timeout = .standard) async throws {
        let request = OutgoingRequest("reembed.rollback", repeatability: .onlyIfUnsent) {
            $0.collection(collection)
        }
        _ = try await perform(request, timeout: timeout)
    }
}
