// Making API keys and tokens: what the server reads is described in docs/format/keys.md. Pure but for the random bytes.

import Crypto
import NeedleClient

/// A new key, and the line of the server's file that stands for it.
package struct APIKey: Sendable {
    package enum Role: String, Sendable, CaseIterable {
        case admin
        case writer
        case reader
    }

    /// `nt_` and 43 characters that nobody can guess. Shown once; the file does not have it.
    package let secret: String
    package var name: String
    package var role: Role
    /// `nil`: all.
    package var collections: [String]?
    /// Milliseconds since 1970; `nil`: never.
    package var expiresAt: Int?

    package init(
        name: String, role: Role, collections: [String]?, expiresAt: Int?,
        random: () -> UInt8 = { .random(in: .min ... .max) }
    ) {
        self.name = name
        self.role = role
        self.collections = collections
        self.expiresAt = expiresAt
        secret = "nt_" + Self.base64URL((0..<32).map { _ in random() })
    }

    /// Of the file, without its newline.
    package var line: String {
        var members: [JSONObject.Member] = [
            .init("name", .string(name)), .init("role", .string(role.rawValue)),
            .init("sha256", .string(Self.hexadecimal(SHA256.hash(data: Array(secret.utf8))))),
        ]
        if let collections { members.append(.init("collections", .array(collections.map { .string($0) }))) }
        if let expiresAt { members.append(.init("expires_at", .integer(Int64(expiresAt)))) }
        return JSONObject(members).description
    }

    /// A token: the holder of a key gives it to somebody who may do no more, and for a while only.
    package static func token(
        of secret: String, named name: String, role: Role, collections: [String]?, expiresAt: Int
    ) -> String {
        var claims: [JSONObject.Member] = [
            .init("key", .string(name)), .init("role", .string(role.rawValue)),
            .init("expires_at", .integer(Int64(expiresAt))),
        ]
        if let collections { claims.append(.init("collections", .array(collections.map { .string($0) }))) }
        let signed = "nt1." + base64URL(Array(JSONObject(claims).description.utf8))
        let key = SymmetricKey(data: Array(SHA256.hash(data: Array(secret.utf8))))
        let code = HMAC<SHA256>.authenticationCode(for: Array(signed.utf8), using: key)
        return signed + "." + base64URL(Array(code))
    }

    /// RFC 4648, section 5, without padding.
    static func base64URL(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        var text = ""
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            var characters: [Character] = []
            for _ in 0..<4 {
                characters.append(alphabet[bits & 63])
                bits >>= 6
            }
            text += characters.reversed().prefix(group.count + 1)
        }
        return text
    }

    private static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

/// `90d`, `12h`, `30m`, `45s`.
package enum Span {
    /// Seconds; `nil` for anything else, and for nothing.
    package static func seconds(_ text: String) -> Int? {
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let unit = text.last.flatMap({ units[$0] }), let number = Int(text.dropLast()), number > 0
        else {
            return nil
        }
        let (seconds, overflows) = number.multipliedReportingOverflow(by: unit)
        return overflows || seconds > 1 << 40 ? nil : seconds
    }
}
