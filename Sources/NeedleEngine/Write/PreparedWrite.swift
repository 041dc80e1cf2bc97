import NeedleCore

/// A write that has been checked and embedded, ready to be resolved against the collection's state.
///
/// Made by `Collection.prepare` on any thread; nothing that it writes depends on what the collection holds, so that only
/// the order of `commit` decides the outcome.
package struct PreparedWrite: Sendable {
    /// A condition that a point of an upsert carries.
    struct Condition: Sendable {
        var point: Int
        /// The version the stored point must have; `zero` = it must be absent.
        var version: LSN
    }

    enum Operation: Sendable {
        /// Distinct ids; of two points with one id the last stayed.
        case upsert([StoredPoint], conditions: [Condition])
        case delete(PointChoice)
        case changePayload(PayloadChange, PointChoice)
        /// Distinct ids; vectors by space.
        case setVectors([NewVectors])
        case documents(PreparedDocuments)
        /// Ids of documents.
        case deleteDocuments([[UInt8]])
    }

    /// What takes the place of some vectors of a point, ascending by space.
    struct NewVectors: Sendable {
        var id: PointID
        var vectors: [StoredVector]
    }

    let operation: Operation
    /// Repeats within the window answer the first result.
    let opKey: [UInt8]?
    /// Asked once more before the write is logged: a write whose deadline has passed is not executed.
    let context: OperationContext

    /// Whether it brings rows, which have to be indexed.
    var bringsRows: Bool {
        switch operation {
        case .upsert, .setVectors, .documents: true
        case .delete, .changePayload, .deleteDocuments: false
        }
    }

    /// Whether it brings data: refused while the disk is full.
    var takesSpace: Bool {
        switch operation {
        case .delete, .deleteDocuments: false
        case .upsert, .setVectors, .documents, .changePayload: true
        }
    }
}
