// Parameters of `snapshot.*`.

package import NeedleCore

/// `snapshot.create`.
package struct CreateSnapshot: Hashable, Sendable {
    package var collection: String

    package init(collection: String) {
        self.collection = collection
    }
}

/// `snapshot.list`.
package struct ListSnapshots: Hashable, Sendable {
    /// Those taken of a collection of this name; `nil` for all.
    package var collection: String?

    package init(collection: String? = nil) {
        self.collection = collection
    }
}

/// `snapshot.restore`.
package struct RestoreSnapshot: Hashable, Sendable {
    package var snapshot: String
    /// The collection that is made of it.
    package var name: String
    package var point: RestorePoint

    package init(snapshot: String, name: String, point: RestorePoint = .snapshot) {
        self.snapshot = snapshot
        self.name = name
        self.point = point
    }
}
