// Parameters of `reembed.*`.

/// `reembed.start`.
package struct StartReembedding: Hashable, Sendable {
    package var collection: String
    /// The space; `nil` for the only one that a model fills.
    package var space: String?
    /// Name or fingerprint of the model that it goes to.
    package var model: String

    package init(collection: String, space: String? = nil, model: String) {
        self.collection = collection
        self.space = space
        self.model = model
    }
}

/// `reembed.cutover`.
package struct CutOver: Hashable, Sendable {
    package var collection: String
    /// Although some points have no text.
    package var force: Bool

    package init(collection: String, force: Bool = false) {
        self.collection = collection
        self.force = force
    }
}
