// Executes requests against the database and answers them, on threads that the event loops never wait for.
//
// Which work runs where, so that nothing slow is in front of something quick:
//   search     reads, and the checking of writes; as many threads as cores
//   embedding  everything that has texts; many, since they wait for each other to go through the model together
//   documents  cutting and embedding documents, which may take minutes; one
//   write      commits: one group of one collection at a time; a few, they mostly wait for the disk
//   control    descriptions, creating and dropping collections; two
//   snapshots  making, verifying and restoring snapshots, at low priority; one
// Searches that have been quick lately may run on the event loop that read them (`QuickDesk`).
// Waiting (for a loading collection, for `min_lsn`) takes no thread. Queues are bounded: what does not fit is
// answered `overloaded`; the number of requests that wait elsewhere is bounded by `in_flight` and `connections`.

package import NIOCore
import NIOPosix
package import NeedleCore
package import NeedleEngine
package import NeedleWire

/// Safe to use from any thread, except that `submit` is called from the connection's event loop.
package final class Dispatcher: RequestExecutor {
    let database: Database
    let status: ServerStatus
    private let audit: AuditLog?
    let metrics: ServerMetrics
    let clock: any Clock
    let limits: Limits
    let encoder: ReplyEncoder
    let search: WorkerPool
    let embedding: WorkerPool
    let documents: WorkerPool
    let control: WorkerPool
    let snapshotPool: WorkerPool
    let snapshotBytesPerSecond: Int
    private let write: WorkerPool
    let commits: CommitQueue
    let waiting: WaitingRoom
    let timers: any EventLoop
    private let background: BackgroundWork
    /// By event loop.
    let desks: [ObjectIdentifier: QuickDesk]

    package init(
        database: Database, configuration: ServerConfiguration, clock: any Clock, status: ServerStatus,
        metrics: ServerMetrics, audit: AuditLog? = nil, loops: [any EventLoop]
    ) {
        self.audit = audit
        self.database = database
        self.status = status
        self.metrics = metrics
        self.clock = clock
        timers = loops[0]
        limits = configuration.limits
        encoder = ReplyEncoder(limits: configuration.limits)
        let cores = ProcessSettings.cores
        let queue = configuration.queuedRequests
        func threads(_ configured: Int, _ automatic: Int) -> Int {
            configured > 0 ? configured : max(1, automatic)
        }
        let search = WorkerPool(
            name: "search", threads: threads(configuration.searchThreads, cores), limit: queue)
        self.search = search
        desks = Dictionary(
            uniqueKeysWithValues: loops.map { loop in
                (ObjectIdentifier(loop), QuickDesk(eventLoop: loop, pool: search, clock: clock))
            })
        embedding = WorkerPool(
            name: "embedding", threads: threads(configuration.embeddingThreads, 32), limit: queue)
        documents = WorkerPool(name: "documents", threads: 1, limit: queue)
        write = WorkerPool(name: "write", threads: configuration.writeThreads, limit: queue)
        control = WorkerPool(name: "control", threads: 2, limit: queue)
        snapshotPool = WorkerPool(name: "snapshots", threads: 1, limit: queue)
        snapshotBytesPerSecond = configuration.snapshotBytesPerSecond
        commits = CommitQueue(pool: write)
        waiting = WaitingRoom(timers: timers, clock: clock, waitMS: configuration.limits.waitMS)
        background = BackgroundWork(threads: threads(configuration.maintenanceThreads, cores)) { context in
            database.maintain(context: context)
        }
        // Measuring takes a share of idle time only; then somebody has to come back.
        background.comesBack(clock: clock) { [timers] pause, body in
            let timer = timers.scheduleTask(in: .nanoseconds(Int64(clamping: pause)), body)
            return { timer.cancel() }
        } _: {
            database.maintenancePause
        }
        database.onMaintenanceNeeded { [background] in background.wake() }
    }

    package func submit(
        _ request: Request, key: RequestKey, receivedAt: UInt64, from principal: Principal?,
        sink: any ReplySink
    ) -> any RequestHandle {
        let task = RequestTask(
            key: key, request: request, principal: principal, sink: sink, receivedAt: receivedAt,
            clock: clock, encoder: encoder, metrics: metrics,
            audit: request.call.method.isAudited ? audit : nil)
        do throws(DatabaseError) {
            // A deadline of 0 has passed already: not executed, whatever it is.
            try task.context.check()
            begin(task)
        } catch {
            task.fail(error)
        }
        return task
    }

    private func begin(_ task: RequestTask) {
        switch task.request.call {
        case .ping: task.finish(.success(.pong(nowMS: clock.wallMilliseconds())))
        case .info: describe(task) { [status, database] in .info(status.info(of: database)) }
        case .health: describe(task) { [database] in .health(database.health()) }
        case .listCollections: describe(task) { [database] in .collections(database.summaries()) }
        case .cancel: task.finish(.success(.cancelled(false)))
        case .login: task.fail(Self.nothingToLogIn)
        case .createCollection, .deleteCollection, .updateCollection, .optimizeCollection, .upsertPoints,
            .deletePoints, .changePayload, .setVectors, .createIndex, .deleteIndex, .upsertDocuments,
            .deleteDocuments:
            change(task)
        case .getCollection(let call):
            whenVisible(task, call.collection, call.minimumLSN) { collection in
                self.describe(task) {
                    var description = collection.describe()
                    if call.quality { description.quality = collection.describeQuality() }
                    return .collection(description)
                }
            }
        case .listIndexes(let call):
            whenVisible(task, call.collection, call.minimumLSN) { collection in
                self.describe(task) { .indexes(collection.listIndexes()) }
            }
        case .getPoints, .countPoints, .scrollPoints, .facetPoints, .searchPoints, .searchBatch,
            .searchGroups, .recommendPoints, .getDocument:
            read(task)
        case .embedTexts(let call): embed(task, call)
        case .startReembedding, .reembeddingStatus, .cutOver, .rollBack: reembed(task)
        case .createSnapshot, .listSnapshots, .deleteSnapshot, .verifySnapshot, .restoreSnapshot:
            snapshots(task)
        case .listJobs, .getJob, .cancelJob: jobs(task)
        case .setAliases, .deleteAliases, .listAliases: aliases(task)
        case .readSnapshot, .beginImport, .writeImport, .commitImport, .abortImport: transfer(task)
        }
    }

    /// A key that nobody checks must not look as if it had been accepted, and `forbidden` would say that a
    /// better key exists: the request makes no sense here, which is what `invalid_params` means.
    private static let nothingToLogIn = DatabaseError(
        .invalidParams, "this server asks for no API key (\"auth\":\"none\"); leave auth.login out",
        at: "api_key")

    /// Answers from what is known in memory, on the control threads.
    private func describe(_ task: RequestTask, _ body: @escaping @Sendable () -> Reply) {
        run(task, on: control) { () throws(DatabaseError) in body() }
    }

    package var isIdle: Bool { search.isIdle && embedding.isIdle }

    package func decode(_ job: @escaping @Sendable () -> Void) {
        search.submit(job)
    }

    // MARK: Shared steps

    /// Runs the request's work on a pool and answers with what it gives.
    func run(
        _ task: RequestTask, on pool: WorkerPool,
        _ body: @escaping @Sendable () throws(DatabaseError) -> Reply
    ) {
        if !pool.trySubmit({ self.carryOut(task, on: pool, body) }) { task.fail(Self.overloaded(pool)) }
    }

    /// On a thread that may take as long as it takes.
    func carryOut(
        _ task: RequestTask, on pool: WorkerPool,
        _ body: @escaping @Sendable () throws(DatabaseError) -> Reply
    ) {
        guard task.sink.admitsReply || pool === control else {
            // The peer does not read its answers: more of them would only fill memory.
            task.sink.park { self.run(task, on: pool, body) }
            return
        }
        task.finish(
            Result { () throws(DatabaseError) -> Reply in
                try task.context.check()
                return try body()
            })
    }

    static func overloaded(_ pool: WorkerPool) -> DatabaseError {
        DatabaseError(
            .overloaded, "\(pool.queued) requests wait for the \(pool.name) threads already",
            retryAfterMS: 100)
    }

    /// Goes on when the collection has been loaded.
    ///
    /// - Parameter otherwise: called instead when there is no such collection or the wait was in vain; the
    ///   request has been answered then.
    func whenLoaded(
        _ task: RequestTask, _ name: String, otherwise: @escaping @Sendable () -> Void = {},
        _ body: @escaping @Sendable (Collection) -> Void
    ) {
        do throws(DatabaseError) {
            body(try database.collection(named: name))
        } catch {
            guard error.kind == .loading else {
                task.fail(error)
                otherwise()
                return
            }
            waiting.wait(
                task, orFail: error,
                register: { callBack in
                    database.whenLoaded(name, callBack)
                    return {}
                },
                resume: { self.whenLoaded(task, name, otherwise: otherwise, body) }, otherwise: otherwise)
        }
    }

    /// Goes on when the collection has been loaded and the write that the request wants to see is visible.
    func whenVisible(
        _ task: RequestTask, _ name: String, _ lsn: LSN?, _ body: @escaping @Sendable (Collection) -> Void
    ) {
        whenLoaded(task, name) { collection in
            guard let lsn, collection.visibleLSN < lsn else { return body(collection) }
            let error = DatabaseError(
                .deadline, "the write was not visible in time", at: "min_lsn", expected: lsn.description,
                got: collection.visibleLSN.description)
            self.waiting.wait(
                task, orFail: error,
                register: { callBack in
                    let token = collection.notify(at: lsn, callBack)
                    return { collection.cancelNotification(token) }
                },
                resume: { body(collection) })
        }
    }

    /// Runs a short piece of work again and again, on the control threads, until the event loops end.
    func every(_ seconds: Int, _ body: @escaping @Sendable () -> Void) {
        let interval = TimeAmount.seconds(Int64(seconds))
        timers.scheduleRepeatedTask(initialDelay: interval, delay: interval) { [control] _ in
            _ = control.trySubmit(body)
        }
    }

    /// Requests that wait for a thread, by pool.
    var queues: [(pool: String, requests: Int)] {
        [search, embedding, documents, write, control, snapshotPool].map {
            (pool: $0.name, requests: $0.queued)
        }
    }

    // MARK: The end

    /// Ends background work and waits for what the threads are at. Requests that still wait for a thread are
    /// dropped; call it when all connections are closed.
    package func stop() {
        background.stop()
        database.cancelSnapshotWork()
        for pool in [control, snapshotPool, search, embedding, documents, write] { pool.stop() }
    }

    /// There may be background work to do.
    package func wakeBackgroundWork() {
        background.wake()
    }
}
