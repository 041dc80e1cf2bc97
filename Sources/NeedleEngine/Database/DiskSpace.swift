import NeedleCore
import Synchronization

/// Watches the room on the disk that holds a database, so that a full disk stops what takes space and nothing
/// else.
///
/// While less than `lowWaterBytes` are free, or after the disk has said that it is full, new data is refused with
/// `disk_full`; reads, deletions, drops, checkpoints and merges that free space go on. A file, RESERVE, holds space
/// that nobody else gets: it is removed when one of those would fail without it. When there is room again, the
/// reserve is made anew and new data is taken, without anybody's help. Safe to use from any thread.
final class DiskSpace: Sendable {
    static let fileName = "RESERVE"
    /// The disk is asked again when this much time has passed, or this much was written.
    private static let freshNanoseconds: UInt64 = 50_000_000
    private static let freshBytes = 8 << 20

    private let directory: String
    private let fileSystem: any FileSystem
    private let clock: any Clock
    private let reserveBytes: Int
    private let lowWaterBytes: Int
    private let state = Mutex(State())

    private struct State {
        var isLow = false
        var hasReserve = false
        var freeBytes = Int.max
        /// On the monotonic clock; `nil` asks for a look at the next opportunity.
        var checkedAt: UInt64?
        var writtenBytes = 0
    }

    /// - Parameter directory: the database's; it need not exist yet.
    init(directory: String, fileSystem: any FileSystem, clock: any Clock, options: EngineOptions) {
        self.directory = directory
        self.fileSystem = fileSystem
        self.clock = clock
        reserveBytes = options.reserveBytes
        lowWaterBytes = options.lowWaterBytes
    }

    private var reservePath: String { "\(directory)/\(Self.fileName)" }

    /// Takes over the reserve of an earlier life, or makes one. A disk without room for it is no obstacle.
    func prepare() throws(DatabaseError) {
        if try fileSystem.kind(of: reservePath) == .file {
            let file = try fileSystem.openForReading(reservePath)
            defer { file.close() }
            let isRight = try file.size() == reserveBytes && reserveBytes > 0
            if !isRight { try fileSystem.unlink(reservePath) }
            state.withLock { $0.hasReserve = isRight }
        }
        state.withLock { state in
            if !makeReserve(&state) { state.isLow = true }
            look(&state)
        }
    }

    // MARK: What may be done

    /// Whether only what frees space is done now.
    var isLow: Bool {
        state.withLock { state in
            lookIfDue(&state)
            return state.isLow
        }
    }

    /// - Throws: `disk_full`, with the bytes that are free and those that are needed, while the disk is low.
    func requireRoomForNewData() throws(DatabaseError) {
        let (isLow, free) = state.withLock { state in
            lookIfDue(&state)
            return (state.isLow, state.freeBytes)
        }
        if isLow { throw refusal(free: free) }
    }

    /// Bytes that new data may take before the disk is low; looks.
    var roomForNewData: Int {
        state.withLock { state in
            look(&state)
            return state.isLow ? 0 : max(0, state.freeBytes - lowWaterBytes)
        }
    }

    /// - Throws: `disk_full` when a file of so many bytes is too large for the disk as it is.
    func requireRoom(for bytes: Int, _ what: String) throws(DatabaseError) {
        let free = state.withLock { state in
            look(&state)
            if state.freeBytes < bytes, state.hasReserve { dropReserve(&state) }
            return state.freeBytes
        }
        guard free < bytes else { return }
        throw DatabaseError(
            .diskFull, "\(what) needs about \(bytes) bytes of disk, \(free) are free",
            expected: "\(bytes) bytes free", got: "\(free) bytes")
    }

    /// Why new data is refused, if so.
    var reason: String? {
        let (isLow, free) = state.withLock { ($0.isLow, $0.freeBytes) }
        return isLow ? refusal(free: free).message : nil
    }

    private func refusal(free: Int) -> DatabaseError {
        DatabaseError(
            .diskFull,
            "the disk is full: \(free) bytes are free, \(neededBytes) are needed for new data; deleting goes on",
            expected: "\(neededBytes) bytes free", got: "\(free) bytes")
    }

    // MARK: What happened

    func noteWritten(_ bytes: Int) {
        state.withLock { $0.writtenBytes += bytes }
    }

    /// The disk refused something: takes nothing new until there is room.
    ///
    /// - Returns: whether there was a reserve, so that trying again has a chance.
    @discardableResult
    func noteFull() -> Bool {
        state.withLock { state in
            defer {
                dropReserve(&state)
                state.isLow = true
                state.checkedAt = nil
            }
            return state.hasReserve
        }
    }

    /// Does something that frees space; when the disk is too full even for that, once more with the reserve gone.
    func usingReserve<Result>(
        _ body: () throws(DatabaseError) -> Result
    ) throws(DatabaseError) -> Result {
        do throws(DatabaseError) {
            return try body()
        } catch  where error.kind == .diskFull && noteFull() {
            return try body()
        }
    }

    // MARK: Looking

    /// What must be free for new data to be taken again: some more than where it was refused, so that the state
    /// does not flicker, and room for the reserve, so that it is not made of the last bytes.
    private var neededBytes: Int { lowWaterBytes + lowWaterBytes / 8 + 2 * reserveBytes }

    private func lookIfDue(_ state: inout State) {
        guard let checkedAt = state.checkedAt else { return look(&state) }
        if clock.monotonicNanoseconds() &- checkedAt >= Self.freshNanoseconds
            || state.writtenBytes >= Self.freshBytes
        {
            look(&state)
        }
    }

    private func look(_ state: inout State) {
        state.checkedAt = clock.monotonicNanoseconds()
        state.writtenBytes = 0
        do throws(DatabaseError) {
            state.freeBytes = try fileSystem.freeBytes(at: directory)
        } catch {
            // A disk that does not even answer this shows itself in what is written to it.
            return
        }
        if state.freeBytes < lowWaterBytes { state.isLow = true }
        let reserved = state.hasReserve ? 2 * reserveBytes : 0
        if state.isLow, state.freeBytes >= neededBytes - reserved, makeReserve(&state) { state.isLow = false }
    }

    /// - Returns: whether the reserve is there, or none is wanted.
    private func makeReserve(_ state: inout State) -> Bool {
        if reserveBytes == 0 || state.hasReserve { return true }
        do throws(DatabaseError) {
            try fileSystem.unlinkIfPresent(reservePath)
            let file = try fileSystem.create(reservePath)
            defer { file.close() }
            try file.preallocate(reserveBytes)
            try file.sync()
            state.hasReserve = true
        } catch {
            dropReserve(&state)
        }
        return state.hasReserve
    }

    private func dropReserve(_ state: inout State) {
        state.hasReserve = false
        guard reserveBytes > 0 else { return }
        // What cannot be removed now is removed before the reserve is made the next time.
        do throws(DatabaseError) { try fileSystem.unlinkIfPresent(reservePath) } catch { return }
    }
}
