package import NeedleCore
import NeedleStorage
import NeedleVectors
import Synchronization

/// One collection: its segments, its log, and what readers may see of them.
///
/// Invariants:
/// - Writes are serialised by the writer lock; a published (segments, LSN) pair changes under its own short
///   lock, and readers take it whole. Lock order: writer, then published.
/// - A read sees every acknowledged write and none that is not yet as durable as the collection promises.
/// All methods may be called from any thread.
package final class Collection: Sendable {
    private let names: Mutex<String>
    package let config: CollectionConfig
    let clock: any Clock
    let options: EngineOptions
    let store: CollectionStore
    let disk: DiskSpace
    let scratches = SearchScratchPool()
    /// One per space.
    let paces: [SearchPace]
    let filteredPaces: [SearchPace]
    let watches: [ModelWatch]
    let moments: MomentTable
    let maintenance: Maintenance
    let idle: IdleWatch
    let measurement: SelfMeasurement
    let quality: QualityWatch
    let integrity: Integrity
    let fieldIndexing = FieldIndexing()
    let writer: Mutex<CollectionWriter>
    /// Bytes of log when it was last asked, for who does not want to wait for a writer.
    let knownLogBytes = Atomic<Int>(0)
    private let published: Mutex<Published>
    private let waiters = Mutex(VisibilityWaiters())
    private let writeFailure = Mutex<DatabaseError?>(nil)
    /// Who is told of changes and reads while the collection is being re-embedded. Set and taken away under the writer
    /// lock.
    private let feeds = Mutex<ChangeFeed?>(nil)
    private let hasFeed = Atomic<Bool>(false)

    /// What readers take.
    struct Published {
        var set: SegmentSet
        var lsn: LSN
        var liveRows: Int
        /// The newest write's time: expiry never runs behind it.
        var timeMS: Int64
        var indexes: FieldIndexCatalogue
    }

    init(
        name: String, store: CollectionStore, recovered writer: sending CollectionWriter,
        environment: EngineEnvironment
    ) {
        names = Mutex(name)
        config = writer.config
        paces = writer.config.spaces.map { _ in SearchPace() }
        filteredPaces = writer.config.spaces.map { _ in SearchPace() }
        watches = writer.config.spaces.map { ModelWatch(space: $0) }
        clock = environment.clock
        options = environment.options
        self.store = store
        disk = environment.disk
        moments = MomentTable(
            limits: environment.options.limits, seed: environment.options.seed ^ environment.bootNonce)
        maintenance = Maintenance(collection: name, clock: environment.clock)
        idle = IdleWatch(seconds: environment.options.idleSealSeconds)
        measurement = SelfMeasurement(
            config: writer.config, options: environment.options, clock: environment.clock)
        quality = QualityWatch(spaces: writer.config.spaces.count, seed: environment.options.seed)
        integrity = Integrity(
            options: environment.options, now: environment.clock.monotonicNanoseconds())
        published = Mutex(
            Published(
                set: writer.set, lsn: writer.lsn, liveRows: writer.liveRows, timeMS: writer.timeMS,
                indexes: writer.indexes))
        writer.backlog = BacklogShare(of: environment.backlog)
        // What was replayed waits for it too.
        if writer.sinceCheckpoint.bytes > 0 { idle.noteWrite(now: environment.clock.monotonicNanoseconds()) }
        self.writer = Mutex(writer)
    }

    /// A cutover gives a collection another one.
    package internal(set) var name: String {
        get { names.withLock { $0 } }
        set { names.withLock { $0 = newValue } }
    }

    // MARK: What readers see

    /// The newest state a reader may see, at this moment.
    func view() -> ReadView {
        let now = clock.wallMilliseconds()
        let view = published.withLock { state in
            ReadView(
                set: state.set, lsn: state.lsn, now: max(now, state.timeMS), liveRows: state.liveRows,
                analyses: state.indexes.analyses)
        }
        view.set.admit()
        return view
    }

    /// The segments as they are, for work on their files.
    var segments: SegmentSet { published.withLock { $0.set } }

    /// The indexes that a reader knows of.
    var fieldIndexes: FieldIndexCatalogue { published.withLock { $0.indexes } }

    /// The newest write that is visible.
    package var visibleLSN: LSN {
        published.withLock { $0.lsn }
    }

    /// Makes everything the writer has applied visible. Under the writer lock, after the sync.
    func publish(_ writer: borrowing CollectionWriter) {
        let state = Published(
            set: writer.set, lsn: writer.lsn, liveRows: writer.liveRows, timeMS: writer.timeMS,
            indexes: writer.indexes)
        published.withLock { $0 = state }
        if let feed, !writer.changed.isEmpty {
            feed.note(changed: writer.changed)
            writer.changed = []
        }
    }

    /// Clients that look its name up find another collection.
    var isReplaced: Bool { Catalogue.Reembedding.isShadow(name) }

    /// Costs one load while nobody follows.
    var feed: ChangeFeed? { hasFeed.load(ordering: .acquiring) ? feeds.withLock { $0 } : nil }

    /// From now on, or no longer: every change that becomes visible is told to `feed`. Under the writer lock.
    func tell(_ feed: ChangeFeed?, _ writer: borrowing CollectionWriter) {
        writer.notesChanges = feed != nil
        writer.changed = []
        feeds.withLock { $0 = feed }
        hasFeed.store(feed != nil, ordering: .releasing)
    }

    /// Swaps the segments under readers without showing more writes. Under the writer lock.
    ///
    /// - Parameter rowsGone: expired rows that the new segments no longer hold.
    func publishSegments(_ set: SegmentSet, rowsGone: Int = 0) {
        published.withLock { state in
            state.set = set
            state.liveRows -= rowsGone
        }
    }

    /// Why the collection takes no writes now, if so: its log failed, or memory no longer follows the log.
    var failureOfWrites: DatabaseError? { writeFailure.withLock { $0 } }

    /// Makes that known to those who do not hold the writer lock.
    func noteStateOfWrites(_ writer: borrowing CollectionWriter) {
        let failure = writer.failure ?? writer.log.failure
        writeFailure.withLock { $0 = failure }
    }

    // MARK: Waiting for a write

    /// Calls back once when `lsn` is visible, at once if it is already. On any thread; do little there.
    ///
    /// - Returns: a token for `cancelNotification`.
    package func notify(at lsn: LSN, _ body: @escaping @Sendable () -> Void) -> UInt64 {
        let token = waiters.withLock { $0.add(lsn, body) }
        // Looked at after registering, so that a publication in between is not missed.
        wakeWaiters(upTo: visibleLSN)
        return token
    }

    package func cancelNotification(_ token: UInt64) {
        waiters.withLock { $0.remove(token) }
    }

    func wakeWaiters(upTo lsn: LSN) {
        for body in waiters.withLock({ $0.take(upTo: lsn) }) { body() }
    }
}

/// Who waits for which write.
private struct VisibilityWaiters {
    private var waiting: [UInt64: (lsn: LSN, body: @Sendable () -> Void)] = [:]
    private var nextToken: UInt64 = 1

    mutating func add(_ lsn: LSN, _ body: @escaping @Sendable () -> Void) -> UInt64 {
        defer { nextToken += 1 }
        waiting[nextToken] = (lsn, body)
        return nextToken
    }

    mutating func remove(_ token: UInt64) {
        waiting[token] = nil
    }

    mutating func take(upTo lsn: LSN) -> [@Sendable () -> Void] {
        guard !waiting.isEmpty else { return [] }
        let ready = waiting.filter { $0.value.lsn <= lsn }
        for token in ready.keys { waiting[token] = nil }
        return ready.values.map(\.body)
    }
}
