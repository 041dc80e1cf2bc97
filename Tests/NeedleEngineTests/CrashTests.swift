import NeedleCore
import NeedleEngine
import SimulationKit
import Testing

/// Random operations with crashes against a plain dictionary: acknowledged ⊆ found ⊆ attempted (invariants 1
/// to 4).
@Suite struct CrashTests {
    /// What a point should be: vector and payload.
    struct Stored: Equatable {
        var vector: [Float]
        var payload: String
    }

    @Test(arguments: 0..<24)
    func whatWasAcknowledgedSurvives(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        var options = TestDatabase.smallOptions
        options.checkpointBytes = 6_000
        options.growingRows = 1024
        // A few rows are enough for a graph, so that graphs are written and read too.
        options.exactRows = 4
        options.trainingRows = 16
        let database = try TestDatabase(options: options)
        try database.create(size: 3)
        var model: [PointID: Stored] = [:]
        for _ in 0..<120 {
            switch Int.random(in: 0..<20, using: &generator) {
            case 0:
                let losses: [LossModel?] = [nil] + LossModel.allCases
                try database.crash(losses.randomElement(using: &generator) ?? nil, using: &generator)
                try check(database, model)
            case 1: try database.reopen()
            case 2: _ = try database.collection().optimize()
            case 3..<8: _ = database.database.maintain(context: OperationContext())
            case 8..<11: try delete(from: database, &model, &generator)
            default: try upsert(into: database, &model, &generator)
            }
        }
        try check(database, model)
        database.settle()
        try check(database, model)
        try database.reopen()
        try check(database, model)
    }

    @Test func aCollectionThatTakesNoMoreWritesSaysSo() throws {
        let database = try TestDatabase()
        let collection = try database.create(size: 1)
        try collection.upsert([point(1, [1])])
        #expect(database.database.summaries().map(\.state) == [.ready])
        // The next write, then its sync: the second operation fails.
        database.disk.plan(Fault(.ioError, at: 2))
        #expect(throws: DatabaseError.self) { try collection.upsert([point(2, [1])]) }
        #expect(throws: DatabaseError.self) { try collection.upsert([point(3, [1])]) }
        let summary = try #require(database.database.summaries().first)
        #expect(summary.state == .degraded && summary.reason != nil)
        #expect(try collection.count() == 1, "reads go on")
    }

    /// Every file operation of a script fails once: a write is refused or done, and nothing acknowledged is
    /// lost.
    @Test(arguments: [FaultKind.ioError, .diskFull, .shortWrite])
    func aFailedOperationLosesNothingAcknowledged(kind: FaultKind) throws {
        let (operations, _) = try runScript(fault: nil)
        #expect(operations > 60)
        var failures = 0
        for operation in 1...operations {
            let (_, refused) = try runScript(fault: (kind, operation))
            failures += refused > 0 ? 1 : 0
        }
        #expect(failures > 20, "failures must have reached writes")
    }

    /// Twelve writes, one optimize in between; then a crash that loses nothing that was written.
    private func runScript(fault: (kind: FaultKind, operation: Int)?) throws -> (
        operations: Int, refused: Int
    ) {
        let database = try TestDatabase()
        let collection = try database.create(size: 2)
        database.disk.plan()
        if let fault { database.disk.plan(Fault(fault.kind, at: fault.operation)) }
        var acknowledged = Set<PointID>()
        var refused = Set<PointID>()
        for id in 0..<12 as Range<UInt64> {
            do {
                try collection.upsert([point(id, [1, Float(id)], #"{"i":\#(id)}"#)])
                acknowledged.insert(PointID(id))
            } catch {
                refused.insert(PointID(id))
            }
            if id == 6 { _ = collection.optimize() }
            database.settle()
        }
        let operations = database.disk.operationCount
        database.disk.plan()
        var generator = SeededGenerator(seed: UInt64(operations))
        try database.crash(.all, using: &generator)
        let ids = Set(try database.collection().scrollAll().map(\.id))
        #expect(ids.isSuperset(of: acknowledged), "\(String(describing: fault))")
        #expect(ids.subtracting(acknowledged).isSubset(of: refused), "\(String(describing: fault))")
        return (operations, refused.count)
    }

    private func upsert(
        into database: TestDatabase, _ model: inout [PointID: Stored], _ generator: inout SeededGenerator
    ) throws {
        var points: [PointWrite] = []
        for _ in 0..<Int.random(in: 1...6, using: &generator) {
            let id = randomID(&generator)
            let vector = (0..<3).map { _ in Float.random(in: 0.1...1, using: &generator) }
            let payload = #"{"n":\#(UInt64.random(in: 0...99, using: &generator))}"#
            points.append(PointWrite(id: id, vectors: .single(vector), payload: Payload(payload)))
        }
        let distinct = Set(points.map(\.id))
        let known = distinct.count { model[$0] != nil }
        let receipt = try database.collection().upsert(points)
        #expect(receipt.updated == known && receipt.created == distinct.count - known)
        for point in points {
            guard case .single(let vector) = point.vectors else { continue }
            model[point.id] = Stored(vector: vector, payload: point.payload.text)
        }
    }

    private func delete(
        from database: TestDatabase, _ model: inout [PointID: Stored], _ generator: inout SeededGenerator
    ) throws {
        let ids = (0..<3).map { _ in randomID(&generator) }
        let receipt = try database.collection().delete(.ids(ids))
        #expect(receipt.deleted == Set(ids).count { model[$0] != nil })
        for id in ids { model[id] = nil }
    }

    private func randomID(_ generator: inout SeededGenerator) -> PointID {
        let number = UInt64.random(in: 0..<40, using: &generator)
        return number % 3 == 0 ? PointID("id-\(number)") : PointID(number)
    }

    private func check(_ database: TestDatabase, _ model: [PointID: Stored]) throws {
        let collection = try database.collection()
        let found = try collection.scrollAll()
        #expect(try collection.count() == model.count)
        #expect(found.map(\.id) == model.keys.sorted())
        for record in found {
            let stored = Stored(
                vector: record.vectors?.first?.vector ?? [], payload: record.payload?.text ?? "")
            #expect(stored == model[record.id])
        }
        if let some = model.first {
            let result = try collection.search(some.value.vector, limit: model.count, effort: .exact)
            #expect(Set(result.ids) == Set(model.keys))
        }
    }
}
