import NeedleCore
import NeedleEngine
import SimulationKit
import Testing

/// Random changes against a plain dictionary, while segments grow, are sealed, merged, opened again and crash.
@Suite struct PayloadModelTests {
    /// A payload as its members, in their order.
    private struct Point: Hashable {
        var members: [Member]
        var version: LSN

        struct Member: Hashable {
            var key: String
            var value: Int
        }

        var text: String { "{" + members.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",") + "}" }
        func value(_ key: String) -> Int? { members.first { $0.key == key }?.value }

        mutating func set(_ key: String, _ value: Int) {
            if let place = members.firstIndex(where: { $0.key == key }) {
                members[place].value = value
            } else {
                members.append(Member(key: key, value: value))
            }
        }
    }

    private static let keys = ["a", "b", "c", "d"]
    private static let ids: UInt64 = 300

    private let database: TestDatabase
    private var model: [UInt64: Point] = [:]
    private var generator: SeededGenerator

    init() throws {
        var options = TestDatabase.smallOptions
        options.growingRows = 1_024
        options.checkpointBytes = 6_000
        options.overlayBytes = 2_000
        options.exactRows = 32
        options.trainingRows = 64
        options.measureShare = 0
        database = try TestDatabase(options: options)
        generator = SeededGenerator(seed: 0)
        try database.create(size: 3)
    }

    private mutating func number(_ range: ClosedRange<Int>) -> Int {
        Int.random(in: range, using: &generator)
    }

    private mutating func id() -> UInt64 { UInt64.random(in: 0..<Self.ids, using: &generator) }

    private mutating func members() -> [Point.Member] {
        Self.keys.shuffled(using: &generator).prefix(number(0...4)).map {
            Point.Member(key: $0, value: number(0...5))
        }
    }

    /// The points that a choice means, drawn together with it.
    private mutating func choice() throws -> (PointChoice, [UInt64]) {
        switch number(0...9) {
        case 0: return (.all, Array(model.keys))
        case 1...4:
            let (key, value) = (Self.keys[number(0...3)], number(0...5))
            return (
                .filter(try .number(value, at: key)), model.filter { $0.value.value(key) == value }.map(\.key)
            )
        default:
            let ids = (0..<number(1...30)).map { _ in id() }
            return (.ids(ids.map { PointID($0) }), Set(ids).filter { model[$0] != nil })
        }
    }

    private mutating func write(_ collection: Collection) throws {
        switch number(0...9) {
        case 0...3:
            let points = Dictionary((0..<number(1...40)).map { _ in (id(), members()) }) { $1 }
            let receipt = try collection.upsert(
                points.map { point($0, [1, Float($0), 2], Point(members: $1, version: .zero).text) })
            for (id, members) in points { model[id] = Point(members: members, version: receipt.lsn) }
        case 4:
            let ids = (0..<number(1...20)).map { _ in id() }
            #expect(
                try collection.delete(.ids(ids.map { PointID($0) })).deleted
                    == Set(ids).count { model[$0] != nil })
            for id in ids { model[id] = nil }
        default: try changePayload(collection)
        }
    }

    private mutating func changePayload(_ collection: Collection) throws {
        let (choice, ids) = try choice()
        let members = members()
        let payload = Payload(Point(members: members, version: .zero).text)
        let kind = number(0...2)
        let change: PayloadChange =
            kind == 0 ? .replace(payload) : kind == 1 ? .set(payload) : .deleteKeys(members.map(\.key))
        let receipt = try collection.change(change, choice)
        #expect(receipt.updated == ids.count)
        for id in ids {
            guard var point = model[id] else { continue }
            switch kind {
            case 0: point.members = members
            case 1: for member in members { point.set(member.key, member.value) }
            default: point.members.removeAll { old in members.contains { $0.key == old.key } }
            }
            point.version = receipt.lsn
            model[id] = point
        }
    }

    /// Compares everything that can be read.
    private func check(_ collection: Collection, _ what: String) throws {
        let found = try collection.scrollAll(limit: 100)
        let expected = model.sorted { $0.key < $1.key }.map {
            "\($0.key) \($0.value.version) \($0.value.text)"
        }
        #expect(found.map { "\($0.id) \($0.version) \($0.payload?.text ?? "")" } == expected, "\(what)")
        for key in Self.keys {
            let counts = (0...5).map { value in model.values.count { $0.value(key) == value } }
            #expect(
                try (0...5).map { try collection.count(.number($0, at: key)) } == counts, "\(what), \(key)")
            let facet = try collection.facet(
                FieldPath(parsing: key), filter: nil, limit: 10, context: OperationContext())
            #expect(
                facet.reduce(0) { $0 + $1.count } == counts.reduce(0, +), "\(what), facet of \(key)")
        }
        let hits = try collection.search([1, 5, 2], limit: 20, filter: .number(1, at: "a")).hits
        #expect(hits.count == min(20, model.values.count { $0.value("a") == 1 }))
        #expect(hits.allSatisfy { $0.record.payload?.text.contains(#""a":1"#) == true }, "\(what)")
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64]) func agreesWithTheModel(seed: UInt64) throws {
        var run = self
        try run.run(seed: seed)
    }

    private mutating func run(seed: UInt64) throws {
        generator = SeededGenerator(seed: seed)
        _ = try database.collection().createIndex(
            FieldIndexDefinition(path: try FieldPath(parsing: "a"), type: .integer))
        for step in 0..<160 {
            let collection = try database.collection()
            switch number(0...19) {
            case 0...11: try write(collection)
            case 12...15:
                for _ in 0..<number(1...40) { _ = database.database.maintain(context: OperationContext()) }
            case 16: _ = collection.optimize()
            case 17: try check(collection, "step \(step)")
            case 18:
                try database.reopen()
                try check(database.collection(), "opened again at step \(step)")
            default:
                let model = LossModel.allCases.randomElement(using: &generator)
                try database.crash(model, using: &generator)
                try check(database.collection(), "after a crash at step \(step)")
            }
        }
        _ = try database.collection().optimize()
        database.settle()
        try check(database.collection(), "optimized")
        try database.database.restore(database.database.snapshot().name, as: "copy")
        try check(database.collection("copy"), "restored")
    }
}
