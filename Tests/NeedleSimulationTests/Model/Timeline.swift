import NeedleCore

/// What may be found of one life of a collection: the states it went through, the newest last.
///
/// A crash takes it back to one of them, but not before what was promised: acknowledged ⊆ found ⊆ attempted.
struct Timeline: Sendable {
    var states = [ModelState()]
    /// The state that reads show: everything behind it was attempted and not answered.
    var answered = 0
    /// The state that survives a power cut.
    var durable = 0
    /// The greatest LSN that was ever answered: none up to it is given again.
    var highestLSN = LSN.zero

    var newest: ModelState { states[answered] }
    var hasUnanswered: Bool { answered < states.count - 1 }

    /// The newest LSN that is known: later ones belong to unanswered writes.
    var knownLSN: LSN { newest.lsn ?? .zero }

    /// What was attempted did not happen, and will not: a later write was answered that was made without it.
    mutating func forgetUnanswered() {
        states.removeLast(states.count - 1 - answered)
    }

    /// A write was answered.
    mutating func answer(_ state: ModelState, lsn: LSN, isDurable: Bool) {
        forgetUnanswered()
        var state = state
        state.learn(lsn)
        states.append(state)
        answered = states.count - 1
        if isDurable { durable = answered }
        highestLSN = max(highestLSN, lsn)
    }

    /// A state was found after an end, or behind a failure that has healed.
    mutating func settle(at index: Int, found: [PointID: LSN], lsn: LSN, isDurable: Bool) {
        states.removeLast(states.count - 1 - index)
        for (id, version) in found where states[index].points[id]?.version == nil {
            states[index].points[id]?.version = version
        }
        for (key, answer) in states[index].answers where answer.lsn == nil {
            // Logged, but under which LSN nobody was told.
            states[index].answers[key]?.lsn = .infinity
        }
        states[index].lsn = lsn
        answered = index
        if isDurable { durable = index } else { durable = min(durable, index) }
        // Older states are of no use any more once this one is durable.
        if isDurable {
            states = [states[index]]
            answered = 0
            durable = 0
        }
    }
}
