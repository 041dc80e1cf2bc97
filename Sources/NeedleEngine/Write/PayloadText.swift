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

    private static func has(_ key: String, in payload: Payload) throws(DatabaseError) -> Bool {
        do throws(JSONError) {
            var reader = JSONReader(payload.json.span)
            var members = try reader.beginObject()
            while let member = try reader.nextKey(&members) {
                if member.utf8.elementsEqual(key.utf8) { return true }
                try reader.skipValue()
            }
            return false
        } catch {
            throw DatabaseError(
                .internal, "a checked payload does not parse: \(error.message)", at: "payload")
        }
    }
}
