import NeedleCore
import NeedlePayloads
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// Whether the long form of the random tests was asked for.
let isLong = getenv("NEEDLETAIL_LONG") != nil

/// Memory for a set that is opened where it lies.
final class TestBytes {
    let buffer: UnsafeMutableRawBufferPointer

    init(_ bytes: some Collection<UInt8>) {
        buffer = .allocate(byteCount: bytes.count, alignment: 64)
        buffer.copyBytes(from: bytes)
    }

    deinit { buffer.deallocate() }

    func open(at offset: Int = 0) throws -> PointSet {
        try PointSet(opening: UnsafeRawBufferPointer(buffer), at: offset, owner: self, file: "test")
    }
}

/// Sets of all shapes: sparse, dense, runs, full containers, over one or several containers.
struct SetGenerator {
    var random: SeededGenerator

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    mutating func rows() -> Set<UInt32> {
        var rows: Set<UInt32> = []
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            // Few keys, so that two sets meet in them.
            let base = UInt32([0, 1, 2, 65_535].randomElement(using: &random) ?? 0) << 16
            switch Int.random(in: 0..<6, using: &random) {
            case 0: for _ in 0..<Int.random(in: 1...20, using: &random) { rows.insert(base | low()) }
            case 1: for _ in 0..<3000 { rows.insert(base | low()) }
            case 2:
                let step = UInt32.random(in: 1...9, using: &random)
                for row in stride(from: low(), through: 65_535, by: Int(step)) { rows.insert(base | row) }
            case 3: for row in UInt32(0)...65_535 { rows.insert(base | row) }
            default:
                for _ in 0..<Int.random(in: 1...30, using: &random) {
                    let start = low()
                    let end = min(65_535, start + UInt32.random(in: 0...600, using: &random))
                    for row in start...end { rows.insert(base | row) }
                }
            }
        }
        return rows
    }

    private mutating func low() -> UInt32 {
        // The ends of a container often.
        switch Int.random(in: 0..<8, using: &random) {
        case 0: UInt32.random(in: 0...70, using: &random)
        case 1: UInt32.random(in: 65_470...65_535, using: &random)
        default: UInt32.random(in: 0...65_535, using: &random)
        }
    }
}

@Suite struct PointSetTests {
    private func check(_ set: PointSet, _ expected: Set<UInt32>, _ what: String) {
        #expect(set.count == expected.count, "\(what)")
        var sorted = expected.sorted()[...]
        var isSame = true
        set.forEachRow { if sorted.popFirst() != $0 { isSame = false } }
        #expect(isSame && sorted.isEmpty, "\(what)")
    }

    @Test(arguments: 0..<(isLong ? 1_000 : 20))
    func cutsOffAndBitmapsAgreeWithPlainSets(seed: Int) throws {
        var generator = SetGenerator(seed: UInt64(seed))
        let rows = generator.rows().filter { $0 < 4 << 16 }
        let set = PointSet(rows)
        let last = Int(rows.max() ?? 0)
        for end in [0, 1, 63, 64, 65, 65_536, 65_600, 131_072, last, last + 1, last + 70] {
            let below = rows.filter { $0 < end }
            check(set.clamped(below: end), below, "below \(end)")
            #expect(set.isWithin(end) == (below.count == rows.count), "below \(end)")
            let words = set.bitmap(below: end)
            #expect(words.count == (end + 63) / 64)
            #expect(words.reduce(0) { $0 + $1.nonzeroBitCount } == below.count, "below \(end)")
            #expect(below.allSatisfy { words[Int($0 / 64)] >> UInt64($0 % 64) & 1 == 1 }, "below \(end)")
        }
    }

