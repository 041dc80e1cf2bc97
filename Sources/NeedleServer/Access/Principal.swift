package import NeedleCore
package import NeedleWire

/// Who speaks on a connection, and what they may do: from the login on.
package struct Principal: Sendable {
    /// Of the key; a token speaks in its key's name.
    package let name: String
    package let grant: Grant
    /// Milliseconds since 1970; `nil`: never.
    var expiresAt: Int64?
    /// Of the key, by which it is found again when keys have changed.
    let digest: [UInt8]
    /// Which state of the keys it was compared with.
    var generation: UInt64
    /// In what the connections of the key use together.
    let seat: KeyUsage.Seat

    /// Whether the call may be made.
    ///
    /// - Throws: `forbidden`, which says what would be needed.
    package func check(_ call: Call) throws(DatabaseError) {
        let needed = call.method.requiredRole
        guard grant.role.includes(needed) else {
            throw DatabaseError(
                .forbidden, "the API key \"\(name)\" may not do this", at: "method",
                expected: "role \(needed.rawValue)", got: "role \(grant.role.rawValue)")
        }
        guard let collections = grant.collections else { return }
        if let collection = call.collection {
            // What is not there, and what one may not see, look the same.
            guard grant.covers(collection), !call.method.readsAllSnapshots else {
                throw DatabaseError(
                    .forbidden, "the API key \"\(name)\" is for other collections", at: "collection",
                    expected: collections.joined(separator: ", "), got: collection)
            }
        } else if !call.method.isForEveryKey {
            throw DatabaseError(
                .forbidden, "the API key \"\(name)\" is for some collections only, this is about all",
                at: "method")
        }
    }

    /// What of an answer the key may see.
    func visible(_ reply: Reply) -> Reply {
        guard grant.collections != nil else { return reply }
        switch reply {
        case .collections(let summaries): return .collections(summaries.filter { grant.covers($0.name) })
        case .info(var info):
            info.collections.removeAll { !grant.covers($0.name) }
            return .info(info)
        case .health(var report):
            report.collections.removeAll { !grant.covers($0.name) }
            report.damagedSnapshots = []
            return .health(report)
        case .jobs(let jobs): return .jobs(jobs.filter { grant.covers($0.collection) })
        default: return reply
        }
    }
}

extension Grant {
    /// Whether it is for this collection. Names are compared by bytes.
    func covers(_ collection: String) -> Bool {
        collections?.contains { $0.utf8.elementsEqual(collection.utf8) } ?? true
    }

    /// Whether it allows at least what the other does.
    func includes(_ other: Grant) -> Bool {
        guard role.includes(other.role) else { return false }
        return collections == nil || other.collections?.allSatisfy(covers) ?? false
    }
}

extension Grant.Role {
    func includes(_ other: Grant.Role) -> Bool { rank >= other.rank }

    private var rank: Int {
        switch self {
        case .reader: 0
        case .writer: 1
        case .admin: 2
        }
    }
}

extension Method {
    /// The least role that may call it.
    package var requiredRole: Grant.Role {
        switch self {
        case .ping, .info, .health, .cancel, .login, .listCollections, .getCollection, .listIndexes,
            .getPoints,
            .countPoints, .scrollPoints, .facetPoints, .searchPoints, .searchBatch, .searchGroups,
            .recommendPoints, .embedTexts, .reembeddingStatus, .getDocument, .listJobs, .listAliases:
            .reader
        case .upsertPoints, .deletePoints, .setPayload, .replacePayload, .deletePayload, .setVectors,
            .upsertDocuments, .deleteDocuments:
            .writer
        case .createCollection, .deleteCollection, .updateCollection, .optimizeCollection, .createIndex,
            .deleteIndex, .startReembedding, .cutOver, .rollBack, .createSnapshot, .listSnapshots,
            .deleteSnapshot, .verifySnapshot, .restoreSnapshot, .getJob, .cancelJob, .setAliases,
            .deleteAliases,
            .readSnapshot, .beginImport, .writeImport, .commitImport, .abortImport:
            .admin
        }
    }

    /// Without a collection, and for keys that are for some collections only: what they may not see is left out of
    /// the answer.
    var isForEveryKey: Bool {
        switch self {
        case .ping, .info, .health, .cancel, .login, .listCollections, .embedTexts, .listJobs: true
        default: false
        }
    }

    /// Names a collection of its own, and takes its content from any snapshot.
    var readsAllSnapshots: Bool { self == .restoreSnapshot }
}
