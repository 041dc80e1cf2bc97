import NeedleCore

/// Vectors in memory, bounded in bytes: who was not asked for the longest goes first. Not thread safe.
struct EmbeddingMemory {
    /// What an entry takes beyond its floats: key, links, dictionary, array header.
    private static let entryBytes = 160

    private struct Entry {
        var key: EmbeddingKey
        var value: CachedEmbedding
        var newer: Int
        var older: Int
    }

    let limit: Int
    private(set) var bytes = 0
    private var places: [EmbeddingKey: Int] = [:]
    private var entries: [Entry] = []
    private var free: [Int] = []
    /// Ends of the list by last use; -1 when it is empty.
    private var newest = -1
    private var oldest = -1

    init(limit: Int) {
        self.limit = limit
    }

    var count: Int { places.count }

    func contains(_ key: EmbeddingKey) -> Bool { places[key] != nil }

    /// O(1); the entry becomes the newest.
    mutating func find(_ key: EmbeddingKey) -> CachedEmbedding? {
        guard let place = places[key] else { return nil }
        unlink(place)
        link(place)
        return entries[place].value
    }

    /// O(1), and what has to go for it.
    mutating func insert(_ value: CachedEmbedding, _ key: EmbeddingKey) {
        guard places[key] == nil, Self.cost(value) <= limit else { return }
        while bytes + Self.cost(value) > limit { removeOldest() }
        let entry = Entry(key: key, value: value, newer: -1, older: -1)
        let place: Int
        if let reused = free.popLast() {
            place = reused
            entries[place] = entry
        } else {
            place = entries.count
            entries.append(entry)
        }
        places[key] = place
        bytes += Self.cost(value)
        link(place)
    }

    private mutating func removeOldest() {
        let place = oldest
        unlink(place)
        bytes -= Self.cost(entries[place].value)
        places[entries[place].key] = nil
        entries[place].value.vector = []
        free.append(place)
    }

    private static func cost(_ value: CachedEmbedding) -> Int { value.vector.count * 4 + entryBytes }

    private mutating func unlink(_ place: Int) {
        let (newer, older) = (entries[place].newer, entries[place].older)
        if newer >= 0 { entries[newer].older = older } else { newest = older }
        if older >= 0 { entries[older].newer = newer } else { oldest = newer }
    }

    private mutating func link(_ place: Int) {
        entries[place].newer = -1
        entries[place].older = newest
        if newest >= 0 { entries[newest].newer = place } else { oldest = place }
        newest = place
    }
}
