// Tokens: what the holder of a key gives to somebody else for a while (docs/format/keys.md).
//
//     nt1.<claims>.<mac>      both in base64url without padding
//
// The claims are a JSON object: the name of the key, and at most what the key itself may do. The MAC is HMAC-SHA-256 of
// the text before it, with the SHA-256 of the key as its secret: so a token is made without asking the server, and ends with its key.

import Crypto
import NeedleCore
import NeedleWire

struct AccessToken {
    var keyName: String
    var grant: Grant
    var expiresAt: Int64
    /// What the MAC is over, and the MAC.
    private let signed: [UInt8]
    private let code: [UInt8]

    static let prefix = "nt1."

    /// `nil` for what is no token.
    init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, text.hasPrefix(Self.prefix), text.utf8.count <= 4_096,
            let claims = Base64URL.decode(parts[1]), let code = Base64URL.decode(parts[2]),
            let value = try? JSONValue(parsing: claims.span)
        else { return nil }
        guard let name = value["key"]?.stringValue,
            let role = value["role"]?.stringValue.flatMap(Grant.Role.init),
            let expiresAt = value["expires_at"]?.integerValue
        else { return nil }
        var collections: [String]?
        if let listed = value["collections"], listed != .null {
            let names = listed.arrayValue?.compactMap(\.stringValue)
            guard let names, names.count == listed.arrayValue?.count else { return nil }
            collections = names
        }
        keyName = name
        grant = Grant(role: role, collections: collections)
        self.expiresAt = Int64(expiresAt)
        signed = Array("\(parts[0]).\(parts[1])".utf8)
        self.code = code
    }

    /// Whether the key's holder made it.
    func isSigned(by key: AccessKey) -> Bool {
        let expected = HMAC<SHA256>.authenticationCode(for: signed, using: SymmetricKey(data: key.digest))
        return ConstantTime.areEqual(Array(expected), code)
    }
}

/// RFC 4648, section 5, without padding.
enum Base64URL {
    /// `nil` for what encoding does not produce.
    static func decode(_ text: some StringProtocol) -> [UInt8]? {
        guard !text.utf8.contains(where: { "+/=".utf8.contains($0) }) else { return nil }
        var standard = text.utf8.map { byte in
            byte == UInt8(ascii: "-")
                ? UInt8(ascii: "+") : byte == UInt8(ascii: "_") ? UInt8(ascii: "/") : byte
        }
        standard += repeatElement(UInt8(ascii: "="), count: (4 - standard.count % 4) % 4)
        return Base64.decode(standard.span)
    }
}
