// Parameters of `collection.*`.

package import NeedleCore

/// One vector space as a client asks for it. At least one of `size` and `model` is there; with a model the
/// engine finds out (or checks) the size.
package struct SpaceDefinition: Hashable, Sendable {
    /// Empty for the only space of a collection that was given without a name.
    package var name: String
    /// Dimensions, 1 … `Limits.dimensions`.
    package var size: Int?
    package var metric: Metric
    package var quantization: QuantizationKind
    package var hnsw: HNSWConfig
    package var model: String?

    package init(
        name: String = CollectionConfig.defaultSpaceName, size: Int? = nil, metric: Metric = .cosine,
        quantization: QuantizationKind = .int8, hnsw: HNSWConfig = .standard, model: String? = nil
    ) {
        self.name = name
        self.size = size
        self.metric = metric
        self.quantization = quantization
        self.hnsw = hnsw
        self.model = model
    }
}

/// `collection.create`.
package struct CreateCollection: Hashable, Sendable {
    package var name: String
    /// In the order given; at least one, names distinct.
    package var spaces: [SpaceDefinition]
    package var durability: Durability
    package var textKey: String

    package init(
        name: String, spaces: [SpaceDefinition], durability: Durability = .fsync, textKey: String = "text"
    ) {
        self.name = name
        self.spaces = spaces
        self.durability = durability
        self.textKey = textKey
    }
}

/// `collection.get`.
package struct GetCollection: Hashable, Sendable {
    package var collection: String
    package var minimumLSN: LSN?
    /// Also how good its spaces are, and were.
    package var quality: Bool

    package init(collection: String, minimumLSN: LSN? = nil, quality: Bool = false) {
        self.collection = collection
        self.minimumLSN = minimumLSN
        self.quality = quality
    }
}

/// `collection.update`. At least one thing is to be updated.
package struct UpdateCollection: Hashable, Sendable {
    package var collection: String
    /// Compare quality with the newest measurement from now on.
    package var acceptsQuality: Bool

    package init(collection: String, acceptsQuality: Bool = false) {
        self.collection = collection
        self.acceptsQuality = acceptsQuality
    }
}

/// `collection.delete`.
package struct DeleteCollection: Hashable, Sendable {
    package var collection: String

    package init(collection: String) {
        self.collection = collection
    }
}

/// `collection.optimize`.
package struct OptimizeCollection: Hashable, Sendable {
    package var collection: String
    /// Answer when the job has ended, not when it has begun.
    package var wait: Bool

    package init(collection: String, wait: Bool = false) {
        self.collection = collection
        self.wait = wait
    }
}
