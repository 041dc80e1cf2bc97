import NeedleCore

/// Keeps a point's text in its payload, under the collection's text key.
enum PayloadText {
    /// - Throws: `invalid_params` when the payload already holds the key: two texts for one point.
    static func inserting(_ text: String, key: String, into payload: Payload) throws(DatabaseError) -> [UInt8]
    {
        guard try !has(key, in: payload) else {
            throw DatabaseError(
                .invalidParams, "the payload holds \"\(key)\", where the point's text is kept",
                at: "payload.\(key)",
                expected: "the text in \"text\" only")
        }
        var writer = JSONWriter(reservingCapacity: text.utf8.count + key.utf8.count + 8)
        writer.beginObject()
        writer.key(string: key)
        writer.write(text)
        writer.endObject()
        let member = writer.take()
        guard !payload.isEmpty else { return member }
        // {"a":1} and {"text":"…"} become {"a":1,"text":"…"}.
        var result = payload.json
        result.removeLast()
        result.append(UInt8(ascii: ","))
        result.append(contentsOf: member[1...])
        return result
    }

    /// Where a model fills a space, a point's text changes with its vector or not at all.
    ///
    /// - Throws: `invalid_params` when a change is about the text.
    static func check(_ change: PayloadChange, config: CollectionConfig) throws(DatabaseError) {
        guard config.spaces.contains(where: { $0.model != nil }) else { return }
        let place: String? =
            switch change {
            case .set(let payload), .replace(let payload):
                try has(config.textKey, in: payload) ? "payload.\(config.textKey)" : nil
            case .deleteKeys(let keys):
                keys.firstIndex { $0.utf8.elementsEqual(config.textKey.utf8) }.map { "keys[\($0)]" }
            }
        if let place { throw isText(config.textKey, at: place) }
    }

    /// - Parameter place: where the request touches it.
    static func isText(_ key: String, at place: String) -> DatabaseError {
        DatabaseError(
            .invalidParams, "\"\(key)\" is where the points' text is kept, which their vectors come from",
            at: place, expected: "point.upsert with the new text")
    }

    /// The text that a stored payload keeps under this key, if it is one.
    static func text(_ key: String, of payload: [UInt8]) throws(DatabaseError) -> String? {
        do throws(JSONError) {
            var reader = JSONReader(payload.span)
            var members = try reader.beginObject()
            while let member = try reader.nextKey(&members) {
                guard member.utf8.elementsEqual(key.utf8) else { try reader.skipValue(); continue }
                guard try reader.peekKind() == .string else { return nil }
                return try reader.readString()
            }
            return nil
        } catch {
            throw DatabaseError(.internal, "a stored payload does not parse: \(error.message)", at: "payload")
        }
    }

    /// Whether a payload has a member of this name.
    static func has(_ key: String, in payload: Payload) throws(DatabaseError) -> Bool {
        do throws(JSONError) {
            return try has(key, in: payload.json.span)
        } catch {
            throw DatabaseError(
                .internal, "a checked payload does not parse: \(error.message)", at: "payload")
        }
    }

    /// - Throws: when the payload is no JSON object.
    static func has(_ key: String, in payload: Span<UInt8>) throws(JSONError) -> Bool {
        var reader = JSONReader(payload)
        var members = try reader.beginObject()
        while let member = try reader.nextKey(&members) {
            if member.utf8.elementsEqual(key.utf8) { return true }
            try reader.skipValue()
        }
        return false
    }
}
