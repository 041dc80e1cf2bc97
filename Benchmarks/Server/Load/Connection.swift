// One connection: plain blocking sockets, because the client's cost must stay far below the server's.

import Glibc
import NeedleCore

/// Lines out, lines in. Used by one thread at a time.
final class Connection {
    let descriptor: Int32
    private var buffer = [UInt8](repeating: 0, count: 1 << 16)
    /// Bytes at the front of `buffer` that belong to a line that has not ended yet.
    private var pending = 0
    private var nextCall = 1 << 40
    /// How long to ask for an answer before sleeping.
    var pollMicroseconds = 0

    init(host: String, port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        guard inet_pton(AF_INET, host, &address.sin_addr) == 1 else {
            throw Failure(description: "\(host) is no IPv4 address")
        }
        let status = withUnsafeBytes(of: &address) { raw in
            connect(descriptor, raw.assumingMemoryBound(to: sockaddr.self).baseAddress, socklen_t(raw.count))
        }
        guard status == 0 else {
            throw Failure(description: "cannot connect to \(host):\(port): \(systemError())")
        }
        var yes: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
        // The greeting has no id; the first answer is to the first request.
        _ = try call("server.ping", [:])
    }

    deinit { close(descriptor) }

    func send(_ bytes: UnsafeRawBufferPointer) throws {
        var sent = 0
        while sent < bytes.count {
            let count = Glibc.send(
                descriptor, bytes.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
            guard count > 0 else { throw Failure(description: "the connection broke: \(systemError())") }
            sent += count
        }
    }

    /// Waits for bytes, once, and hands over each answer that is complete then. Notifications are passed over.
    /// - Returns: the number of answers.
    @discardableResult
    func receive(_ body: (Reply) throws -> Void) throws -> Int {
        if pending == buffer.count { buffer.append(contentsOf: [UInt8](repeating: 0, count: buffer.count)) }
        return try buffer.withUnsafeMutableBytes { raw in
            guard let base = raw.baseAddress else { return 0 }
            let count = read(base + pending, raw.count - pending)
            guard count > 0 else { throw Failure(description: "the server hung up: \(systemError())") }
            let end = pending + count
            var start = 0
            var searched = pending
            var answers = 0
            while searched < end, let found = memchr(base + searched, 10, end - searched) {
                let stop = UnsafeRawPointer(found) - UnsafeRawPointer(base)
                if let reply = Reply(line: UnsafeRawBufferPointer(rebasing: raw[start..<stop])) {
                    answers += 1
                    try body(reply)
                }
                start = stop + 1
                searched = start
            }
            pending = end - start
            if start > 0, pending > 0 { memmove(base, base + start, pending) }
            return answers
        }
    }

    /// Waits for bytes, with open eyes at first if asked for.
    private func read(_ place: UnsafeMutableRawPointer, _ room: Int) -> Int {
        let end = pollMicroseconds > 0 ? now() + UInt64(pollMicroseconds) * 1_000 : 0
        while end > 0, now() < end {
            let count = recv(descriptor, place, room, Int32(MSG_DONTWAIT))
            if count >= 0 || errno != EAGAIN { return count }
        }
        return recv(descriptor, place, room, 0)
    }

    /// Waits until one answer is there.
    func receiveOne(_ body: (Reply) throws -> Void) throws {
        while try receive(body) == 0 {}
    }

    /// One request and its result, with nothing else in flight. For what is not measured.
    func call(_ method: String, _ params: JSONValue) throws -> JSONValue {
        nextCall += 1
        let request: JSONValue = [
            "id": .number(.signed(Int64(nextCall))), "method": .string(method), "params": params,
        ]
        let line = request.utf8 + [10]
        try line.withUnsafeBytes { try send($0) }
        var result: JSONValue?
        try receiveOne { reply in result = try reply.result() }
        return result ?? .null
    }

    /// The kernel wakes the reader only when this many bytes are there: fewer wake-ups while many are in flight.
    func wakeAfter(bytes: Int) {
        var bytes = Int32(bytes)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVLOWAT, &bytes, socklen_t(MemoryLayout<Int32>.size))
    }
}

func systemError() -> String { String(cString: strerror(errno)) }
