/// What a field index holds of the values at its key. Raw values are the protocol's and on disk: never change them.
package enum FieldIndexType: String, Hashable, Sendable, CaseIterable {
    case keyword
    case integer
    case float
    case bool
    case datetime
    case geo
    case text
}

/// How a text index takes texts apart.
package struct TextIndexOptions: Hashable, Sendable {
    package enum Stemming: String, Hashable, Sendable, CaseIterable {
        case none
        case english
    }

    package var stemming: Stemming
    /// Words that are not indexed, as the client gave them.
    package var stopWords: [String]

    package init(stemming: Stemming = .none, stopWords: [String] = []) {
        self.stemming = stemming
        self.stopWords = stopWords
    }
}

/// An index over one key of the payloads, as somebody asked for it. A key has at most one.
package struct FieldIndexDefinition: Hashable, Sendable {
    package var path: FieldPath
    package var type: FieldIndexType
    /// The key tells tenants apart: a tenant's points are kept together.
    package var isTenant: Bool
    /// Of `text` only.
    package var text: TextIndexOptions?

    package init(
        path: FieldPath, type: FieldIndexType, isTenant: Bool = false, text: TextIndexOptions? = nil
    ) {
        self.path = path
        self.type = type
        self.isTenant = isTenant
        self.text = text
    }
}
