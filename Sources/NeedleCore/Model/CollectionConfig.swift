// What a collection is made of: its vector spaces and its promises. Decoded from `collection.create`, kept in the
// manifest as the same JSON, and given back by `collection.get`. Values only; no rule about storage lives here.

/// How codes for traversal are made from the float32 originals (issue B reads it; stored from the first version).
package enum QuantizationKind: String, Sendable, CaseIterable {
    case none
    case int8
    case binary
}

/// Parameters of the HNSW graph of a space (Malkov and Yashunin, 2016).
package struct HNSWConfig: Hashable, Sendable {
    /// Links a row has on each upper level; twice as many on level 0.
    package var m: Int
    /// Width of the beam while building.
    package var efConstruct: Int

    package static let standard = HNSWConfig(m: 16, efConstruct: 128)
    package static let mRange = 2...128
    package static let efConstructRange = 8...4096

    package init(m: Int, efConstruct: Int) {
        self.m = m
        self.efConstruct = efConstruct
    }
}

/// One named vector space of a collection.
package struct SpaceConfig: Hashable, Sendable {
    package var name: String
    /// Dimensions, 1 … 65,536.
    package var size: Int
    package var metric: Metric
    package var quantization: QuantizationKind
    package var hnsw: HNSWConfig
    /// The built-in model that fills this space from text, if any: its name as the client gave it …
    package var model: String?
    /// … and the fingerprint it had then. Writes and searches with another are refused (invariant 10).
    package var modelFingerprint: String?

    package init(
        name: String, size: Int, metric: Metric = .cosine, quantization: QuantizationKind = .int8,
        hnsw: HNSWConfig = .standard, model: String? = nil, modelFingerprint: String? = nil
    ) {
        self.name = name
        self.size = size
        self.metric = metric
        self.quantization = quantization
        self.hnsw = hnsw
        self.model = model
        self.modelFingerprint = modelFingerprint
    }
}

/// What an acknowledged write has survived. The raw values are names on the wire.
package enum Durability: String, Sendable, CaseIterable {
    /// Written and synced: survives power loss.
    case fsync
    /// Handed to the operating system: survives the end of the process.
    case os
    /// Applied in memory; the log follows.
    case memory
}

/// The whole configuration of a collection.
package struct CollectionConfig: Hashable, Sendable {
    /// The name of the only space of a collection that was created with one space and no name for it.
    package static let defaultSpaceName = ""

    /// In the order given by the client; at least one, names distinct.
    package var spaces: [SpaceConfig]
    package var durability: Durability
    /// Where a point's text is kept in its payload.
    package var textKey: String

    package init(spaces: [SpaceConfig], durability: Durability = .fsync, textKey: String = "text") {
        precondition(!spaces.isEmpty, "a collection has at least one vector space")
        self.spaces = spaces
        self.durability = durability
        self.textKey = textKey
    }

    /// Whether the client gave one space without a name: then points carry `vector`, not `vectors`.
    package var hasSingleUnnamedSpace: Bool {
        spaces.count == 1 && spaces[0].name == Self.defaultSpaceName
    }

    package func spaceIndex(named name: String) -> Int? {
        spaces.firstIndex { $0.name.utf8.elementsEqual(name.utf8) }
    }
}
