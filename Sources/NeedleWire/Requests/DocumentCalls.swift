// Parameters of `document.upsert`, `.get` and `.delete`.

package import NeedleCore

/// `document.upsert`.
package struct UpsertDocuments: Sendable {
    package var collection: String
    /// At most `Limits.batchPoints`; so are their chunks.
    package var documents: [DocumentWrite]
    package var sizes: ChunkSizes
    package var model: String?
    package var opKey: String?

    package init(
        collection: String, documents: [DocumentWrite], sizes: ChunkSizes = ChunkSizes(),
        model: String? = nil,
        opKey: String? = nil
    ) {
        self.collection = collection
        self.documents = documents
        self.sizes = sizes
        self.model = model
        self.opKey = opKey
    }
}

/// `document.get`.
package struct GetDocument: Sendable {
    package var collection: String
    package var documentID: String
    package var selection: PointSelection
    package var vectorEncoding: VectorEncoding
    package var minimumLSN: LSN?

    package init(
        collection: String, documentID: String, selection: PointSelection = PointSelection(),
        vectorEncoding: VectorEncoding = .array, minimumLSN: LSN? = nil
    ) {
        self.collection = collection
        self.documentID = documentID
        self.selection = selection
        self.vectorEncoding = vectorEncoding
        self.minimumLSN = minimumLSN
    }
}

/// `document.delete`.
package struct DeleteDocuments: Sendable {
    package var collection: String
    /// At most `Limits.batchPoints`; may repeat.
    package var documentIDs: [String]
    package var model: String?
    package var opKey: String?

    package init(collection: String, documentIDs: [String], model: String? = nil, opKey: String? = nil) {
        self.collection = collection
        self.documentIDs = documentIDs
        self.model = model
        self.opKey = opKey
    }
}
