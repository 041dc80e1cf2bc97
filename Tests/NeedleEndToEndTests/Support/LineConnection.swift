// A client of a few lines, for one thread: a socket, whole lines in and out, every wait bounded.

import Glibc
import NeedleCore

final class LineConnection {
    /// The greeting, the first line the server sent.
    private(set) var greeting = JSONValue.null
    private let socket: Int32
    private var buffer: [UInt8] = []
    private var nextID = 1_000_000
    /// What must not go away before the connection does.
    private let owner: AnyObject?

    /// Connects, and reads the greeting.
    ///
    /// - Parameter receiveBuffer: bytes of the kernel's receive buffer, for a reader that is slow.
    init(port: Int, receiveBuffer: Int32? = nil, owner: AnyObject? = nil, greets: Bool = true) throws {
        self.owner = owner
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        if var size = receiveBuffer {
            setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0, fcntl(socket, F_SETFL, O_NONBLOCK) == 0 else {
            throw TestFailure("cannot connect: \(String(cString: strerror(errno)))")
        }
        greeting = greets ? try next() : .null
    }

    deinit { close(socket) }

    // MARK: Out

    func send(_ line: String) throws { try send(bytes: Array((line + "\n").utf8)) }

    /// Sends all of this, as bytes, and does not read meanwhile.
    func send(bytes: [UInt8], seconds: Double = 20) throws {
        guard try sendSome(bytes, seconds: seconds) == bytes.count else {
            throw TestFailure("the server did not take \(bytes.count) bytes within \(seconds) s")
        }
    }

    /// Sends until everything is gone, or the peer takes nothing for `seconds`.
    ///
    /// - Returns: the bytes sent.
    func sendSome(_ bytes: [UInt8], seconds: Double) throws -> Int {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                // swift-format-ignore: NeverForceUnwrap
                Glibc.send(socket, $0.baseAddress! + sent, $0.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count > 0 {
                sent += count
            } else if errno == EAGAIN {
                guard isReady(POLLOUT, seconds) else { return sent }
            } else {
                throw TestFailure("cannot send: \(String(cString: strerror(errno)))")
            }
        }
        return sent
    }

    /// Nothing more comes from this side.
    func finish() { shutdown(socket, Int32(SHUT_WR)) }

    // MARK: In

    /// The next line; `nil` at the end of the stream.
    func line(seconds: Double = 20) throws -> String? {
        var searched = 0
        while true {
            if let newline = buffer[searched...].firstIndex(of: 0x0A) {
                defer { buffer.removeSubrange(...newline) }
                return String(decoding: buffer[..<newline], as: UTF8.self)
            }
            searched = buffer.count
            guard isReady(POLLIN, seconds) else { throw TestFailure("nothing came within \(seconds) s") }
            var piece = [UInt8](repeating: 0, count: 262_144)
            let count = recv(socket, &piece, piece.count, 0)
            if count == 0 || count < 0 && errno == ECONNRESET { return nil }
            if count > 0 { buffer += piece[..<count] }
        }
    }

    /// The next message.
    func next(seconds: Double = 20) throws -> JSONValue {
        guard let line = try line(seconds: seconds) else { throw TestFailure("the connection was closed") }
        return try JSONValue(parsing: line, maximumDepth: 128)
    }

    /// Whether nothing arrives for a while.
    func staysSilent(seconds: Double) -> Bool { buffer.isEmpty && !isReady(POLLIN, seconds) }

    private func isReady(_ events: Int32, _ seconds: Double) -> Bool {
        var wanted = pollfd(fd: socket, events: Int16(events), revents: 0)
        return poll(&wanted, 1, Int32(seconds * 1_000)) > 0
    }

    // MARK: Requests

    /// Sends a request and gives its answer, the whole message. Progress is skipped.
    @discardableResult
    func call(_ method: String, _ params: String = "{}", seconds: Double = 20) throws -> JSONValue {
        nextID += 1
        try send(request(nextID, method, params))
        while true {
            let message = try next(seconds: seconds)
            if message["method"] == nil {
                guard message["id"]?.integerValue == nextID else {
                    throw TestFailure("an answer that nobody asked for: \(message)")
                }
                return message
            }
        }
    }

    /// The result of a request that must succeed.
    @discardableResult
    func result(_ method: String, _ params: String = "{}", seconds: Double = 20) throws -> JSONValue {
        let answer = try call(method, params, seconds: seconds)
        guard let result = answer["result"] else { throw TestFailure("\(method) failed: \(answer.text)") }
        return result
    }
}

/// A request line without its newline.
func request(_ id: Int, _ method: String, _ params: String = "{}") -> String {
    #"{"jsonrpc":"2.0","id":\#(id),"method":"\#(method)","params":\#(params)}"#
}

extension JSONValue {
    /// The kind of the error that this message is.
    var errorKind: String? { self["error"]?["data"]?["kind"]?.stringValue }
    var errorPlace: String? { self["error"]?["data"]?["at"]?.stringValue }
    var text: String { String(decoding: utf8, as: UTF8.self) }
}
