import Foundation
import Glibc

/// The other end of sd_notify(3): a datagram socket with a path. Every wait is bounded.
final class NoticeSocket: Sendable {
    let path: String
    private let descriptor: Int32

    init(_ path: String) throws {
        self.path = path
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8) + [0]
        guard descriptor >= 0, bytes.count <= MemoryLayout.size(ofValue: address.sun_path) else {
            throw TestFailure("no socket at \(path)")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let bound = withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0 else { throw TestFailure("no socket at \(path): \(errno)") }
    }

    deinit { close(descriptor) }

    /// The next notice, within 20 seconds.
    func next() throws -> String {
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&request, 1, 20_000) == 1 else { throw TestFailure("no notice came") }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        guard count >= 0 else { throw TestFailure("a notice cannot be read: \(errno)") }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }
}
