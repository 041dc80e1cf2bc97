// What a simulated run does, step by step. Operations say nothing about their outcome, and mean something in
// any state, so that any part of a list can be run: that is what lets a failing list be simplified.

import NeedleCore
import SimulationKit

/// A point of an upsert: its id, what it holds, and when it expires.
struct Item: Hashable, Sendable {
    var id: Int
    var content: Int
    /// Milliseconds from the write on.
    var expiresIn: Int?
}

/// What an upsert demands of the points that it meets.
enum Requirement: String, Hashable, Sendable, CaseIterable {
    case absent
    /// The version they have when the write is made: met, unless a write of the same group came before.
    case current
    /// A version that none of them has.
    case stale
}

/// One write of a group.
struct Write: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        case upsert([Item], Requirement?)
        case deleteIDs([Int])
        /// Points whose payload says this `n`.
        case deleteMatching(Int)
        case deleteAll
        /// Both keys of a content's payload; the points with these ids, or whose payload says this `n`.
        case setPayload([Int], Int)
        case setMatching(Int, Int)
        case replacePayload([Int], Int)
        /// One of the two keys, of every point.
        case deleteText
        case setVectors([Item])
        /// No part of a group: logged by itself.
        case createIndex(Index)
        /// By the number of its key.
        case dropIndex(Int)
    }

    var kind: Kind
    var opKey: Int?

    init(_ kind: Kind, opKey: Int? = nil) {
        self.kind = kind
        self.opKey = opKey
    }
}

/// One step. Collections go by their number.
enum Operation: Hashable, Sendable {
    case create(Int)
    case drop(Int)
    /// One group commit.
    case write(Int, [Write])
    case optimize(Int)
    /// So many steps of background work.
    case maintain(Int)
    case advanceClock(Int)
    case snapshot(Int)
    /// Snapshots go by their number among those that are there.
    case verify(Int)
    /// Restores a snapshot as a collection, and goes on to a later write if it says so.
    case restore(Int, as: Int, to: Int?)
    case deleteSnapshot(Int)
    case setAlias(Int, Int)
    case deleteAlias(Int)
    /// An exact and an ordinary search near a content.
    case search(Int, content: Int, limit: Int)
    /// A page of a scroll: goes on with the one that was begun.
    case scroll(Int, limit: Int)
    /// Compares everything with the model.
    case check
    /// Ends the database in an orderly way and opens it again.
    case reopen
    /// `kill -9`, then opens again.
    case kill
    /// Cuts the power now; once more at an operation of the recovery, if it says so.
    case crash(LossModel, seed: Int, again: Int?)
    /// Cuts the power at a file operation from here.
    case crashLater(LossModel, seed: Int, after: Int)
    /// A file operation from here fails, or all from there.
    case fault(FaultKind, after: Int, isPermanent: Bool)
    /// No more planned failures.
    case heal
}
