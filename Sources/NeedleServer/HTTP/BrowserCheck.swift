// Who may use the HTTP side from inside a browser. A page of any site can have its browser send requests to this
// machine, and a site whose name resolves to this machine's address (DNS rebinding) passes for the server itself. So
// - Host must be one that no other site can have made the browser believe: an address, `localhost`, or a configured name;
// - Origin, if there is one, must be the server's own or a configured one.
// Programs send no Origin, and Host as they were told to; they notice nothing.

import Glibc

/// The rule, as a value. Safe to use from any thread.
package struct BrowserCheck: Sendable {
    private let hosts: Set<String>
    private let origins: Set<String>

    /// - Parameters:
    ///   - hosts: names that may stand in Host beside `localhost`.
    ///   - origins: origins of other sites whose pages may send requests: `https://example.org`.
    package init(hosts: [String], origins: [String]) {
        self.hosts = Set(hosts.map(Self.plain) + ["localhost"])
        self.origins = Set(origins.map { $0.lowercased() })
    }

    /// Why a request is refused; `nil` when it is not.
    package func refusal(host: String?, origin: String?) -> String? {
        guard let host else { return "the request names no Host" }
        guard isOurs(host) else {
            return "the Host of the request is not this server's; http.hosts says which names are"
        }
        guard let origin = origin?.lowercased() else { return nil }
        if origin == "http://\(host.lowercased())" || origin == "https://\(host.lowercased())" { return nil }
        if allows(origin: origin) { return nil }
        return "the Origin of the request is another site's; http.origins says which are allowed"
    }

    /// Whether pages of this other site may send requests and read the answers.
    package func allows(origin: String) -> Bool { origins.contains(origin.lowercased()) }

    private func isOurs(_ host: String) -> Bool {
        guard let name = Self.name(in: host) else { return false }
        return hosts.contains(Self.plain(name)) || Self.isAddress(name)
    }

    /// `host` or `host:port` without its port; `nil` when it is neither.
    private static func name(in host: String) -> String? {
        if host.hasPrefix("[") {
            guard let end = host.firstIndex(of: "]") else { return nil }
            let rest = host[host.index(after: end)...]
            guard rest.isEmpty || isPort(rest) else { return nil }
            return String(host[host.index(after: host.startIndex)..<end])
        }
        guard let colon = host.firstIndex(of: ":") else { return host }
        return isPort(host[colon...]) ? String(host[..<colon]) : nil
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.first == ":" && text.dropFirst().allSatisfy { $0.isASCII && $0.isNumber }
    }

    private static func isAddress(_ name: String) -> Bool {
        var address = in6_addr()
        return inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1
    }

    /// Case and a last dot make no other name.
    private static func plain(_ name: String) -> String {
        let name = name.lowercased()
        return name.hasSuffix(".") ? String(name.dropLast()) : name
    }
}
