import Crypto
package import NeedleWire

/// An API key as the server knows it: not the key, but its SHA-256. Keys are 256 random bits, so a hash that is quick to
/// compute gives nothing away (docs/format/keys.md).
package struct AccessKey: Hashable, Sendable {
    /// What people and logs call it.
    package var name: String
    package var grant: Grant
    /// Milliseconds since 1970; `nil`: never.
    package var expiresAt: Int64?
    package var limits = AccessLimits()
    /// SHA-256 of the key, 32 bytes.
    package var digest: [UInt8]

    package init(
        name: String, grant: Grant, expiresAt: Int64? = nil, limits: AccessLimits = AccessLimits(),
        digest: [UInt8]
    ) {
        self.name = name
        self.grant = grant
        self.expiresAt = expiresAt
        self.limits = limits
        self.digest = digest
    }

    package static func digest(of key: String) -> [UInt8] { Array(SHA256.hash(data: Array(key.utf8))) }
}

/// What the connections of one key may use together; `nil`: as much as there is.
package struct AccessLimits: Hashable, Sendable {
    package var connections: Int?
    package var requestsPerSecond: Double?
    /// Of request lines.
    package var bytesPerSecond: Double?

    package init(
        connections: Int? = nil, requestsPerSecond: Double? = nil, bytesPerSecond: Double? = nil
    ) {
        self.connections = connections
        self.requestsPerSecond = requestsPerSecond
        self.bytesPerSecond = bytesPerSecond
    }
}

/// Compares secrets in a time that does not depend on where they differ.
enum ConstantTime {
    static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for index in left.indices { difference |= left[index] ^ right[index] }
        return difference == 0
    }
}
