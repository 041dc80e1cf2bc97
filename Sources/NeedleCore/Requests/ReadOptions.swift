/// Which part of the payload an answer carries.
package enum PayloadSelection: Hashable, Sendable {
    case all
    case none
    /// These top-level keys, in the payload's own order.
    case keys([String])
}

/// What to send back of a point.
package struct PointSelection: Hashable, Sendable {
    package var payload: PayloadSelection
    package var withVector: Bool

    package init(payload: PayloadSelection = .all, withVector: Bool = false) {
        self.payload = payload
        self.withVector = withVector
    }
}

/// Which points a deletion or a change of payloads is about: exactly one of the three.
package enum PointChoice: Sendable {
    case ids([PointID])
    case filter(Filter)
    case all
}
