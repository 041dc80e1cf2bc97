// Operations as lines of text: what a failing run prints, and what a test of a mended bug replays.
//
//     create 0
//     write 0 upsert 1:7 2:9+500 if=absent key=3 ; delete 1 4 ; delete-matching 5 ; delete-all
//     write 0 set 7 1 2 key=3 ; set-matching 5 9 ; replace 7 1 2 ; delete-text ; vectors 1:7 2:8
//     write 0 index 0 2
//     write 0 drop-index 0
//     crash tornSectors seed=4 again=12

import NeedleCore
import SimulationKit

extension Operation: CustomStringConvertible {
    var description: String {
        switch self {
        case .create(let number): "create \(number)"
        case .drop(let number): "drop \(number)"
        case .write(let number, let writes):
            "write \(number) " + writes.map(\.description).joined(separator: " ; ")
        case .optimize(let number): "optimize \(number)"
        case .maintain(let steps): "maintain \(steps)"
        case .advanceClock(let milliseconds): "advance \(milliseconds)"
        case .snapshot(let number): "snapshot \(number)"
        case .verify(let index): "verify \(index)"
        case .restore(let index, let number, let step):
            "restore \(index) as=\(number)" + (step.map { " to=\($0)" } ?? "")
        case .deleteSnapshot(let index): "delete-snapshot \(index)"
        case .setAlias(let alias, let number): "alias \(alias) \(number)"
        case .deleteAlias(let alias): "delete-alias \(alias)"
        case .search(let number, let content, let limit): "search \(number) \(content) \(limit)"
        case .scroll(let number, let limit): "scroll \(number) \(limit)"
        case .check: "check"
        case .reopen: "reopen"
        case .kill: "kill"
        case .crash(let model, let seed, let again):
            "crash \(model.rawValue) seed=\(seed)" + (again.map { " again=\($0)" } ?? "")
        case .crashLater(let model, let seed, let after):
            "crash-later \(model.rawValue) seed=\(seed) after=\(after)"
        case .fault(let kind, let after, let isPermanent):
            "fault \(kind.rawValue) after=\(after)" + (isPermanent ? " permanent" : "")
        case .heal: "heal"
        }
    }
}

extension Write: CustomStringConvertible {
    var description: String {
        let text =
            switch kind {
            case .upsert(let items, let requirement):
                (["upsert"] + items.map(\.description) + (requirement.map { ["if=\($0.rawValue)"] } ?? []))
                    .joined(separator: " ")
            case .deleteIDs(let ids): (["delete"] + ids.map(String.init)).joined(separator: " ")
            case .deleteMatching(let value): "delete-matching \(value)"
            case .deleteAll: "delete-all"
            case .setPayload(let ids, let content):
                (["set", "\(content)"] + ids.map(String.init)).joined(separator: " ")
            case .setMatching(let value, let content): "set-matching \(value) \(content)"
            case .replacePayload(let ids, let content):
                (["replace", "\(content)"] + ids.map(String.init)).joined(separator: " ")
            case .deleteText: "delete-text"
            case .setVectors(let items): (["vectors"] + items.map(\.description)).joined(separator: " ")
            case .createIndex(let index): "index \(index.key) \(index.type)"
            case .dropIndex(let key): "drop-index \(key)"
            }
        return text + (opKey.map { " key=\($0)" } ?? "")
    }
}

extension Item: CustomStringConvertible {
    var description: String { "\(id):\(content)" + (expiresIn.map { "+\($0)" } ?? "") }
}

/// A line that is no operation.
struct UnreadableOperation: Error {
    var line: String
}

extension Operation {
    /// Reads lines as they are printed; empty ones and what follows `#` are skipped.
    static func parse(_ text: String) throws -> [Operation] {
        try text.split(separator: "\n").compactMap { line in
            let words = line.prefix { $0 != "#" }.split(separator: " ").map(String.init)
            guard !words.isEmpty else { return nil }
            guard let operation = Operation(words) else { throw UnreadableOperation(line: String(line)) }
            return operation
        }
    }

