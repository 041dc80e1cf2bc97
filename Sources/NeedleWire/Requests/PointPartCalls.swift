// Parameters of the methods that change parts of points: `point.set_payload`, `.replace_payload`, `.delete_payload` and
// `.set_vectors`.

package import NeedleCore

/// `point.set_payload`, `point.replace_payload` or `point.delete_payload`.
package struct ChangePayload: Sendable {
    package var collection: String
    package var change: PayloadChange
    /// A filter here holds at least one condition.
    package var choice: PointChoice
    package var model: String?
    package var opKey: String?

    package init(
        collection: String, change: PayloadChange, choice: PointChoice, model: String? = nil,
        opKey: String? = nil
    ) {
        self.collection = collection
        self.change = change
        self.choice = choice
        self.model = model
        self.opKey = opKey
    }

    package var method: Method {
        switch change {
        case .set: .setPayload
        case .replace: .replacePayload
        case .deleteKeys: .deletePayload
        }
    }
}

/// `point.set_vectors`.
package struct SetVectors: Sendable {
    package var collection: String
    /// At most `Limits.batchPoints`; each has vectors.
    package var points: [PointVectors]
    package var model: String?
    package var opKey: String?

    package init(
        collection: String, points: [PointVectors], model: String? = nil, opKey: String? = nil
    ) {
        self.collection = collection
        self.points = points
        self.model = model
        self.opKey = opKey
    }
}
