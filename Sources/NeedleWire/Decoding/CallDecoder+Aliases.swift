// Params of `alias.*`.

import NeedleCore

extension CallDecoder {
    mutating func setAliases(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var aliases: [Alias]?
        let limit = limits.batchPoints
        while let key = try reader.nextKey(&members) {
            switch key {
            case "aliases": aliases = try reader.optional { try $0.aliases(limit: limit) }
            default: try common.take(key, from: &reader)
            }
        }
        guard let aliases else { throw Refusal.missing("aliases", in: object) }
        return .setAliases(aliases)
    }

    mutating func deleteAliases(_ reader: inout JSONReader) throws -> Call {
        let object = reader.offset
        var members = try reader.beginObject()
        var names: [String]?
        let limit = limits.batchPoints
        while let key = try reader.nextKey(&members) {
            switch key {
            case "aliases":
                names = try reader.optional { try $0.list(of: "aliases", limit: limit) { try $0.name() } }
            default: try common.take(key, from: &reader)
            }
        }
        guard let names else { throw Refusal.missing("aliases", in: object) }
        return .deleteAliases(names)
    }
}

extension JSONReader {
    /// A map from alias to collection.
    fileprivate mutating func aliases(limit: Int) throws -> [Alias] {
        _ = try peekKind()
        let start = offset
        var members = try beginObject()
        var aliases: [Alias] = []
        while let key = try nextKey(&members) {
            guard Names.isValid(key.utf8) else {
                throw Refusal(
                    message: "malformed alias", offset: key.offset, expected: Names.rule,
                    got: shown(key.string))
            }
            guard aliases.count < limit else { throw Refusal.overLimit("aliases", limit: limit, at: start) }
            aliases.append(Alias(name: key.string, collection: try name()))
        }
        return aliases
    }
}