    @Test(arguments: 0..<(isLong ? 2_000 : 20))
    func operationsAgreeWithPlainSets(seed: Int) throws {
        var generator = SetGenerator(seed: UInt64(seed))
        let a = generator.rows()
        let b = generator.rows()
        let c = generator.rows()
        let sets = [PointSet(a), PointSet(b), PointSet(c)]
        check(sets[0], a, "made")
        check(sets[0].intersection(sets[1]), a.intersection(b), "and")
        check(sets[0].union(sets[1]), a.union(b), "or")
        check(sets[0].subtracting(sets[1]), a.subtracting(b), "and not")
        #expect(sets[0].intersectionCount(sets[1]) == a.intersection(b).count)
        check(PointSet.union(of: sets), a.union(b).union(c), "union of three")
        let two = a.intersection(b).union(a.intersection(c)).union(b.intersection(c))
        check(PointSet.atLeast(2, of: sets), two, "two of three")
        check(PointSet.atLeast(3, of: sets), a.intersection(b).intersection(c), "three of three")
        #expect(PointSet.atLeast(4, of: sets).isEmpty)
        // The same rows, whatever the way: the same bytes.
        #expect(sets[0].intersection(sets[1]) == PointSet(a.intersection(b)))
        #expect(sets[0].union(sets[1]) == PointSet(b.union(a)))
        #expect(sets[0].subtracting(sets[1]) == PointSet(a.subtracting(b)))
        #expect(Array(sets[0]) == a.sorted())
        for _ in 0..<200 {
            let row = UInt32.random(in: 0...200_000, using: &generator.random)
            #expect(sets[0].contains(row) == a.contains(row))
        }
        for row in a.prefix(100) { #expect(sets[0].contains(row)) }
    }

    @Test(arguments: 0..<20)
    func aSetIsUsedWhereItsBytesLie(seed: Int) throws {
        var generator = SetGenerator(seed: UInt64(seed) + 10_000)
        let rows = generator.rows()
        let set = PointSet(rows)
        let bytes = TestBytes([UInt8](repeating: 7, count: 64) + Array(set.bytes) + [1, 2, 3])
        let opened = try bytes.open(at: 64)
        #expect(opened == set)
        check(opened.union(PointSet(generator.rows())).intersection(set), rows, "opened")
    }

    @Test func rangesAndComplements() {
        let range = 65_000..<200_000
        let set = PointSet(range)
        check(set, Set(range.map { UInt32($0) }), "range")
        #expect(set == PointSet(range.map { UInt32($0) }))
        check(
            set.complement(within: 200_005),
            Set((0..<65_000).map { UInt32($0) } + (200_000..<200_005).map { UInt32($0) }), "not")
        #expect(PointSet(3..<3) == .empty)
        #expect(PointSet.empty.complement(within: 70_000) == PointSet(0..<70_000))
        #expect(PointSet(0..<PointSet.rowLimit).count == PointSet.rowLimit)
        #expect(set.bytes.count < 128, "runs are small")
    }

    @Test func rowsInAnyOrderAndTwice() {
        #expect(PointSet([9, 3, 3, 70_000, 9] as [UInt32]) == PointSet([3, 9, 70_000] as [UInt32]))
        let gathered = PointSetAccumulator()
        for row in [70_000, 5, 5, 1] as [UInt32] { gathered.insert(row) }
        gathered.insert(PointSet(2..<5))
        #expect(Array(gathered.finish()) == [1, 2, 3, 4, 5, 70_000])
    }

    /// Every byte of the header and the table, and many of the containers: an error or a set, never a trap, and
    /// never a read beyond the bytes.
    @Test(arguments: 0..<8)
    func damagedBytesAreAnErrorOrASet(seed: Int) throws {
        var generator = SetGenerator(seed: UInt64(seed) + 500)
        let original = Array(PointSet(generator.rows()).bytes)
        let other = PointSet(generator.rows())
        for _ in 0..<200 {
            var bytes = original
            let place = Int.random(in: 0..<bytes.count, using: &generator.random)
            bytes[Bool.random(using: &generator.random) ? place : max(0, bytes.count - 1 - place % 64)] ^=
                UInt8.random(in: 1...255, using: &generator.random)
            do {
                let set = try TestBytes(bytes).open()
                _ = set.intersection(other).count
                _ = other.subtracting(set).count + set.subtracting(other).count
                _ = PointSet.atLeast(2, of: [set, other, set]).union(set).count
                _ = set.reduce(0) { $0 &+ $1 }
            } catch let error as DatabaseError {
                #expect(error.kind == .corruption)
            }
        }
    }

    @Test func bytesThatEndEarly() throws {
        let bytes = Array(PointSet(0..<100_000).union(PointSet([200_000, 200_002])).bytes)
        for length in stride(from: 0, to: bytes.count, by: 1) {
            #expect(throws: DatabaseError.self) { _ = try TestBytes(bytes.prefix(length)).open() }
        }
    }
}
