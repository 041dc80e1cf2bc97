import Glibc

/// A client of a few lines: a blocking socket, whole lines in and out. For one thread.
final class TestClient {
    private let descriptor: Int32
    private var buffer: [UInt8] = []

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// Connects to a loopback port.
    ///
    /// - Parameters:
    ///   - seconds: how long a read may take.
    ///   - receiveBuffer: bytes of the kernel's receive buffer, for a reader that is to be slow.
    init(port: Int, seconds: Int = 20, receiveBuffer: Int32? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var patience = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            Glibc.close(descriptor)
            throw Failure(description: "cannot connect: \(String(cString: strerror(errno)))")
        }
    }

    deinit { Glibc.close(descriptor) }

    /// - Returns: false when the peer does not take it any more.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            // swift-format-ignore: NeverForceUnwrap
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress! + sent, $0.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    @discardableResult
    func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    /// The next line without its newline; `nil` at the end of the stream.
    func line() throws -> String? {
        var searched = 0
        while true {
            if let newline = buffer[searched...].firstIndex(of: 0x0A) {
                defer { buffer.removeSubrange(...newline) }
                return String(decoding: buffer[..<newline], as: UTF8.self)
            }
            searched = buffer.count
            guard try fill() else { return nil }
        }
    }

    /// Everything up to the end of the stream.
    func rest() throws -> String {
        while try fill() {}
        defer { buffer = [] }
        return String(decoding: buffer, as: UTF8.self)
    }

    /// The next bytes, as text.
    func text(_ count: Int) throws -> String {
        while buffer.count < count, try fill() {}
        guard buffer.count >= count else { throw Failure(description: "closed in the middle of a text") }
        defer { buffer.removeFirst(count) }
        return String(decoding: buffer[..<count], as: UTF8.self)
    }

    /// Reads this many bytes and drops them.
    ///
    /// - Returns: how many came before the end of the stream.
    func peel(_ count: Int) throws -> Int {
        while buffer.count < count, try fill() {}
        let taken = min(count, buffer.count)
        buffer.removeFirst(taken)
        return taken
    }

    private func fill() throws -> Bool {
        var piece = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &piece, piece.count, 0)
        if count < 0 {
            guard errno == ECONNRESET else {
                throw Failure(description: "nothing came in time: \(String(cString: strerror(errno)))")
            }
            return false
        }
        buffer += piece[..<count]
        return count > 0
    }

    /// Sends a request and gives its answer.
    func call(_ method: String, _ params: String = "{}", id: Int = 1) throws -> String {
        send(#"{"id":\#(id),"method":"\#(method)","params":\#(params)}"# + "\n")
        return try reply(to: id)
    }

    /// The next answer to a request; what tells of progress meanwhile, as a slow machine has time to, is passed over.
    func reply(to id: Int) throws -> String {
        while let line = try line() {
            if line.contains("\"id\":\(id),") && !line.contains("server.progress") { return line }
        }
        throw Failure(description: "the connection was closed before request \(id) was answered")
    }

    /// Sends nothing more; the server sees the end.
    func finish() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Goes away without a word: unread data and `SO_LINGER` 0 make it a reset.
    func reset() {
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
        shutdown(descriptor, Int32(SHUT_RDWR))
    }
}
