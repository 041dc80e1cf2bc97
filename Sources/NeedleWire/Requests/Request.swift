// A request as a value: decoded, checked for everything that can be known without looking at a collection.

package import NeedleCore

/// One JSON-RPC request.
package struct Request: Sendable {
    /// What the answer is to be called; `nil` is a notification, which is executed and never answered.
    package var id: RequestID?
    package var call: Call
    /// Milliseconds from the line's last byte after which the answer is of no use; 0 has passed already.
    package var deadlineMS: UInt64?

    package init(id: RequestID?, call: Call, deadlineMS: UInt64? = nil) {
        self.id = id
        self.call = call
        self.deadlineMS = deadlineMS
    }
}

/// A method with its parameters.
package enum Call: Sendable {
    case ping
    case info
    case health
    /// Cancels the request of this id on the same connection.
    case cancel(RequestID)
    case login(apiKey: String)
    case createCollection(CreateCollection)
    case listCollections
    case getCollection(GetCollection)
    case deleteCollection(DeleteCollection)
    case updateCollection(UpdateCollection)
    case optimizeCollection(OptimizeCollection)
    case createIndex(CreateIndex)
    case deleteIndex(DeleteIndex)
    case listIndexes(ListIndexes)
    case upsertPoints(UpsertPoints)
    case getPoints(GetPoints)
    case deletePoints(DeletePoints)
    /// One of three methods, by its change.
    case changePayload(ChangePayload)
    case setVectors(SetVectors)
    case countPoints(CountPoints)
    case scrollPoints(ScrollPoints)
    case facetPoints(FacetPoints)
    case searchPoints(SearchPoints)
    case searchBatch(SearchBatch)
    case searchGroups(SearchGroups)
    /// A search whose target is examples.
    case recommendPoints(SearchPoints)
    case embedTexts(EmbedTexts)
    case startReembedding(StartReembedding)
    /// By the collection's name, like `rollBack`.
    case reembeddingStatus(String)
    case cutOver(CutOver)
    case rollBack(String)
    case upsertDocuments(UpsertDocuments)
    case getDocument(GetDocument)
    case deleteDocuments(DeleteDocuments)
    case createSnapshot(CreateSnapshot)
    case listSnapshots(ListSnapshots)
    /// By the snapshot's name, like the next.
    case deleteSnapshot(String)
    case verifySnapshot(String)
    case restoreSnapshot(RestoreSnapshot)
    case listJobs
    /// By the job's id, like the next.
    case getJob(String)
    case cancelJob(String)
    case setAliases([Alias])
    case deleteAliases([String])
    case listAliases
    case readSnapshot(ReadSnapshot)
    case beginImport
    case writeImport(WriteImport)
    case commitImport(CommitImport)
    /// Gives up the import of this id.
    case abortImport(String)
}

extension Call {
    package var method: Method {
        switch self {
        case .ping: .ping
        case .info: .info
        case .health: .health
        case .cancel: .cancel
        case .login: .login
        case .createCollection: .createCollection
        case .listCollections: .listCollections
        case .getCollection: .getCollection
        case .deleteCollection: .deleteCollection
        case .updateCollection: .updateCollection
        case .optimizeCollection: .optimizeCollection
        case .createIndex: .createIndex
        case .deleteIndex: .deleteIndex
        case .listIndexes: .listIndexes
        case .upsertPoints: .upsertPoints
        case .getPoints: .getPoints
        case .deletePoints: .deletePoints
        case .changePayload(let call): call.method
        case .setVectors: .setVectors
        case .countPoints: .countPoints
        case .scrollPoints: .scrollPoints
        case .facetPoints: .facetPoints
        case .searchPoints: .searchPoints
        case .searchBatch: .searchBatch
        case .searchGroups: .searchGroups
        case .recommendPoints: .recommendPoints
        case .embedTexts: .embedTexts
        case .startReembedding: .startReembedding
        case .reembeddingStatus: .reembeddingStatus
        case .cutOver: .cutOver
        case .rollBack: .rollBack
        case .upsertDocuments: .upsertDocuments
        case .getDocument: .getDocument
        case .deleteDocuments: .deleteDocuments
        case .createSnapshot: .createSnapshot
        case .listSnapshots: .listSnapshots
        case .deleteSnapshot: .deleteSnapshot
        case .verifySnapshot: .verifySnapshot
        case .restoreSnapshot: .restoreSnapshot
        case .listJobs: .listJobs
        case .getJob: .getJob
        case .cancelJob: .cancelJob
        case .setAliases: .setAliases
        case .deleteAliases: .deleteAliases
        case .listAliases: .listAliases
        case .readSnapshot: .readSnapshot
        case .beginImport: .beginImport
        case .writeImport: .writeImport
        case .commitImport: .commitImport
        case .abortImport: .abortImport
        }
    }

