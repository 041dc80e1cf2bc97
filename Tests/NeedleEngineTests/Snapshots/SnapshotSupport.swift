import NeedleCore
import NeedleEngine
import NeedleStorage
import SimulationKit
import Testing

extension Database {
    func work(_ context: OperationContext = OperationContext()) -> SnapshotWork {
        beginSnapshotWork("test", collection: "c", context: context)
    }

    @discardableResult
    func snapshot(_ collection: String = "c") throws -> SnapshotDescription {
        try createSnapshot(of: collection, work: work())
    }

    @discardableResult
    func restore(
        _ snapshot: String, as name: String, to point: RestorePoint = .snapshot
    ) throws -> RestoredCollection {
        try restoreSnapshot(snapshot, as: name, to: point, work: work())
    }

    @discardableResult
    func verify(_ snapshot: String) throws -> SnapshotVerification {
        try verifySnapshot(snapshot, work: work())
    }
}

extension TestDatabase {
    /// Small segments, graphs early, and all that a snapshot may meet: sealed segments, deletions beside them,
    /// rows that still grow, string ids, and points that expire.
    static var snapshotOptions: EngineOptions {
        var options = smallOptions
        options.growingRows = 1024
        options.exactRows = 4
        options.trainingRows = 16
        options.measureShare = 0
        // Deletions go to their file whenever background work is run.
        options.checkpointBytes = 40
        return options
    }

    /// 60 points of which some are sealed, some grow, some are deleted and two expire.
    func fill(_ collection: Collection) throws {
        for id in 0..<40 as Range<UInt64> {
            try collection.upsert([point(id, [1, Float(id), 2], #"{"n":\#(id)}"#)])
        }
        _ = collection.optimize()
        settle()
        try collection.delete(.ids([PointID(3), PointID(4)]))
        settle()
        try collection.upsert([point(5, [5, 5, 5], #"{"new":true}"#)], opKey: "five")
        let later = clock.wallMilliseconds() + 1_000
        try collection.upsert([
            point(90, [1, 1, 1], expiresAt: later), point(91, [1, 1, 2], expiresAt: later),
        ])
        for id in 40..<58 as Range<UInt64> {
            try collection.upsert([
                PointWrite(
                    id: PointID("s\(id)"), vectors: .single([2, 1, Float(id)]), payload: Payload("{}"))
            ])
        }
    }

    /// What is in a collection, to be compared.
    func content(_ name: String = "c") throws -> [String] {
        try collection(name).scrollAll().map { record in
            let vector = record.vectors?.first?.vector ?? []
            return "\(record.id) \(record.version) \(record.payload?.text ?? "") \(vector)"
        }
    }

    /// Nothing lies in the data directory that no catalogue and no snapshot names.
    func expectNoLeftovers(_ collections: Int, _ snapshots: Int, _ comment: Comment? = nil) throws {
        #expect(try disk.list("db/collections").count == collections, comment)
        #expect(try disk.list("db/snapshots").count == snapshots, comment)
    }
}

/// A snapshot that somebody changes on purpose.
struct ForgedSnapshot {
    let disk: SimulatedFileSystem
    let name: String

    private var folder: String { "db/snapshots/\(name)" }

    /// Puts other bytes in place of a file, in a file of its own: the live collection shares the old one.
    func replace(_ file: String, with bytes: [UInt8]) throws {
        try disk.unlinkIfPresent("\(folder)/\(file)")
        disk.put(bytes, at: "\(folder)/\(file)")
    }

    func bytes(_ file: String) throws -> [UInt8] { try #require(disk.content(of: "\(folder)/\(file)")) }

    var manifest: SnapshotManifest {
        get throws {
            try SnapshotManifest(decoding: try bytes("SNAPSHOT"), file: "SNAPSHOT")
        }
    }

    /// Writes a manifest whose hashes are those of the files as they are now.
    func sign(_ change: (inout SnapshotManifest) -> Void = { _ in }) throws {
        var signed = try manifest
        change(&signed)
        signed.files = try signed.files.map { file in
            let bytes = try bytes(file.name)
            return SnapshotFile(name: file.name, bytes: bytes.count, sha256: ContentHash.hex(of: bytes))
        }
        try replace("SNAPSHOT", with: signed.encoded())
    }

    /// Changes the collection's manifest inside and signs.
    func change(_ change: (inout Manifest) -> Void) throws {
        var manifest = try Manifest(decoding: try bytes("MANIFEST"), file: "MANIFEST")
        change(&manifest)
        try replace("MANIFEST", with: manifest.encoded())
        try sign()
    }
}
