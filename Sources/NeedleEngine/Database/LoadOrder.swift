/// In which order collections are opened at the start: those that somebody asks for first, in the order of asking,
/// then the others by name. Not thread safe.
struct LoadOrder {
    private var waiting: Set<String>
    /// By falling name, so that the next one is at the end; may hold some that are under way.
    private var others: [String]
    private var asked: [String] = []
    private var hasBeenAsked: Set<String> = []

    init(_ names: [String]) {
        waiting = Set(names)
        others = names.sorted(by: >)
    }

    /// Somebody waits for this collection. O(1); no effect on one that is under way.
    mutating func ask(for name: String) {
        guard waiting.contains(name), hasBeenAsked.insert(name).inserted else { return }
        asked.append(name)
    }

    /// Takes the next one out; `nil` when all are under way or open. O(1), amortised.
    mutating func next() -> String? {
        if !asked.isEmpty {
            let name = asked.removeFirst()
            waiting.remove(name)
            return name
        }
        while let name = others.popLast() {
            if waiting.remove(name) != nil { return name }
        }
        return nil
    }
}
