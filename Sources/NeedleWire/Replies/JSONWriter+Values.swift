// Values that requests and replies share, as JSON.

import NeedleCore

extension JSONWriter {
    mutating func write(_ id: PointID) {
        switch id {
        case .integer(let value): write(value)
        case .string(let bytes): write(utf8: bytes.span)
        }
    }

    /// A request's id as it was sent; `null` when it is not known.
    mutating func write(_ id: RequestID?) {
        switch id {
        case nil: writeNull()
        case .integer(let value): write(value)
        case .string(let bytes): write(utf8: bytes.span)
        }
    }

    mutating func write(_ lsn: LSN) {
        write(lsn.value)
    }

    mutating func writeMembers(of aliases: [Alias]) {
        key("aliases")
        beginObject()
        for alias in aliases {
            key(string: alias.name)
            write(alias.collection)
        }
        endObject()
    }

    mutating func write(_ vector: [Float], as encoding: VectorEncoding) {
        switch encoding {
        case .array: writeFloats(vector.span)
        case .base64: writeBase64(vector.span)
        }
    }

    /// A double that is a float32 exactly is written as that float: scores are mostly such, and `0.83` says
    /// the same as
    /// `0.8299999833106995`. It reads back as the same float32; a double keeps all its digits.
    ///
    /// - Precondition: finite.
    mutating func writeScore(_ score: Double) {
        let float = Float(score)
        if Double(float) == score { write(float) } else { write(score) }
    }

    mutating func array<Element>(
        _ elements: some Sequence<Element>, _ body: (inout JSONWriter, Element) throws -> Void
    ) rethrows {
        beginArray()
        for element in elements { try body(&self, element) }
        endArray()
    }

    mutating func string(_ name: StaticString, _ value: String) {
        key(name)
        write(value)
    }

    mutating func integer(_ name: StaticString, _ value: Int) {
        key(name)
        write(value)
    }

    mutating func lsn(_ lsn: LSN) {
        key("lsn")
        write(lsn)
    }

    /// An object whose members `body` writes.
    mutating func object(_ body: (inout JSONWriter) throws -> Void) rethrows {
        beginObject()
        try body(&self)
        endObject()
    }

    mutating func object(_ name: StaticString, _ body: (inout JSONWriter) throws -> Void) rethrows {
        key(name)
        try object(body)
    }

    /// The members that every message begins with.
    mutating func beginMessage() {
        beginObject()
        key("jsonrpc")
        write(literal: "2.0")
    }
}
