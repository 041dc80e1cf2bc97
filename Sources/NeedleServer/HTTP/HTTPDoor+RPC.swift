import HTTPTypes
import HummingbirdCore
import NIOCore
import NIOHTTPTypes
import NeedleCore

extension HTTPDoor {
    /// `POST /rpc`: the body is one line of the protocol.
    func call(
        _ request: HummingbirdCore.Request, _ channel: any Channel, by principal: Principal?
    ) async throws -> HTTPReply {
        let limit = environment.limits.lineBytes
        guard Self.isJSON(request.headers[.contentType]) else {
            return refuse(
                .unsupportedMediaType,
                DatabaseError(.invalidRequest, "the body must be application/json", at: "Content-Type"))
        }
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > limit {
            return refuse(.contentTooLarge, Self.tooLong(limit))
        }
        if request.headers[.expect]?.lowercased() == "100-continue" {
            // `curl` waits a second for this before it sends a long body.
            try await channel.writeAndFlush(HTTPResponsePart.head(HTTPResponse(status: .continue)))
        }
        let body = RPCBody(limit: limit, budget: environment.budget, channel: channel)
        switch try await body.gather(request.body) {
        case .tooLong: return refuse(.contentTooLarge, Self.tooLong(limit))
        case .whole(let line):
            switch await exchange(line, channel, by: principal) {
            case .answer(let answer, let hold): return .line(answer, hold: hold)
            // Nobody is there to be told.
            case .abandoned: throw ChannelError.ioOnClosedChannel
            }
        }
    }

    /// Runs the line on the connection's event loop, from where the executor expects its requests.
    private func exchange(
        _ line: [UInt8], _ channel: any Channel, by principal: Principal?
    ) async -> RPCExchange.Outcome {
        let (environment, eventLoop) = (environment, channel.eventLoop)
        let now = environment.clock.monotonicNanoseconds()
        return await withCheckedContinuation { continuation in
            eventLoop.execute {
                let connection = try? channel.pipeline.syncOperations.handler(type: HTTPConnection.self)
                // A body that broke off can look like one that has ended.
                guard let connection, connection.hasWholeRequest else {
                    environment.budget.addLines(-line.count)
                    return continuation.resume(returning: .abandoned)
                }
                let exchange = RPCExchange(
                    environment: environment, eventLoop: eventLoop, by: principal, countedLines: line.count
                ) { outcome in
                    connection.carry(nil)
                    continuation.resume(returning: outcome)
                }
                connection.carry(exchange)
                exchange.begin(line, now: now, isDraining: self.isDraining)
            }
        }
    }

    /// A web page cannot send this to another site without asking first.
    private static func isJSON(_ contentType: String?) -> Bool {
        guard let contentType else { return false }
        let type = contentType.prefix { $0 != ";" }.filter { $0 != " " && $0 != "\t" }
        return type.lowercased() == "application/json"
    }

    private static func tooLong(_ limit: Int) -> DatabaseError {
        DatabaseError(
            .lineTooLong, "the body is longer than \(limit) bytes", expected: "at most \(limit) bytes")
    }
}
