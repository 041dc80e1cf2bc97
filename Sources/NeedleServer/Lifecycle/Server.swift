// The server's life: listen, serve, drain, stop.

package import Logging
import NIOCore
import NIOPosix
package import NeedleCore
package import NeedleEngine
import NeedleWire

/// A listening server on a database. `start` listens at once, also while collections are still loading.
///
/// Safe to use from any thread.
package final class Server: Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let listener: Listener
    private let http: HTTPListener?
    private let dispatcher: Dispatcher
    private let database: Database
    private let drainMS: Int
    private let log: Logger
    private let health: HealthLog

    /// Where it listens; the port is the real one when 0 was asked for.
    package var address: ListenAddress { listener.address }

    /// Where it listens for TLS, if it does.
    package var tlsAddress: ListenAddress? { listener.tlsAddress }

    /// Where the HTTP side listens, if there is one.
    package var httpAddress: ListenAddress? { http?.address }

    /// Connections there are now.
    package var connectionCount: Int { listener.connectionCount }

    /// Listens. The database may still be loading; its collections answer `loading` until they are there.
    ///
    /// - Parameters:
    ///   - maximumConnections: what the process can have open, if that is less than the configuration says.
    ///   - access: who may speak; `nil`: everybody.
    ///   - tls: what connections to `tls.listen` begin with.
    /// - Throws: `storage_failed` when an address cannot be had.
    package static func start(
        database: Database, configuration: ServerConfiguration, clock: any Clock, log: Logger,
        maximumConnections: Int = .max, access: AccessControl? = nil, tls: TLSContext? = nil
    ) throws(DatabaseError) -> Server {
        let cores = ProcessSettings.cores
        let threads = configuration.ioThreads > 0 ? configuration.ioThreads : max(1, min(8, cores / 2))
        let group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
        let budget = ByteBudget(limit: configuration.limits.serverBytes)
        let status = ServerStatus(
            clock: clock, budget: budget, limits: configuration.limits,
            authentication: access == nil ? .none : .apiKey)
        let metrics = ServerMetrics()
        let dispatcher = Dispatcher(
            database: database, configuration: configuration, clock: clock, status: status, metrics: metrics,
            audit: AuditLog(log), loops: Array(group.makeIterator()))
        do throws(DatabaseError) {
            let listener = try Listener.start(
                dispatcher, group: group, configuration: configuration, clock: clock, budget: budget,
                greeting: status.greeting, access: access, tls: tls, metrics: metrics,
                maximumConnections: maximumConnections)
            let http = try HTTPListener.start(
                beside: listener, dispatcher, group: group, configuration: configuration, log: log)
            return Server(
                group: group, listener: listener, http: http, dispatcher: dispatcher, database: database,
                drainMS: configuration.limits.drainMS, log: log)
        } catch {
            dispatcher.stop()
            shutDown(group)
            throw error
        }
    }

    private init(
        group: MultiThreadedEventLoopGroup, listener: Listener, http: HTTPListener?, dispatcher: Dispatcher,
        database: Database, drainMS: Int, log: Logger
    ) {
        self.group = group
        self.listener = listener
        self.http = http
        self.dispatcher = dispatcher
        self.database = database
        self.drainMS = drainMS
        self.log = log
        health = HealthLog(log)
        dispatcher.every(Self.healthSeconds) { [database, health] in health.look(database.health()) }
    }

    private static let healthSeconds = 5

    /// Loads the database's collections, several at a time, and lets background work begin. Blocks; call it on a
    /// thread of its own.
    package func loadCollections() {
        let database = database
        let helpers = (1..<Self.loadingThreads).map { _ in
            BackgroundThread.start { database.loadCollections() }
        }
        database.loadCollections()
        for helper in helpers { helper.join() }
        dispatcher.wakeBackgroundWork()
        health.look(database.health())
    }

    /// More than cores: opening waits for the disk, and one that takes long must not keep the others.
    private static let loadingThreads = 2 + min(6, ProcessSettings.cores)

    /// Stops: no new connections, new requests are refused, accepted ones are answered for at most
    /// `drain_ms`; then what is left is cut off. Blocks until the threads have ended; the database may be
    /// closed then.
    ///
    /// - Returns: whether everything that was accepted was answered.
    package func stop() -> Bool {
        http?.door.drain()
        let end = NIODeadline.now() + .milliseconds(Int64(drainMS))
        var isComplete = listener.drain(milliseconds: drainMS)
        if let http {
            // Last, so that whoever watches can see that the server is going.
            let left = max(0, (end - .now()).nanoseconds / 1_000_000)
            isComplete = http.drain(milliseconds: Int(left)) && isComplete
            http.door.stop()
        }
        if !isComplete {
            log.warning(
                "not everything was answered in time; what was left was cut off",
                metadata: ["drain_ms": "\(drainMS)"])
        }
        dispatcher.stop()
        Self.shutDown(group)
        return isComplete
    }

    private static func shutDown(_ group: MultiThreadedEventLoopGroup) {
        do { try group.syncShutdownGracefully() } catch { return }
    }
}
