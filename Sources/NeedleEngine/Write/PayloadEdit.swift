import NeedleCore

/// A change of payloads, ready to be applied to one after another. Key order and numbers to the digit survive.
///
/// The log holds the change and not what came of it, so what this makes of a payload is part of the format
/// (docs/format/log.md): the same change of the same payload gives the same bytes in every version. A value type.
struct PayloadEdit {
    private enum Kind {
        case replace([UInt8])
        /// A patch, and its members by name: where their values lie in it, and their order.
        case set([UInt8], [[UInt8]: Int], [Member])
        case delete(Set<[UInt8]>)
    }

    private struct Member {
        var name: [UInt8]
        var value: Range<Int>
    }

    private let kind: Kind

    init(_ change: PayloadChange) throws(JSONError) {
        switch change {
        case .replace(let payload): kind = .replace(payload.json)
        case .deleteKeys(let keys): kind = .delete(Set(keys.map { Array($0.utf8) }))
        case .set(let patch):
            var members: [Member] = []
            var places: [[UInt8]: Int] = [:]
            try Self.forEachMember(of: patch.json.span) { name, value in
                places[name] = members.count
                members.append(Member(name: name, value: value))
            }
            kind = .set(patch.json, places, members)
        }
    }

    /// The payload after the change, as compact JSON. O(payload + change).
    ///
    /// - Throws: when the payload is no JSON object: then the stored data is damaged.
    func applied(to payload: Span<UInt8>) throws(JSONError) -> [UInt8] {
        switch kind {
        case .replace(let new): return new
        case .set(let patch, let places, let members):
            return try set(members, places, of: patch.span, in: payload)
        case .delete(let names):
            var writer = JSONWriter(reservingCapacity: payload.count)
            writer.beginObject()
            try Self.forEachMember(of: payload) { name, value in
                if !names.contains(name) { Self.write(name, payload, value, to: &writer) }
            }
            writer.endObject()
            return writer.take()
        }
    }

    private func set(
        _ members: [Member], _ places: [[UInt8]: Int], of patch: Span<UInt8>, in payload: Span<UInt8>
    ) throws(JSONError) -> [UInt8] {
        var writer = JSONWriter(reservingCapacity: payload.count + patch.count)
        var isWritten = [Bool](repeating: false, count: members.count)
        writer.beginObject()
        try Self.forEachMember(of: payload) { name, value in
            if let place = places[name] {
                Self.write(name, patch, members[place].value, to: &writer)
                isWritten[place] = true
            } else {
                Self.write(name, payload, value, to: &writer)
            }
        }
        for (place, member) in members.enumerated() where !isWritten[place] {
            Self.write(member.name, patch, member.value, to: &writer)
        }
        writer.endObject()
        return writer.take()
    }

    /// Names decoded, and where their values lie.
    private static func forEachMember(
        of payload: Span<UInt8>, _ body: (_ name: [UInt8], _ value: Range<Int>) -> Void
    ) throws(JSONError) {
        var reader = JSONReader(payload)
        var members = try reader.beginObject()
        while let key = try reader.nextKey(&members) {
            let name = key.utf8
            let start = reader.position.offset
            try reader.skipValue()
            body(name, start..<reader.position.offset)
        }
    }

    private static func write(
        _ name: [UInt8], _ text: Span<UInt8>, _ value: Range<Int>, to writer: inout JSONWriter
    ) {
        writer.key(utf8: name.span)
        writer.writeRaw(text.extracting(value))
    }
}
