// Parameters of `index.*` and `point.facet`.

package import NeedleCore

/// `index.create`.
package struct CreateIndex: Sendable {
    package var collection: String
    package var definition: FieldIndexDefinition

    package init(collection: String, definition: FieldIndexDefinition) {
        self.collection = collection
        self.definition = definition
    }
}

/// `index.delete`.
package struct DeleteIndex: Sendable {
    package var collection: String
    package var path: FieldPath

    package init(collection: String, path: FieldPath) {
        self.collection = collection
        self.path = path
    }
}

/// `index.list`.
package struct ListIndexes: Sendable {
    package var collection: String
    package var minimumLSN: LSN?

    package init(collection: String, minimumLSN: LSN? = nil) {
        self.collection = collection
        self.minimumLSN = minimumLSN
    }
}

/// `point.facet`.
package struct FacetPoints: Sendable {
    package var collection: String
    package var path: FieldPath
    package var filter: Filter?
    /// 1 … `Limits.batchPoints`.
    package var limit: Int
    package var minimumLSN: LSN?

    package init(
        collection: String, path: FieldPath, filter: Filter? = nil, limit: Int = 10, minimumLSN: LSN? = nil
    ) {
        self.collection = collection
        self.path = path
        self.filter = filter
        self.limit = limit
        self.minimumLSN = minimumLSN
    }
}
