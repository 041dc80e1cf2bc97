import Glibc

/// Tells systemd, or whatever watches in its way, how far the server is: sd_notify(3), which is one datagram to the socket
/// that NOTIFY_SOCKET names. Without one nothing is told; a notice that cannot be sent is lost, and nothing depends on it.
struct ServiceNotice {
    private let socketPath: String?

    init(environment: [String: String]) {
        socketPath = environment["NOTIFY_SOCKET"].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The server listens.
    func ready(_ status: String) { send("READY=1\nSTATUS=\(status)") }

    /// The server has begun to stop.
    func stopping(_ status: String) { send("STOPPING=1\nSTATUS=\(status)") }

    func say(_ status: String) { send("STATUS=\(status)") }

    private func send(_ message: String) {
        guard let socketPath, let (address, length) = Self.address(socketPath) else { return }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var name = address
        let bytes = Array(message.utf8)
        withUnsafePointer(to: &name) { name in
            // SAFETY: the address is as long as it says, and begins as every address does.
            name.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, length)
            }
        }
    }

    /// A path, or a name without a file where the first character is `@`; `nil` for one that is too long.
    private static func address(_ path: String) -> (sockaddr_un, socklen_t)? {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(path.utf8)
        let isAbstract = bytes[0] == UInt8(ascii: "@")
        if isAbstract { bytes[0] = 0 } else { bytes.append(0) }
        guard bytes.count <= MemoryLayout.size(ofValue: address.sun_path) else { return nil }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let head = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
        return (address, socklen_t(head + bytes.count))
    }
}
