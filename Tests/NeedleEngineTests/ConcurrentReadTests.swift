import Glibc
import NeedleCore
import NeedleEngine
import Synchronization
import Testing

/// Reads while points are imported, indexed, sealed and merged: every acknowledged point is found, at once.
@Suite struct ConcurrentReadTests {
    /// What the threads of a test tell each other.
    private final class Shared: Sendable {
        let acknowledged = Atomic<Int>(0)
        let isOver = Atomic<Bool>(false)
        let searches = Atomic<Int>(0)
        let misses = Mutex<[String]>([])
        let deadThrough = Atomic<Int>(0)

        func report(_ miss: String) { misses.withLock { $0.append(miss) } }
    }

    /// A change of many payloads is seen whole or not at all, while segments are sealed and merged behind it.
    @Test func aChangeOfPayloadsIsSeenWholeOrNotAtAll() throws {
        var options = TestDatabase.smallOptions
        options.overlayBytes = 20_000
        let fixture = try TestDatabase(options: options)
        let collection = try fixture.create(size: 2)
        try collection.upsert((0..<200).map { point(UInt64($0), [1, Float($0)], #"{"v":0}"#) })
        let shared = Shared()
        let database = fixture.database
        let maintenance = thread {
            while !shared.isOver.load(ordering: .relaxed) {
                if !database.maintain(context: OperationContext()) { usleep(200) }
            }
        }
        let reader = thread {
            while !shared.isOver.load(ordering: .relaxed) {
                let floor = shared.acknowledged.load(ordering: .acquiring)
                let request = ScrollRequest(limit: 1_000, selection: PointSelection(payload: .all))
                let page = try? collection.scroll(request, context: OperationContext())
                let seen = Set((page?.points ?? []).map { "\($0.version) \($0.payload?.text ?? "")" })
                let value = seen.first?.split(separator: ":").last.flatMap { Int($0.dropLast()) } ?? -1
                if seen.count != 1 || value < floor { shared.report("\(floor): \(seen)") }
                shared.searches.add(1, ordering: .relaxed)
            }
        }
        for value in 1...80 {
            try collection.set(#"{"v":\#(value)}"#, .all)
            shared.acknowledged.store(value, ordering: .releasing)
            if value % 10 == 0 { _ = collection.optimize() }
        }
        while shared.searches.load(ordering: .relaxed) < 5 { usleep(1_000) }
        shared.isOver.store(true, ordering: .relaxed)
        for thread in [maintenance, reader] { pthread_join(thread, nil) }
        #expect(shared.misses.withLock { $0 } == [])
    }

    @Test(arguments: QuantizationKind.allCases)
    func everyAcknowledgedPointIsFoundWhateverGoesOnBehind(kind: QuantizationKind) throws {
        var options = TestDatabase.smallOptions
        options.growingRows = 1_024
        let fixture = try TestDatabase(options: options)
        let collection = try fixture.create(size: 64, metric: .euclid, quantization: kind)
        let count = 3_000
        let vectors = clusteredVectors(count, dimension: 64, seed: 91)
        let shared = Shared()
        let database = fixture.database
        let maintenance = (0..<2).map { _ in
            thread {
                while !shared.isOver.load(ordering: .relaxed) {
                    if !database.maintain(context: OperationContext()) { usleep(200) }
                }
            }
        }
        let reader = thread {
            var generator = SeededGenerator(seed: 92)
            while !shared.isOver.load(ordering: .relaxed) {
                let acknowledged = shared.acknowledged.load(ordering: .acquiring)
                // Rows up to here may be deleted meanwhile; what lies above must be found.
                let dead = shared.deadThrough.load(ordering: .acquiring)
                guard acknowledged > dead else { continue }
                let row = Int.random(in: dead..<acknowledged, using: &generator)
                let found = try? collection.search(vectors[row], limit: 1, effort: .ef(64))
                if found?.ids != [PointID(UInt64(row))], row >= shared.deadThrough.load(ordering: .acquiring)
                {
                    shared.report("\(row): \(String(describing: found?.ids))")
                }
                shared.searches.add(1, ordering: .relaxed)
            }
        }
        var written = 0
        while written < count {
            let end = min(count, written + 50)
            try collection.upsert((written..<end).map { point(UInt64($0), vectors[$0]) })
            written = end
            shared.acknowledged.store(written, ordering: .releasing)
            if written % 500 == 0 {
                // Told first, so that the reader expects them no more.
                let dead = written / 10
                shared.deadThrough.store(dead, ordering: .releasing)
                try collection.delete(.ids((0..<dead).map { PointID(UInt64($0)) }))
                _ = collection.optimize()
            }
        }
        while collection.describe().segments.contains(where: { $0.state != .sealed && $0.rows > 0 }) {
            _ = collection.optimize()
            usleep(20_000)
        }
        shared.isOver.store(true, ordering: .relaxed)
        for thread in maintenance + [reader] { pthread_join(thread, nil) }
        #expect(shared.misses.withLock { $0 } == [])
        #expect(shared.searches.load(ordering: .relaxed) > 100)
        #expect(try collection.count() == count - count / 10)
        #expect(collection.describe().state == .ready)
    }
}
