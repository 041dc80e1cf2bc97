import Glibc
import NIOCore
import NIOPosix
import NeedleCore
import NeedleServer
import NeedleWire
import Synchronization

/// Executes requests as a test says, so that connections are tested without a database.
///
/// `server.ping` is answered at once. Everything else is answered by a string of `replyBytes`, or
/// held until `release` when `holds` is set. Safe to use from any thread.
final class ScriptedExecutor: RequestExecutor {
    struct Held: Sendable {
        var key: RequestKey
        var request: Request
        var sink: any ReplySink
    }

    final class Handle: RequestHandle {
        let cancelled = Atomic<Bool>(false)
        let abandoned = Atomic<Bool>(false)
        func cancel() { cancelled.store(true, ordering: .relaxed) }
        func abandon() { abandoned.store(true, ordering: .relaxed) }
    }

    /// The rest of a large reply, after its opening quote.
    private let filling: [UInt8]
    let holds: Bool
    let held = Mutex<[Held]>([])
    let handles = Mutex<[Handle]>([])
    /// Large replies that were made.
    let made = Atomic<Int>(0)
    private let pool = NIOThreadPool(numberOfThreads: 2)

    init(replyBytes: Int = 10, holds: Bool = false) {
        filling = [UInt8](repeating: UInt8(ascii: "x"), count: replyBytes) + Array("\"}".utf8)
        self.holds = holds
        pool.start()
    }

    func submit(
        _ request: Request, key: RequestKey, receivedAt: UInt64, from principal: Principal?,
        sink: any ReplySink
    ) -> any RequestHandle {
        let handle = Handle()
        handles.withLock { $0.append(handle) }
        if case .ping = request.call {
            sink.complete(key, request.id.map { Self.answer($0, "\"pong\"") })
        } else if holds {
            held.withLock { $0.append(Held(key: key, request: request, sink: sink)) }
        } else {
            make(request, key, sink)
        }
        return handle
    }

    private func make(_ request: Request, _ key: RequestKey, _ sink: any ReplySink) {
        pool.submit { state in
            guard case .active = state else { return }
            guard sink.admitsReply else { return sink.park { self.make(request, key, sink) } }
            self.made.add(1, ordering: .relaxed)
            guard let id = request.id else { return sink.complete(key, nil) }
            let reply = Self.answer(id, "\"") + self.filling
            sink.complete(key, sink.admitsReply(of: reply.count) ? reply : Self.answer(id, "\"no room\""))
        }
    }

    var isIdle: Bool { true }

    func decode(_ job: @escaping @Sendable () -> Void) {
        pool.submit { _ in job() }
    }

    /// Answers what is held.
    func release() {
        for item in held.withLock({ held in
            defer { held = [] }
            return held
        }) {
            item.sink.complete(item.key, item.request.id.map { Self.answer($0, "\"released\"") })
        }
    }

    func stop() {
        do { try pool.syncShutdownGracefully() } catch { return }
    }

    private static func answer(_ id: RequestID, _ result: String) -> [UInt8] {
        Array(#"{"jsonrpc":"2.0","id":\#(id),"result":\#(result)\#(result == "\"" ? "" : "}")"#.utf8)
    }
}

/// A listener on a free port with a scripted executor behind it.
final class TestListener {
    let listener: Listener
    let executor: ScriptedExecutor
    let budget: ByteBudget
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
    var port: Int { listener.address.port }

    init(
        _ executor: ScriptedExecutor = ScriptedExecutor(),
        _ change: (inout ServerConfiguration) -> Void = { _ in }
    )
        throws
    {
        var configuration = ServerConfiguration()
        configuration.listen = ListenAddress(host: "127.0.0.1", port: 0)
        change(&configuration)
        self.executor = executor
        budget = ByteBudget(limit: configuration.limits.serverBytes, finishingMS: 500)
        listener = try Listener.start(
            executor, group: group, configuration: configuration, clock: SystemClock(), budget: budget,
            greeting: Greeting(version: "0.1.0", authentication: .none, limits: configuration.limits))
    }

    /// A client that has read the greeting.
    func client(seconds: Int = 20, receiveBuffer: Int32? = nil) throws -> TestClient {
        let client = try TestClient(port: port, seconds: seconds, receiveBuffer: receiveBuffer)
        guard let greeting = try client.line(), greeting.contains("server.hello") else {
            throw TestClient.Failure(description: "no greeting")
        }
        return client
    }

    deinit {
        _ = listener.drain(milliseconds: 0)
        executor.stop()
        do { try group.syncShutdownGracefully() } catch { return }
    }
}

/// Waits until something is so.
///
/// - Returns: whether it was within ten seconds.
func eventually(_ condition: () -> Bool) -> Bool {
    for _ in 0..<1_000 {
        if condition() { return true }
        usleep(10_000)
    }
    return condition()
}