    private init?(_ words: [String]) {
        let plain = words.dropFirst().compactMap { Int($0) }
        switch (words[0], plain.count) {
        case ("create", 1): self = .create(plain[0])
        case ("drop", 1): self = .drop(plain[0])
        case ("optimize", 1): self = .optimize(plain[0])
        case ("maintain", 1): self = .maintain(plain[0])
        case ("advance", 1): self = .advanceClock(plain[0])
        case ("snapshot", 1): self = .snapshot(plain[0])
        case ("verify", 1): self = .verify(plain[0])
        case ("delete-snapshot", 1): self = .deleteSnapshot(plain[0])
        case ("alias", 2): self = .setAlias(plain[0], plain[1])
        case ("delete-alias", 1): self = .deleteAlias(plain[0])
        case ("search", 3): self = .search(plain[0], content: plain[1], limit: plain[2])
        case ("scroll", 2): self = .scroll(plain[0], limit: plain[1])
        case ("check", 0): self = .check
        case ("reopen", 0): self = .reopen
        case ("kill", 0): self = .kill
        case ("heal", 0): self = .heal
        default: self.init(withNames: words)
        }
    }

    private init?(withNames words: [String]) {
        guard words.count >= 2 else { return nil }
        let named = { (name: String) in
            words.first { $0.hasPrefix(name + "=") }.flatMap { Int($0.dropFirst(name.count + 1)) }
        }
        switch words[0] {
        case "write":
            let writes = words.dropFirst(2).split(separator: ";").map { Write(Array($0)) }
            guard let number = Int(words[1]), !writes.isEmpty, writes.allSatisfy({ $0 != nil }) else {
                return nil
            }
            self = .write(number, writes.compactMap { $0 })
        case "restore":
            guard let index = Int(words[1]), let number = named("as") else { return nil }
            self = .restore(index, as: number, to: named("to"))
        case "crash":
            guard let model = LossModel(rawValue: words[1]), let seed = named("seed") else { return nil }
            self = .crash(model, seed: seed, again: named("again"))
        case "crash-later":
            guard let model = LossModel(rawValue: words[1]), let seed = named("seed"),
                let after = named("after")
            else { return nil }
            self = .crashLater(model, seed: seed, after: after)
        case "fault":
            guard let kind = FaultKind(rawValue: words[1]), let after = named("after") else { return nil }
            self = .fault(kind, after: after, isPermanent: words.last == "permanent")
        default: return nil
        }
    }
}

extension Write {
    fileprivate init?(_ words: [String]) {
        let key = words.first { $0.hasPrefix("key=") }.flatMap { Int($0.dropFirst(4)) }
        let requirement = words.first { $0.hasPrefix("if=") }.flatMap {
            Requirement(rawValue: String($0.dropFirst(3)))
        }
        let rest = words.dropFirst().filter { !$0.contains("=") }
        switch words.first {
        case "upsert":
            let items = rest.map { Item($0) }
            guard items.allSatisfy({ $0 != nil }) else { return nil }
            self.init(.upsert(items.compactMap { $0 }, requirement), opKey: key)
        case "delete": self.init(.deleteIDs(rest.compactMap { Int($0) }), opKey: key)
        case "delete-matching":
            guard let value = rest.first.flatMap({ Int($0) }) else { return nil }
            self.init(.deleteMatching(value), opKey: key)
        case "delete-all": self.init(.deleteAll, opKey: key)
        case "set", "replace":
            let numbers = rest.compactMap { Int($0) }
            guard let content = numbers.first else { return nil }
            let ids = Array(numbers.dropFirst())
            self.init(
                words[0] == "set" ? .setPayload(ids, content) : .replacePayload(ids, content), opKey: key)
        case "set-matching":
            let numbers = rest.compactMap { Int($0) }
            guard numbers.count == 2 else { return nil }
            self.init(.setMatching(numbers[0], numbers[1]), opKey: key)
        case "delete-text": self.init(.deleteText, opKey: key)
        case "vectors":
            let items = rest.map { Item($0) }
            guard items.allSatisfy({ $0 != nil }) else { return nil }
            self.init(.setVectors(items.compactMap { $0 }), opKey: key)
        case "index", "drop-index":
            let numbers = rest.compactMap { Int($0) }
            guard let first = numbers.first, Index.keys.indices.contains(first) else { return nil }
            self.init(
                words[0] == "index"
                    ? .createIndex(Index(key: first, type: numbers.last ?? 0)) : .dropIndex(first))
        default: return nil
        }
    }
}

extension Item {
    fileprivate init?(_ word: String) {
        let numbers = word.split { $0 == ":" || $0 == "+" }.map { Int($0) }
        guard numbers.count == 2 || numbers.count == 3, let id = numbers[0], let content = numbers[1] else {
            return nil
        }
        self.init(id: id, content: content, expiresIn: numbers.count == 3 ? numbers[2] : nil)
    }
}
