import NeedleCore

/// Helps reading our own JSON files strictly: every key known, none missing, every value of its type.
enum StrictJSON {
    /// Reads a whole text; what is wrong with it becomes `corruption` at its offset in the file.
    static func read<Value>(
        _ bytes: [UInt8], from start: Int, file: String, _ body: (inout JSONReader) throws(JSONError) -> Value
    ) throws(DatabaseError) -> Value {
        do throws(JSONError) {
            var reader = JSONReader(bytes.span.bytes.extracting(start..<bytes.count))
            let value = try body(&reader)
            try reader.finish()
            return value
        } catch {
            throw .corruption(file: file, offset: start + error.offset, what: error.message)
        }
    }

    /// The value of a key that must be there.
    static func need<Value>(_ value: Value?, _ name: String, at offset: Int) throws(JSONError) -> Value {
        guard let value else { throw JSONError(.missingKey(name), at: offset) }
        return value
    }

    static func size(_ reader: inout JSONReader) throws(JSONError) -> Int {
        try reader.readInt(in: 0...Int.max)
    }

    static func array<Element>(
        _ reader: inout JSONReader, _ element: (inout JSONReader) throws(JSONError) -> Element
    ) throws(JSONError) -> [Element] {
        var result: [Element] = []
        var elements = try reader.beginArray()
        while try reader.nextElement(&elements) { result.append(try element(&reader)) }
        return result
    }

    static func strings(_ reader: inout JSONReader) throws(JSONError) -> [String] {
        try array(&reader) { (r) throws(JSONError) in try r.readString() }
    }

    static func incarnation(_ reader: inout JSONReader) throws(JSONError) -> Incarnation {
        let offset = reader.offset
        guard let value = Incarnation(hex: try reader.readString()) else {
            throw JSONError(.invalidValue("not 32 lower-case hexadecimal digits"), at: offset)
        }
        return value
    }
}

extension JSONWriter {
    mutating func write(strings: [String]) {
        beginArray()
        for string in strings { write(string) }
        endArray()
    }
}
