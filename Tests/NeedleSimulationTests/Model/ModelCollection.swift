import NeedleCore

/// Whether something that has a name is there.
enum Presence: Sendable {
    case absent
    case present
    /// Being made or removed, or that failed: it is there after the next start, or it is not.
    case uncertain
}

/// A collection by number: whether it is there, and what it holds.
struct ModelCollection: Sendable {
    var presence = Presence.absent
    var timeline = Timeline()
    /// Which of the setup's configurations it has: one that was restored has that of its snapshot.
    var config = 0
    /// Every creation and every restore begins another life, with a log of its own.
    var life = 0
}

/// A snapshot: what it must restore to.
struct ModelSnapshot: Sendable {
    var presence = Presence.present
    /// The collection it was taken of, which may be gone or another one by now.
    var number: Int
    var config: Int
    var life: Int
    var state: ModelState
    var lsn: LSN
    var points: Int
    var createdMS: Int64
}

/// Everything a database should hold.
struct Model: Sendable {
    var collections: [ModelCollection]
    var lives = 0
    /// By name.
    var snapshots: [String: ModelSnapshot] = [:]
    /// Snapshots that were begun and not answered: each may be found, under a name that nobody was told.
    var attempts: [ModelSnapshot] = []
    /// By alias. What failed changes of the catalogue would have made of it may be found too.
    var aliases: [Int: Int] = [:]
    var possibleAliases: [[Int: Int]] = []
    /// By life: the state after each answered write from the first snapshot on. What the log behind it leads to.
    var histories: [Int: [ModelState]] = [:]
    /// Dropped lives whose whole log was kept.
    var archived: Set<Int> = []

    init(collections: Int) {
        self.collections = (0..<collections).map { ModelCollection(config: $0) }
    }

    mutating func beginLife(_ number: Int, config: Int, _ state: ModelState = ModelState()) {
        lives += 1
        collections[number] = ModelCollection(
            presence: .uncertain, timeline: Timeline(states: [state], highestLSN: state.lsn ?? .zero),
            config: config, life: lives)
    }

    /// A write was answered: a restore may go as far as to it.
    mutating func remember(_ state: ModelState, of number: Int) {
        histories[collections[number].life]?.append(state)
    }

    /// Writes behind this LSN are lost, or were never answered.
    mutating func forget(behind lsn: LSN, of number: Int) {
        histories[collections[number].life]?.removeAll { ($0.lsn ?? .zero) > lsn }
    }

    /// The catalogue was written: older attempts to change it are of no consequence any more.
    mutating func settleAliases(_ table: [Int: Int]) {
        aliases = table
        possibleAliases = []
    }
}
