import HTTPTypes
import HummingbirdCore
import NIOCore
import NeedleCore
import NeedleWire
import Synchronization

/// What a request over HTTP is answered.
struct HTTPReply: Sendable {
    var status: HTTPResponse.Status
    var headers = HTTPFields()
    var body: [UInt8] = []
    /// Its place in the byte budget, until it was sent.
    var hold: ReplyHold?

    /// A page of text for people and probes.
    static func text(_ status: HTTPResponse.Status, _ text: String) -> HTTPReply {
        HTTPReply(
            status: status, headers: [.contentType: "text/plain; charset=utf-8"],
            body: Array("\(text)\n".utf8))
    }

    /// An answer as one line of the protocol; nothing when there is none to give.
    static func line(_ line: [UInt8], hold: ReplyHold?) -> HTTPReply {
        if line.isEmpty { return HTTPReply(status: .noContent) }
        return HTTPReply(status: .ok, headers: [.contentType: "application/json"], body: line, hold: hold)
    }

    /// A request that got no further than the door. Its body is not read, so the connection is of no use after it.
    static func refusal(
        _ status: HTTPResponse.Status, _ error: DatabaseError, _ limits: Limits, closes: Bool = true
    ) -> HTTPReply {
        var line = ReplyEncoder(limits: limits).encode(.failure(error), id: nil)
        line.append(UInt8(ascii: "\n"))
        var reply = HTTPReply(status: status, headers: [.contentType: "application/json"], body: line)
        if closes { reply.headers[.connection] = "close" }
        return reply
    }

    private static let piece = 256 << 10

    /// Sends it piece by piece as the peer takes it, so that what is left stays where it was counted.
    func write(_ writer: consuming ResponseWriter) async throws {
        defer { hold?.release() }
        var fields = headers
        // A 204 has no body and must not say how long it is.
        if status != .noContent { fields[.contentLength] = String(body.count) }
        let head = HTTPResponse(status: status, headerFields: fields)
        guard body.count > Self.piece else {
            let content = body.isEmpty ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: body))
            return try await writer.write(response: head, body: content)
        }
        var rest = body[...]
        var out: any ResponseBodyWriter = try await writer.writeHead(head)
        while !rest.isEmpty {
            try await out.write(ByteBuffer(bytes: rest.prefix(Self.piece)))
            rest = rest.dropFirst(Self.piece)
        }
        try await out.finish(nil)
    }
}

/// Bytes of an answer that are counted until they were sent. Safe to use from any thread.
final class ReplyHold: Sendable {
    private let end: Mutex<(@Sendable () -> Void)?>

    init(_ end: @escaping @Sendable () -> Void) {
        self.end = Mutex(end)
    }

    func release() {
        let end = end.withLock { end in
            defer { end = nil }
            return end
        }
        end?()
    }

    deinit { release() }
}