    /// The collection (name or alias) the call is about, if it is about one; of `collection.create` and
    /// `snapshot.restore` the new name.
    package var collection: String? {
        switch self {
        case .ping, .info, .health, .cancel, .login, .listCollections, .embedTexts: nil
        case .listSnapshots, .deleteSnapshot, .verifySnapshot, .listJobs, .getJob, .cancelJob: nil
        case .startReembedding(let call): call.collection
        case .reembeddingStatus(let name), .rollBack(let name): name
        case .cutOver(let call): call.collection
        case .createSnapshot(let call): call.collection
        case .restoreSnapshot(let call): call.name
        case .setAliases, .deleteAliases, .listAliases: nil
        case .readSnapshot, .beginImport, .writeImport, .commitImport, .abortImport: nil
        case .createCollection(let call): call.name
        case .getCollection(let call): call.collection
        case .deleteCollection(let call): call.collection
        case .updateCollection(let call): call.collection
        case .optimizeCollection(let call): call.collection
        case .createIndex(let call): call.collection
        case .deleteIndex(let call): call.collection
        case .listIndexes(let call): call.collection
        case .upsertPoints(let call): call.collection
        case .getPoints(let call): call.collection
        case .deletePoints(let call): call.collection
        case .changePayload(let call): call.collection
        case .setVectors(let call): call.collection
        case .countPoints(let call): call.collection
        case .scrollPoints(let call): call.collection
        case .facetPoints(let call): call.collection
        case .searchPoints(let call): call.collection
        case .searchBatch(let call): call.collection
        case .searchGroups(let call): call.collection
        case .recommendPoints(let call): call.collection
        case .upsertDocuments(let call): call.collection
        case .getDocument(let call): call.collection
        case .deleteDocuments(let call): call.collection
        }
    }

    /// Whether it changes a collection: such calls of one connection are applied in the order received.
    package var changesCollection: Bool {
        switch self {
        case .createCollection, .deleteCollection, .updateCollection, .optimizeCollection, .upsertPoints,
            .deletePoints, .changePayload, .setVectors, .restoreSnapshot, .createIndex, .deleteIndex,
            .upsertDocuments, .deleteDocuments, .cutOver, .rollBack:
            true
        default: false
        }
    }

    /// The write that a read wants to see, and waits for.
    package var minimumLSN: LSN? {
        switch self {
        case .getCollection(let call): call.minimumLSN
        case .listIndexes(let call): call.minimumLSN
        case .facetPoints(let call): call.minimumLSN
        case .getPoints(let call): call.minimumLSN
        case .countPoints(let call): call.minimumLSN
        case .scrollPoints(let call): call.minimumLSN
        case .searchPoints(let call): call.minimumLSN
        case .searchBatch(let call): call.minimumLSN
        case .searchGroups(let call): call.minimumLSN
        case .recommendPoints(let call): call.minimumLSN
        case .getDocument(let call): call.minimumLSN
        default: nil
        }
    }
}
