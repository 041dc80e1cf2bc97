// Snapshots and jobs.

import NeedleCore

/// A snapshot of a collection.
public struct SnapshotInfo: Hashable, Sendable {
    /// Its name.
    public var name: String
    /// The collection it was taken of, which may be gone.
    public var collection: String
    /// The state after this write.
    public var lsn: UInt64
    /// Points in it.
    public var points: Int
    /// Bytes of its files, those included that it shares with the live collection.
    public var bytes: Int
    /// SHA-256 of its manifest, which holds those of its files.
    public var sha256: String
    /// When it was taken, in milliseconds since 1970.
    public var createdMS: Int

    init(_ result: ResultObject, collection: String? = nil) throws(NeedletailError) {
        name = try result.string("snapshot")
        self.collection = if let collection { collection } else { try result.string("collection") }
        lsn = try result.lsn()
        points = try result.int("points")
        bytes = try result.int("bytes")
        sha256 = try result.string("sha256")
        createdMS = collection == nil ? try result.int("created_ms") : 0
    }
}

/// What a verification compared.
public struct SnapshotVerification: Hashable, Sendable {
    /// Files whose SHA-256 is the one in the manifest.
    public var files: Int
    /// Bytes of them.
    public var bytes: Int
    /// Points in the snapshot.
    public var points: Int
    /// Searches that gave the answers they gave when the snapshot was taken.
    public var probes: Int
}

/// How far a restore goes.
public enum RestorePoint: Hashable, Sendable {
    /// The snapshot as it is.
    case snapshot
    /// On through this write; the log up to it must be kept.
    case lsn(UInt64)
    /// On through the last write at or before this time, in milliseconds since 1970.
    case time(Int)
}

/// A job of the server.
public struct JobInfo: Hashable, Sendable {
    /// Its name.
    public var job: String
    /// What it does: `optimize`, `snapshot`, `verify`, `restore` and others.
    public var kind: String
    /// What it is about.
    public var collection: String
    /// `running`, `done`, `failed` or `cancelled`.
    public var state: String
    /// What it is at.
    public var phase: String
    /// How much of the phase is done.
    public var done: Int
    /// How much the phase is; 0 when unknown.
    public var total: Int
    /// Why it failed.
    public var error: String?

    init(_ result: ResultObject) throws(NeedletailError) {
        job = try result.string("job")
        kind = try result.string("kind")
        collection = try result.string("collection")
        state = try result.string("state")
        phase = try result.string("phase")
        done = try result.int("done")
        total = try result.int("total")
        error = result.object["error"]?.stringValue
    }
}

extension NeedletailClient {
    /// Takes a snapshot of a collection as it is now; writers go on meanwhile.
    ///
    /// - Parameters:
    ///   - timeout: none, unless one is given.
    ///   - onProgress: called on an event loop while waiting; must not block.
    public func createSnapshot(
        of collection: String, timeout: Timeout? = nil, onProgress: (@Sendable (Progress) -> Void)? = nil
    ) async throws -> SnapshotInfo {
        let request = OutgoingRequest("snapshot.create", repeatability: .onlyIfUnsent) {
            $0.collection(collection)
        }
        let bytes = try await perform(request, timeout: timeout ?? .none, onProgress: onProgress)
        return try SnapshotInfo(try ResultObject(bytes), collection: collection)
    }

    /// Lists the snapshots, all or those of a collection of this name.
    public func snapshots(
        of collection: String? = nil, timeout: Timeout = .standard
    ) async throws -> [SnapshotInfo] {
        let request = OutgoingRequest("snapshot.list") { if let collection { $0.collection(collection) } }
        let result = try ResultObject(try await perform(request, timeout: timeout))
        return try result.objects("snapshots").map { (entry) throws(NeedletailError) in
            try SnapshotInfo(entry)
        }
    }

    /// Deletes a snapshot. The collection it was taken of, and those restored from it, are not touched.
    public func deleteSnapshot(_ name: String, timeout: Timeout = .standard) async throws {
        let request = OutgoingRequest("snapshot.delete", repeatability: .onlyIfUnsent) { $0.snapshot(name) }
        _ = try await perform(request, timeout: timeout)
    }

    /// Compares every file with its SHA-256, restores the snapshot into scratch and asks its probes.
    ///
    /// - Throws: `corruption`, naming what is damaged.
    public func verifySnapshot(
        _ name: String, timeout: Timeout? = nil, onProgress: (@Sendable (Progress) -> Void)? = nil
    ) async throws -> SnapshotVerification {
        let request = OutgoingRequest("snapshot.verify") { $0.snapshot(name) }
        let result = try ResultObject(
            try await perform(request, timeout: timeout ?? .none, onProgress: onProgress))
        return SnapshotVerification(
            files: try result.int("files"), bytes: try result.int("bytes"),
            points: try result.int("points"), probes: try result.int("probes"))
    }

    /// Makes a new collection of a snapshot; all of it is checked before any of it is visible.
    ///
    /// - Returns: its points, and the LSN that it goes on from.
    /// - Throws: `already_exists` when the name is in use; `not_found` when the log up to the point is not kept.
    @discardableResult
    public func restoreSnapshot(
        _ name: String, as collection: String, to point: RestorePoint = .snapshot, timeout: Timeout? = nil,
        onProgress: (@Sendable (Progress) -> Void)? = nil
    ) async throws -> (points: Int, lsn: UInt64) {
        let request = OutgoingRequest("snapshot.restore", repeatability: .onlyIfUnsent) { writer in
            writer.snapshot(name)
            writer.key("as")
            writer.write(collection)
            switch point {
            case .snapshot: break
            case .lsn(let lsn):
                writer.key("to_lsn")
                writer.write(lsn)
            case .time(let time):
                writer.key("to_time")
                writer.write(time)
            }
        }
        let result = try ResultObject(
            try await perform(request, timeout: timeout ?? .none, onProgress: onProgress))
        return (try result.int("points"), try result.lsn())
    }

    /// Jobs that run, and those that ended lately.
    public func jobs(timeout: Timeout = .standard) async throws -> [JobInfo] {
        let result = try ResultObject(try await perform(OutgoingRequest("job.list"), timeout: timeout))
        return try result.objects("jobs").map { (entry) throws(NeedletailError) in try JobInfo(entry) }
    }

    /// Asks a job to end soon; what it has not finished, it leaves as if it had not been begun.
    public func cancelJob(_ job: String, timeout: Timeout = .standard) async throws {
        let request = OutgoingRequest("job.cancel", repeatability: .onlyIfUnsent) { writer in
            writer.key("job")
            writer.write(job)
        }
        _ = try await perform(request, timeout: timeout)
    }
}

extension JSONWriter {
    fileprivate mutating func snapshot(_ name: String) {
        key("snapshot")
        write(name)
    }
}
