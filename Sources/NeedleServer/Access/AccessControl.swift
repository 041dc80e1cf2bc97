package import NeedleCore
import NeedleWire
import Synchronization

/// Which API keys there are. Logins and sessions ask; keys are replaced while the server runs.
///
/// Safe to use from any thread. A session asks for each request whether its key still counts, which is one atomic load as
/// long as the keys have not changed.
package final class AccessControl: Sendable {
    private let clock: any Clock
    private let keys: Mutex<[AccessKey]>
    /// By digest, of keys that were used.
    private let usages = Mutex<[[UInt8]: KeyUsage]>([:])
    private let generation = Atomic<UInt64>(1)
    /// Told why a login was refused, without the key.
    private let onRefusal: @Sendable (_ reason: String) -> Void

    package init(
        _ keys: [AccessKey], clock: any Clock,
        onRefusal: @escaping @Sendable (_ reason: String) -> Void = { _ in }
    ) {
        self.keys = Mutex(keys)
        self.clock = clock
        self.onRefusal = onRefusal
    }

    /// From now on these keys count. Who speaks with one that is gone, or allows less, or has ended, notices at the next
    /// request; limits count for the connections that stand, too.
    package func replace(_ keys: [AccessKey]) {
        self.keys.withLock { $0 = keys }
        usages.withLock { usages in
            for key in keys { usages[key.digest]?.replace(key.limits) }
        }
        generation.add(1, ordering: .releasing)
    }

    /// Who speaks with a key or a token.
    ///
    /// - Throws: `unauthenticated`; `overloaded` when the key's connections are all taken.
    package func login(_ secret: String) throws(DatabaseError) -> Principal {
        let generation = generation.load(ordering: .acquiring)
        let (key, grant, end) = try claim(secret)
        if let end, clock.wallMilliseconds() >= end { throw refusal("it has expired") }
        return Principal(
            name: key.name, grant: grant, expiresAt: end, digest: key.digest, generation: generation,
            seat: try seat(of: key))
    }

    /// The principal as far as its key still counts; `nil` when it does not.
    package func renewed(_ principal: Principal) -> Principal? {
        var renewed = principal
        let now = generation.load(ordering: .acquiring)
        if principal.generation != now {
            let key = keys.withLock { keys in keys.first { $0.digest == principal.digest } }
            guard let key, key.grant.includes(principal.grant) else { return nil }
            renewed.generation = now
            renewed.expiresAt = [principal.expiresAt, key.expiresAt].compactMap(\.self).min()
        }
        if let end = renewed.expiresAt, clock.wallMilliseconds() >= end { return nil }
        return renewed
    }

    /// The key that a secret is, or is a token of; what it allows; when that ends.
    private func claim(_ secret: String) throws(DatabaseError) -> (AccessKey, Grant, Int64?) {
        guard let token = AccessToken(secret) else {
            let digest = AccessKey.digest(of: secret)
            // All of them are compared: the time does not tell which one it is, or how nearly.
            let found = keys.withLock { keys in
                keys.reduce(AccessKey?.none) { found, key in
                    ConstantTime.areEqual(key.digest, digest) ? key : found
                }
            }
            guard let found else { throw refusal("there is no such key") }
            return (found, found.grant, found.expiresAt)
        }
        let key = keys.withLock { keys in keys.first { $0.name.utf8.elementsEqual(token.keyName.utf8) } }
        guard let key, token.isSigned(by: key) else { throw refusal("there is no such key") }
        guard key.grant.includes(token.grant) else { throw refusal("the token allows more than its key") }
        return (key, token.grant, min(token.expiresAt, key.expiresAt ?? .max))
    }

    private func refusal(_ reason: String) -> DatabaseError {
        onRefusal(reason)
        return DatabaseError(.unauthenticated, "the API key is not accepted: \(reason)", at: "api_key")
    }

    private func seat(of key: AccessKey) throws(DatabaseError) -> KeyUsage.Seat {
        let usage = usages.withLock { usages in
            if let usage = usages[key.digest] { return usage }
            let usage = KeyUsage(key.limits, clock: clock)
            usages[key.digest] = usage
            return usage
        }
        return try usage.takeSeat(name: key.name)
    }
}
