import NeedleCore
import NeedleEngine
import SimulationKit
import Testing

/// Vectors as models make them: a few directions have most of the variance, topics lie somewhere among them.
private struct ModelledVectors {
    static let dimension = 64
    private var generator: SeededGenerator
    private let topics: [[Float]]

    init(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        topics = (0..<24).map { _ in Self.direction(&generator, spread: 1) }
        self.generator = generator
    }

    private static func normal(_ generator: inout SeededGenerator) -> Float {
        (0..<12).reduce(Float(-6)) { sum, _ in sum + Float.random(in: 0..<1, using: &generator) }
    }

    private static func direction(_ generator: inout SeededGenerator, spread: Float) -> [Float] {
        var weight: Float = spread
        return (0..<dimension).map { _ in
            weight *= 0.93
            return weight * normal(&generator)
        }
    }

    /// A vector of one of the topics, of unit length.
    mutating func next(topics range: Range<Int>) -> [Float] {
        let topic = topics[Int.random(in: range, using: &generator)]
        let own = Self.direction(&generator, spread: 0.7)
        return Self.unit(zip(topic, own).map { $0 + $1 })
    }

    static func unit(_ vector: [Float]) -> [Float] {
        let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return vector.map { $0 / norm }
    }
}

/// A random orthogonal map, as if another model had made the vectors: a product of reflections.
private struct Rotation {
    private let mirrors: [[Float]]

    init(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        mirrors = (0..<ModelledVectors.dimension).map { _ in
            ModelledVectors.unit(
                (0..<ModelledVectors.dimension).map { _ in
                    (0..<12).reduce(Float(-6)) { sum, _ in sum + Float.random(in: 0..<1, using: &generator) }
                })
        }
    }

    func callAsFunction(_ vector: [Float]) -> [Float] {
        mirrors.reduce(vector) { vector, mirror in
            let share = 2 * zip(vector, mirror).reduce(0) { $0 + $1.0 * $1.1 }
            return zip(vector, mirror).map { $0 - share * $1 }
        }
    }
}

@Suite struct ModelWatchTests {
    private var vectors = ModelledVectors(seed: 5)
    private let database: TestDatabase
    private let collection: Collection
    private var nextID: UInt64 = 0

    init() throws {
        var options = TestDatabase.smallOptions
        options.growingRows = 8_192
        options.measureShare = 0
        database = try TestDatabase(options: options)
        collection = try database.create(size: ModelledVectors.dimension, metric: .dot, quantization: .none)
    }

    private mutating func write(
        _ count: Int, topics: Range<Int> = 0..<12, model: String? = nil,
        _ change: ([Float]) -> [Float] = { $0 }
    ) throws {
        for start in stride(from: 0, to: count, by: 50) {
            var points: [PointWrite] = []
            for _ in start..<min(count, start + 50) {
                points.append(point(nextID, change(vectors.next(topics: topics))))
                nextID += 1
            }
            let write = try collection.prepare(
                .upsert(points, ifAbsent: false), model: model, opKey: nil, context: OperationContext())
            _ = try collection.commit([write])[0].get()
        }
    }

    private var reason: String? { database.database.summaries().first?.reason }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func vectorsOfAnotherModelAreNoticedWithinAThousand(_ seed: UInt64) throws {
        var test = self
        try test.write(1_000)
        #expect(test.reason == nil)
        let rotation = Rotation(seed: seed)
        try test.write(1_000) { rotation($0) }
        #expect(test.reason?.contains("another model's") == true)
        #expect(test.database.database.summaries().first?.state == .degraded)
        // Once only right ones come, nothing is said any more.
        try test.write(1_000)
        #expect(test.reason == nil)
    }

    /// Three of four that come are of another model: two clients.
    @Test func aLargePartSuffices() throws {
        var test = self
        try test.write(500)
        let rotation = Rotation(seed: 1)
        var number = 0
        try test.write(1_000) { vector in
            number += 1
            return number % 4 == 0 ? vector : rotation(vector)
        }
        #expect(test.reason != nil)
    }

    @Test func otherTopicsAreNoOtherModel() throws {
        var test = self
        try test.write(500, topics: 0..<6)
        for first in stride(from: 6, to: 24, by: 3) {
            try test.write(500, topics: first..<(first + 3))
            #expect(test.reason == nil, "topics from \(first)")
        }
    }

    @Test func longerVectorsAreNoticedToo() throws {
        var test = self
        try test.write(500)
        try test.write(1_000) { $0.map { 1.03 * $0 } }
        #expect(test.reason == nil)
        try test.write(1_000) { $0.map { 9 * $0 } }
        #expect(test.reason?.contains("9.0 times as long") == true, "\(test.reason ?? "")")
    }

    /// What names its model was checked by that name, or cannot be: a space without one takes any.
    @Test func whoNamesAModelIsNotWatched() throws {
        var test = self
        try test.write(500)
        let rotation = Rotation(seed: 2)
        try test.write(1_000, model: "some-model") { rotation($0) }
        #expect(test.reason == nil)
    }

    /// After a start the stored vectors are what others are compared with.
    @Test func theBaselineIsWhatIsStored() throws {
        var test = self
        try test.write(600)
        test.database.settle()
        try test.database.reopen()
        let collection = try test.database.collection()
        let rotation = Rotation(seed: 3)
        for start in 0..<20 as Range<UInt64> {
            let points = (0..<50).map { number in
                point(10_000 + start * 50 + number, rotation(test.vectors.next(topics: 0..<12)))
            }
            try collection.upsert(points)
        }
        #expect(test.reason?.contains("another model's") == true)
    }

    /// Where vectors are as scattered as random directions, nothing can be said.
    @Test func randomVectorsAreNeverStrange() throws {
        var test = self
        var generator = SeededGenerator(seed: 1)
        try test.write(2_000) { _ in
            (0..<ModelledVectors.dimension).map { _ in Float.random(in: -1...1, using: &generator) }
        }
        #expect(test.reason == nil)
    }
}
