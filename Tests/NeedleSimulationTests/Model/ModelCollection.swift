import NeedleCore

/// A collection by number: whether it is there, and what it holds.
struct ModelCollection: Sendable {
    enum Presence: Sendable {
        case absent
        case present
        /// Being created or dropped, or that failed: it is there after the next start, or it is not.
        case uncertain
    }

    var presence = Presence.absent
    var timeline = Timeline()
}
