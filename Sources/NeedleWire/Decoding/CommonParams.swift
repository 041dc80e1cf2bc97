// Params that many methods share.

import NeedleCore

/// `deadline_ms`, which any request may carry, and the keys that a method says it has.
struct CommonParams {
    /// Keys beside `deadline_ms`.
    struct Keys: OptionSet {
        let rawValue: Int
        static let collection = Keys(rawValue: 1)
        static let minimumLSN = Keys(rawValue: 2)
        static let opKey = Keys(rawValue: 4)
        static let model = Keys(rawValue: 8)
        static let vectorEncoding = Keys(rawValue: 16)

        static let read: Keys = [.collection, .minimumLSN]
        static let readPoints: Keys = [.collection, .minimumLSN, .vectorEncoding]
        static let write: Keys = [.collection, .opKey, .model]
    }

    static let opKeyBytes = 1...64
    static let modelBytes = 1...255

    var collection: String?
    var deadlineMS: UInt64?
    var minimumLSN: LSN?
    var opKey: String?
    var model: String?
    var vectorEncoding: VectorEncoding?

    /// Reads the value of `key`, or refuses the key.
    mutating func take(
        _ key: borrowing JSONText, from reader: inout JSONReader, allowing allowed: Keys = []
    ) throws {
        if key.equals("deadline_ms") {
            deadlineMS = try reader.optional { try $0.readUInt64() }
        } else if allowed.contains(.collection), key.equals("collection") {
            collection = try reader.optional { try $0.name() }
        } else if allowed.contains(.minimumLSN), key.equals("min_lsn") {
            minimumLSN = try reader.optional { LSN(try $0.readUInt64()) }
        } else if allowed.contains(.vectorEncoding), key.equals("vector_encoding") {
            vectorEncoding = try reader.optional { try $0.choice(VectorEncoding.self) }
        } else if allowed.contains(.opKey), key.equals("op_key") {
            opKey = try reader.optional { try $0.boundedString(Self.opKeyBytes) }
        } else if allowed.contains(.model), key.equals("model") {
            model = try reader.optional { try $0.boundedString(Self.modelBytes) }
        } else {
            throw reader.unknown(key)
        }
    }

    /// - Parameter object: where the params begin.
    func requiredCollection(in object: Int) throws -> String {
        guard let collection else { throw Refusal.missing("collection", in: object) }
        return collection
    }
}
