/// Where in a payload a condition looks: `a.b[].c`, segments in double quotes may contain dots.
///
/// `[]` steps into every member of an array. At the last segment an array gives each of its members without
/// it. Keys are bytes: two spellings of an accented letter are two keys, as they are in JSON.
package struct FieldPath: Hashable, Sendable {
    package struct Segment: Hashable, Sendable {
        package var key: [UInt8]
        /// How many times `[]` follows the key.
        package var arrayDepth: Int
    }

    package let segments: [Segment]
    /// As the client wrote it, for messages and plans.
    package let text: String

    /// - Throws: `invalid_params` when the path is empty, has an empty segment or an open quote.
    package init(parsing text: String) throws(DatabaseError) {
        let bytes = Array(text.utf8)
        var segments: [Segment] = []
        var position = 0
        repeat {
            segments.append(try Self.parseSegment(bytes, at: &position, of: text))
            guard position < bytes.count else { break }
            guard bytes[position] == UInt8(ascii: ".") else {
                throw Self.malformed(text, "expected a dot or the end at byte \(position)")
            }
            position += 1
        } while true
        self.segments = segments
        self.text = text
    }

    /// The top-level key of exactly these bytes, whatever they are.
    package init(key: String) {
        segments = [Segment(key: Array(key.utf8), arrayDepth: 0)]
        text = key
    }

    private static func parseSegment(
        _ bytes: [UInt8], at position: inout Int, of text: String
    ) throws(DatabaseError) -> Segment {
        var key: [UInt8] = []
        if position < bytes.count, bytes[position] == UInt8(ascii: "\"") {
            guard let end = bytes[(position + 1)...].firstIndex(of: UInt8(ascii: "\"")) else {
                throw malformed(text, "the quote at byte \(position) is never closed")
            }
            key = Array(bytes[(position + 1)..<end])
            position = end + 1
        } else {
            while position < bytes.count, bytes[position] != UInt8(ascii: "."),
                bytes[position] != UInt8(ascii: "[")
            {
                key.append(bytes[position])
                position += 1
            }
            guard !key.isEmpty else { throw malformed(text, "an empty segment at byte \(position)") }
        }
        var depth = 0
        while position + 1 < bytes.count, bytes[position] == UInt8(ascii: "["),
            bytes[position + 1] == UInt8(ascii: "]")
        {
            depth += 1
            position += 2
        }
        return Segment(key: key, arrayDepth: depth)
    }

    /// Two spellings of one path are equal.
    package static func == (left: FieldPath, right: FieldPath) -> Bool { left.segments == right.segments }

    package func hash(into hasher: inout Hasher) { hasher.combine(segments) }

    private static func malformed(_ text: String, _ reason: String) -> DatabaseError {
        DatabaseError(.invalidParams, "malformed key: \(reason)", expected: "a path like a.b[].c", got: text)
    }
}
