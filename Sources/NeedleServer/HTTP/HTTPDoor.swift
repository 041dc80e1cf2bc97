// The HTTP side of the server: who may ask what, and where the answer comes from.
//
//   GET  /healthz   the process lives
//   GET  /readyz    all collections are loaded, and requests are accepted
//   GET  /metrics   for Prometheus
//   POST /rpc       one line of the protocol, through the same session and executor as on TCP

import HTTPTypes
import HummingbirdCore
import NIOCore
import NeedleCore
import NeedleWire

/// Answers requests. Safe to use from any thread.
final class HTTPDoor: Sendable {
    enum Route: String {
        case health = "healthz"
        case readiness = "readyz"
        case metrics
        case rpc
        /// Something else.
        case unknown

        init(path: String?) {
            let path = path.map { String($0.prefix { $0 != "?" }) } ?? ""
            self = [Route.health, .readiness, .metrics, .rpc].first { "/\($0.rawValue)" == path } ?? .unknown
        }

        /// Pages of other sites must not have them from a browser, and they need a key where there are keys.
        var isGuarded: Bool { self == .metrics || self == .rpc }

        /// Methods that make sense, for `Allow`.
        var methods: [HTTPRequest.Method] { self == .rpc ? [.post] : [.get, .head] }
    }

    let environment: ConnectionEnvironment
    private let page: MetricsPage
    let browsers: BrowserCheck
    /// Makes pages of metrics, one at a time.
    private let pageMaker = WorkerPool(name: "metrics", threads: 1, limit: 16)
    private let readiness: Readiness

    init(
        beside listener: Listener, _ dispatcher: Dispatcher, registry: ConnectionRegistry,
        configuration: ServerConfiguration
    ) {
        let readiness = Readiness(database: dispatcher.database)
        self.readiness = readiness
        let environment = listener.environment.beside(registry)
        self.environment = environment
        page = MetricsPage(
            metrics: environment.metrics, database: dispatcher.database, status: dispatcher.status,
            connections: { [("tcp", listener.connectionCount), ("http", registry.count)] },
            queues: { dispatcher.queues }, isReady: { readiness.isReady },
            limit: configuration.http.metricsCollections)
        func words(_ text: String) -> [String] { text.split(whereSeparator: \.isWhitespace).map(String.init) }
        let listen = configuration.http.listen.map { [$0.host] } ?? []
        browsers = BrowserCheck(
            hosts: words(configuration.http.hosts) + listen, origins: words(configuration.http.origins))
    }

    /// The server stops: it is not ready any more, and new requests are refused.
    func drain() { readiness.drain() }

    var isDraining: Bool { readiness.isDraining }

    func stop() { pageMaker.stop() }

    func answer(
        _ request: HummingbirdCore.Request, _ writer: consuming ResponseWriter, _ channel: any Channel
    ) async throws {
        let route = Route(path: request.head.path)
        var reply = try await reply(to: request, route, channel)
        if request.method == .head { reply.body = [] }
        environment.metrics.responded(route.rawValue, reply.status.code)
        try await reply.write(writer)
    }

    private func reply(
        to request: HummingbirdCore.Request, _ route: Route, _ channel: any Channel
    ) async throws -> HTTPReply {
        if route == .unknown { return .text(.notFound, "there is no such page").closing }
        if route == .rpc, request.method == .options { return preflight(request) }
        guard route.methods.contains(request.method) else {
            var reply = HTTPReply.text(.methodNotAllowed, "not with this method").closing
            reply.headers[.allow] = route.methods.map(\.rawValue).joined(separator: ", ")
            return reply
        }
        let principal: Principal?
        switch admit(request, to: route) {
        case .allowed(let somebody): principal = somebody
        case .refused(let reply): return reply
        }
        switch route {
        case .health: return .text(.ok, "alive")
        case .readiness:
            let reasons = readiness.reasons
            if reasons.isEmpty { return .text(.ok, "ready") }
            return .text(.serviceUnavailable, reasons.joined(separator: "\n"))
        case .metrics: return await metrics()
        case .rpc: return allowing(try await call(request, channel, by: principal), request)
        case .unknown: return .text(.notFound, "there is no such page")
        }
    }

    // MARK: What can be asked

    private func metrics() async -> HTTPReply {
        let text: [UInt8]? = await withCheckedContinuation { continuation in
            let isAccepted = pageMaker.trySubmit { continuation.resume(returning: self.page.make()) }
            if !isAccepted { continuation.resume(returning: nil) }
        }
        guard let text, environment.budget.allowsReply(text.count) else {
            return .text(.serviceUnavailable, "too many ask for metrics at once")
        }
        let budget = environment.budget
        budget.addReplies(text.count)
        return HTTPReply(
            status: .ok, headers: [.contentType: MetricsText.contentType], body: text,
            hold: ReplyHold { budget.addReplies(-text.count) })
    }
}

extension HTTPReply {
    /// The same, with the connection closed behind it: what the peer still sends is not read.
    fileprivate var closing: HTTPReply {
        var reply = self
        reply.headers[.connection] = "close"
        return reply
    }
}
