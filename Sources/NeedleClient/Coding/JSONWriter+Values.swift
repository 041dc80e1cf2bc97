// Writing the client's public values as JSON, with the writer that the whole house shares.

package import NeedleCore

extension JSONWriter {
    /// - Precondition: all numbers are finite; JSON has no others.
    mutating func write(_ value: JSONValue) {
        switch value {
        case .null: writeNull()
        case .bool(let bool): write(bool)
        case .integer(let integer): write(integer)
        case .unsigned(let integer): write(integer)
        case .double(let double): write(double)
        case .string(let string): write(string)
        case .array(let elements): array(elements) { $0.write($1) }
        case .object(let object): write(object)
        }
    }

    mutating func write(_ object: JSONObject) {
        beginObject()
        for member in object.members {
            key(string: member.key)
            write(member.value)
        }
        endObject()
    }

    mutating func write(_ id: PointID) {
        switch id.storage {
        case .integer(let value): write(value)
        case .string(let bytes): write(utf8: bytes.span)
        }
    }

    /// A vector as the base64 of its little-endian float32 values: exact, and about half the size of
    /// decimals.
    mutating func write(_ vector: Vector) {
        writeBase64(vector.span)
    }

    mutating func array<Element>(
        _ elements: some Sequence<Element>, _ body: (inout JSONWriter, Element) throws -> Void
    ) rethrows {
        beginArray()
        for element in elements { try body(&self, element) }
        endArray()
    }

    /// The vectors that a point brings: of the only space, or by the names of spaces.
    mutating func vectors(_ single: Vector?, _ spaces: [String: Vector]) {
        if let single {
            key("vector")
            write(single)
        }
        if !spaces.isEmpty {
            key("vectors")
            beginObject()
            for (space, vector) in spaces.sorted(by: { $0.key < $1.key }) {
                key(string: space)
                write(vector)
            }
            endObject()
        }
    }

    /// One point of an upsert.
    package mutating func write(_ point: Point) {
        beginObject()
        key("id")
        write(point.id)
        vectors(point.vector, point.vectors)
        if let text = point.text {
            key("text")
            write(text)
        }
        if !point.payload.isEmpty {
            key("payload")
            writeRaw(point.payload.bytes)
        }
        if let version = point.ifVersion {
            key("if_version")
            write(version)
        }
        if let moment = point.expiresAt {
            key("expires_at")
            write(moment)
        }
        endObject()
    }

    /// `with_payload` and `with_vector`, where they differ from the server's defaults.
    mutating func writeSelection(payload: PayloadSelection, vector: Bool) {
        switch payload {
        case .all: break
        case .none:
            key("with_payload")
            write(false)
        case .keys(let keys):
            key("with_payload")
            array(keys) { $0.write($1) }
        }
        if vector {
            key("with_vector")
            write(true)
            key("vector_encoding")
            write(literal: "base64")
        }
    }
}
