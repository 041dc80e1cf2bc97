// A server on the loopback that does what a test tells it: it speaks lines, but keeps nothing.

import NIOCore
import NIOPosix
import NeedleClient
import Synchronization

/// A request as the fake server saw it.
struct FakeRequest: Sendable {
    /// Connections are counted from 0.
    var connection: Int
    var id: JSONValue
    var method: String
    var params: JSONObject
    /// The whole line.
    var line: [UInt8]

    /// The result line for this request.
    func result(_ json: String) -> FakeReply {
        .line("{\"jsonrpc\":\"2.0\",\"id\":\(id),\"result\":\(json)}")
    }

    func failure(
        _ kind: String, code: Int = -32602, at: String? = nil, retryable: Bool = false, _ extra: String = ""
    )
        -> FakeReply
    {
        let place = at.map { ",\"at\":\"\($0)\"" } ?? ""
        return .line(
            "{\"jsonrpc\":\"2.0\",\"id\":\(id),\"error\":{\"code\":\(code),\"message\":\"refused\","
                + "\"data\":{\"kind\":\"\(kind)\"\(place),"
                + "\"retryable\":\(retryable)\(extra)}}}")
    }
}

/// What the fake server does next.
enum FakeReply: Sendable {
    case line(String)
    case after(milliseconds: Int64, String)
    case disconnect
}

final class FakeServer: Sendable {
    static let greeting = """
        {"jsonrpc":"2.0","method":"server.hello","params":{"server":"needletail","version":"0.1.0",\
        "protocol":[1,1],"auth":"none","limits":{"line_bytes":100000,"in_flight":8,"batch_points":100,\
        "dimensions":65536,"wait_ms":10000}}}
        """

    private let channel: any Channel
    private let log: Log

    var port: Int { channel.localAddress?.port ?? 0 }
    var address: ServerAddress { ServerAddress(host: "127.0.0.1", port: port) }
    /// Everything received so far.
    var requests: [FakeRequest] { log.requests.withLock { $0 } }
    var connections: Int { log.connections.load(ordering: .relaxed) }

    final class Log: Sendable {
        let requests = Mutex<[FakeRequest]>([])
        let connections = Atomic<Int>(0)
    }

    private init(channel: any Channel, log: Log) {
        self.channel = channel
        self.log = log
    }

    /// Listens on a free port of the loopback, or on a given one.
    static func start(
        port: Int = 0, greeting: String? = FakeServer.greeting,
        _ answer: @escaping @Sendable (FakeRequest) -> [FakeReply]
    ) async throws -> FakeServer {
        let log = Log()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { child in
                child.eventLoop.makeCompletedFuture {
                    let number = log.connections.wrappingAdd(1, ordering: .relaxed).oldValue
                    try child.pipeline.syncOperations.addHandler(
                        FakeSession(number: number, greeting: greeting, log: log, answer: answer))
                }
            }
            .bind(host: "127.0.0.1", port: port).get()
        return FakeServer(channel: channel, log: log)
    }

    /// Listens on a port below those that the system gives to outgoing connections and to servers that ask for any:
    /// nobody else takes it while the test has stopped listening.
    static func startOnOwnPort(
        _ answer: @escaping @Sendable (FakeRequest) -> [FakeReply]
    ) async throws -> FakeServer {
        for _ in 0..<50 {
            if let server = try? await start(port: .random(in: 15_000..<30_000), answer) { return server }
        }
        return try await start(port: .random(in: 15_000..<30_000), answer)
    }

    /// Listens again on a port that this test had. A process that another test started in between may hold the old
    /// socket for as long as it takes to begin its own program, so this tries for a while.
    static func restart(
        port: Int, _ answer: @escaping @Sendable (FakeRequest) -> [FakeReply]
    ) async throws -> FakeServer {
        for _ in 0..<100 {
            if let server = try? await start(port: port, answer) { return server }
            try await Task.sleep(for: .milliseconds(50))
        }
        return try await start(port: port, answer)
    }

    func stop() async {
        try? await channel.close()
    }
}

private final class FakeSession: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let number: Int
    private let greeting: String?
    private let log: FakeServer.Log
    private let answer: @Sendable (FakeRequest) -> [FakeReply]
    private var lines = LineSplitter(maximumLineBytes: 1 << 30)

    init(
        number: Int, greeting: String?, log: FakeServer.Log,
        answer: @escaping @Sendable (FakeRequest) -> [FakeReply]
    ) {
        self.number = number
        self.greeting = greeting
        self.log = log
        self.answer = answer
    }

    func channelActive(context: ChannelHandlerContext) {
        if let greeting { send(greeting, context) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        lines.append(&bytes)
        while let line = try? lines.next() {
            guard let message = try? JSONValue(parsing: String(decoding: line, as: UTF8.self)) else {
                continue
            }
            let request = FakeRequest(
                connection: number, id: message["id"] ?? .null, method: message["method"]?.stringValue ?? "",
                params: message["params"]?.objectValue ?? JSONObject(), line: line)
            log.requests.withLock { $0.append(request) }
            for reply in answer(request) { perform(reply, context) }
        }
    }

    private func perform(_ reply: FakeReply, _ context: ChannelHandlerContext) {
        switch reply {
        case .line(let line): send(line, context)
        case .after(let milliseconds, let line):
            context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(milliseconds)) {
                self.send(line, context)
            }
        case .disconnect: context.close(promise: nil)
        }
    }

    private func send(_ line: String, _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: line + "\n")), promise: nil)
    }
}
