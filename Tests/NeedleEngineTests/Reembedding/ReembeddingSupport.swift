import Glibc
import NeedleCore
import NeedleEngine
import SimulationKit
import Synchronization
import Testing

/// A model whose vectors lie in two dimensions of its own: whatever another one made is orthogonal to them, so that a
/// search of one's points by the other's query cannot look right.
final class PlaneModel: TextEmbedder {
    let model: ModelDescription
    private let plane: Int
    /// Texts that it was given.
    let embedded = Atomic<Int>(0)
    let fails = Atomic<Bool>(false)

    init(_ name: String, plane: Int, planes: Int = 2) {
        self.plane = plane
        model = ModelDescription(
            name: name, fingerprint: "fingerprint-\(name)", dimensions: 2 * planes, maximumTokens: 256)
    }

    /// Where a text lies on the circle, by its words.
    static func angle(_ text: String) -> Float {
        Float(text.utf8.reduce(7) { ($0 &* 31 &+ Int($1)) % 6_283 }) / 1_000
    }

    func vector(_ text: String) -> [Float] {
        var vector = [Float](repeating: 0, count: model.dimensions)
        vector[2 * plane] = cosf(Self.angle(text))
        vector[2 * plane + 1] = sinf(Self.angle(text))
        return vector
    }

    /// Whether one of its vectors.
    func made(_ vector: [Float]) -> Bool {
        vector.indices.allSatisfy { $0 / 2 == plane || vector[$0] == 0 } && vector.contains { $0 != 0 }
    }

    func embed(
        _ texts: [String], kind: EmbeddingKind, context: OperationContext
    ) throws(DatabaseError) -> EmbeddingBatch {
        if fails.load(ordering: .relaxed) { throw DatabaseError(.internal, "the model is ill") }
        embedded.add(texts.count, ordering: .relaxed)
        return EmbeddingBatch(vectors: texts.map(vector), tokens: texts.count, truncated: 0)
    }
}

extension PlaneModel {
    /// The whole text, if there is any.
    func chunks(
        of text: String, format: DocumentFormat, sizes: ChunkSizes, limit: Int, context: OperationContext
    ) throws(DatabaseError) -> [TextChunk] {
        text.isEmpty ? [] : [TextChunk(range: 0..<text.utf8.count, headings: [], passage: text)]
    }
}

/// A database with two models and a collection that the first of them fills.
final class ReembeddedDatabase {
    let old = PlaneModel("old", plane: 0)
    let new = PlaneModel("new", plane: 1)
    let database: TestDatabase

    init(disk: SimulatedFileSystem = SimulatedFileSystem(), points: Int = 100) throws {
        var options = TestDatabase.smallOptions
        options.embedders = Embedders([old, new])
        options.reembedShare = 1
        options.measureShare = 0
        database = try TestDatabase(disk: disk, options: options)
        guard points > 0 else { return }
        let space = SpaceConfig(name: CollectionConfig.defaultSpaceName, size: 0, model: "old")
        _ = try database.database.createCollection(named: "c", config: CollectionConfig(spaces: [space]))
        try upsert(0..<points)
    }

    var collection: Collection { get throws { try database.collection() } }

    /// Opens what another one has left.
    convenience init(opening disk: SimulatedFileSystem) throws { try self.init(disk: disk, points: 0) }

    static func text(_ id: Int) -> String { "text number \(id)" }

    func upsert(_ ids: Range<Int>, text: (Int) -> String = ReembeddedDatabase.text) throws {
        try collection.upsert(
            ids.map {
                PointWrite(
                    id: PointID(UInt64($0)), vectors: .absent, text: text($0),
                    payload: Payload(#"{"n":\#($0)}"#))
            })
    }

    func start() throws {
        _ = try database.database.startReembedding("c", using: nil, model: "new")
    }

    func status() throws -> ReembeddingStatus { try database.database.reembeddingStatus("c") }

    @discardableResult
    func cutOver(force: Bool = false) throws -> ReembeddingStatus {
        try database.database.cutOver("c", force: force, context: OperationContext())
    }

    @discardableResult
    func rollBack() throws -> LSN { try database.database.rollBack("c", context: OperationContext()) }

    /// Id and payload of every point.
    func content() throws -> [String] {
        try collection.scrollAll(limit: 1_000).map { "\($0.id) \($0.payload?.text ?? "")" }
    }

    /// Every point has exactly the vector that the model makes of its text, and one whose text nobody has changed is
    /// found by it.
    func expectAll(_ model: PlaneModel, sample: Int = 11, _ comment: Comment = "") throws {
        for record in try collection.scrollAll(limit: 1_000) {
            #expect(record.vectors?.count == 1, comment)
            #expect(record.vectors.map { model.made($0[0].vector) } == true, comment)
        }
        let hits = try collection.search(
            SearchQuery(target: .text(Self.text(sample)), limit: 3), context: OperationContext()
        ).hits
        #expect((hits.first?.score ?? 0) > 0.999, comment)
    }
}
