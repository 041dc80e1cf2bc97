import NeedleCore
import SimulationKit

/// Draws the operations of a run from a seed.
struct OperationGenerator {
    private var generator: SeededGenerator

    init(seed: UInt64) {
        generator = SeededGenerator(seed: SeededGenerator.mix(seed ^ 0x0FE2_A710))
    }

    /// At least `count` operations, with at least three crashes among them.
    mutating func operations(_ count: Int) -> [Operation] {
        var list: [Operation] = [.create(0)] + (Bool.random(using: &generator) ? [.create(1)] : [])
        for key in Index.keys.indices where chance(50) { list.append(.write(0, [creation(of: key)])) }
        while list.count < count { list += step() }
        for index in 0..<4 {
            list.insert(
                crash(isNow: index < 3), at: Int.random(in: list.count / 4..<list.count, using: &generator))
        }
        return list
    }

    /// Operations without crashes, failures and whatever depends on where they come.
    mutating func plainOperations(_ count: Int) -> [Operation] {
        var list: [Operation] = [.create(0), .create(1)]
        while list.count < count {
            list += step().filter {
                switch $0 {
                case .crash, .crashLater, .fault, .heal, .kill, .scroll: false
                default: true
                }
            }
        }
        return list
    }

    private mutating func number(_ range: ClosedRange<Int>) -> Int {
        Int.random(in: range, using: &generator)
    }

    private mutating func chance(_ percent: Int) -> Bool { number(1...100) <= percent }

    /// Most of the time the first collection, so that something gathers there.
    private mutating func collection() -> Int { chance(70) ? 0 : number(1...3) }

    private mutating func step() -> [Operation] {
        switch number(0...99) {
        case 0..<53: [.write(collection(), group())]
        case 53..<62: [.maintain(number(1...8))]
        case 62..<65: [.optimize(collection())]
        case 65..<68: [.advanceClock(chance(50) ? number(1...300) : number(1_000...20_000))]
        case 68..<72: [.search(collection(), content: number(0...63), limit: number(1...12))]
        case 72..<75: [.scroll(collection(), limit: number(1...9))]
        case 75..<77: [.check]
        case 77..<79: [.create(number(0...3))]
        case 79: [.drop(number(0...3))]
        case 80: [.reopen]
        case 81: [chance(50) ? .kill : .heal]
        case 82..<84: [crash()]
        case 84..<89: [fault()]
        case 89..<96: disturbed(copying())
        case 97: [.write(collection(), [indexing()])]
        case 96: [chance(70) ? .setAlias(number(0...1), number(0...3)) : .deleteAlias(number(0...1))]
        default: [.heal]
        }
    }

    private mutating func fault() -> Operation {
        let kinds = [FaultKind.ioError, .diskFull, .shortWrite]
        return .fault(
            kinds.randomElement(using: &generator) ?? .ioError, after: number(1...40),
            isPermanent: chance(25))
    }

    /// Something about snapshots.
    private mutating func copying() -> [Operation] {
        switch number(0...9) {
        case 0..<4: return [.snapshot(collection())]
        case 4: return [.verify(number(0...9))]
        case 5: return [.deleteSnapshot(number(0...9))]
        default:
            let target = number(0...3)
            let restore = Operation.restore(
                number(0...9), as: target, to: chance(50) ? number(0...20) : nil)
            return chance(60) ? [.drop(target), restore] : [restore]
        }
    }

    /// Long steps are met in their middle more often than the others.
    private mutating func disturbed(_ steps: [Operation]) -> [Operation] {
        guard chance(25), let last = steps.last else { return steps }
        let model = LossModel.allCases.randomElement(using: &generator) ?? .none
        return steps.dropLast() + [.crashLater(model, seed: number(0...999), after: number(1...90)), last]
    }

    private mutating func crash(isNow: Bool = false) -> Operation {
        let model = LossModel.allCases.randomElement(using: &generator) ?? .none
        if !isNow, chance(60) { return .crashLater(model, seed: number(0...999), after: number(1...60)) }
        return .crash(model, seed: number(0...999), again: chance(40) ? number(1...45) : nil)
    }

    private mutating func creation(of key: Int) -> Write {
        Write(.createIndex(Index(key: key, type: number(0...2))))
    }

    private mutating func indexing() -> Write {
        let key = number(0...1)
        return chance(60) ? creation(of: key) : Write(.dropIndex(key))
    }

    private mutating func group() -> [Write] {
        (0..<(chance(85) ? 1 : number(2...4))).map { _ in write() }
    }

    /// Of a part of some points.
    private mutating func change() -> Write.Kind {
        let content = number(0...63)
        switch number(0...9) {
        case 0..<4: return .setPayload((0..<number(1...6)).map { _ in number(0...39) }, content)
        case 4..<6: return .setMatching(number(0...7), content)
        case 6: return .replacePayload((0..<number(1...6)).map { _ in number(0...39) }, content)
        case 7: return .deleteText
        default:
            return .setVectors(
                (0..<number(1...4)).map { _ in Item(id: number(0...39), content: number(0...63)) })
        }
    }

    private mutating func write() -> Write {
        let key = chance(12) ? number(0...9) : nil
        switch number(0...99) {
        case 0..<14: return Write(change(), opKey: key)
        case 14..<72:
            let items = (0..<number(1...6)).map { _ in
                Item(
                    id: number(0...39), content: number(0...63),
                    expiresIn: chance(6) ? number(0...15_000) : nil)
            }
            let requirement = chance(20) ? Requirement.allCases.randomElement(using: &generator) : nil
            return Write(.upsert(items, requirement), opKey: key)
        case 72..<92: return Write(.deleteIDs((0..<number(1...5)).map { _ in number(0...39) }), opKey: key)
        case 92..<98: return Write(.deleteMatching(number(0...7)), opKey: key)
        default: return Write(.deleteAll, opKey: key)
        }
    }
}
