import Glibc

/// Where to listen: a host (name or IP literal) and a port; port 0 lets the system choose.
///
/// Written `HOST:PORT`; an IPv6 literal stands in brackets, `[::1]:7700`.
package struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
    package var host: String
    package var port: Int

    package static let standard = ListenAddress(host: "127.0.0.1", port: 7700)

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// `nil` when the text is not `HOST:PORT`.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let portText = text[text.index(after: colon)...]
        var host = text[..<colon]
        guard !host.isEmpty, !portText.isEmpty, portText.allSatisfy({ $0.isASCII && $0.isNumber }) else {
            return nil
        }
        guard let port = Int(portText), (0...65_535).contains(port) else { return nil }
        if host.hasPrefix("[") {
            guard host.hasSuffix("]"), host.count > 2 else { return nil }
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        self.init(host: String(host), port: port)
    }

    package var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// Whether only this machine can reach it. A name other than `localhost` counts as remote: what it
    /// resolves to may change, and guessing wrong would open the door.
    package var isLoopback: Bool {
        if host == "localhost" || host == "::1" { return true }
        var octets: [UInt8] = [0, 0, 0, 0]
        return inet_pton(AF_INET, host, &octets) == 1 && octets[0] == 127
    }
}
