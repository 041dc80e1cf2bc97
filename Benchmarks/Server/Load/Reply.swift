// What is read of an answer: in the timed phases its id, its kind and `took_us`, found without parsing.

import Glibc
import NeedleCore

/// An answer that lies in a connection's buffer; valid only within the call that hands it over.
struct Reply {
    let line: UnsafeRawBufferPointer
    let id: Int

    /// Nil if the line is a notification.
    init?(line: UnsafeRawBufferPointer) {
        self.line = line
        let prefix: StaticString = #"{"jsonrpc":"2.0","id":"#
        if line.count > prefix.utf8CodeUnitCount, let base = line.baseAddress,
            memcmp(base, prefix.utf8Start, prefix.utf8CodeUnitCount) == 0
        {
            id = Self.integer(line, at: prefix.utf8CodeUnitCount)
        } else {
            // Another order of keys is legal, though slower to read.
            guard let value = try? JSONValue(parsing: Array(line).span), let id = value["id"]?.integerValue
            else {
                return nil
            }
            self.id = id
        }
    }

    /// The server's own time for the search, which stands near the end of the answer.
    var tookMicroseconds: Int? {
        let key: StaticString = #""took_us":"#
        guard let place = find(key, in: stride(from: line.count, through: max(0, line.count - 160), by: -1))
        else {
            return nil
        }
        return Self.integer(line, at: place + key.utf8CodeUnitCount)
    }

    /// Whether this is an error: looked for where it stands.
    var isError: Bool { find(#""error":"#, in: stride(from: 0, through: 64, by: 1)) != nil }

    /// The first of these places where `key` stands.
    private func find(_ key: StaticString, in places: StrideThrough<Int>) -> Int? {
        guard let base = line.baseAddress else { return nil }
        let length = key.utf8CodeUnitCount
        return places.first { place in
            place + length <= line.count && memcmp(base + place, key.utf8Start, length) == 0
        }
    }

    /// The whole answer, parsed.
    func result() throws -> JSONValue {
        let value = try JSONValue(parsing: Array(line).span)
        guard let result = value["result"] else {
            throw Failure(description: "refused: \(String(decoding: line.prefix(500), as: UTF8.self))")
        }
        return result
    }

    private static func integer(_ bytes: UnsafeRawBufferPointer, at start: Int) -> Int {
        var value = 0
        var place = start
        while place < bytes.count, bytes[place] >= 48, bytes[place] <= 57 {
            value = value &* 10 &+ Int(bytes[place] - 48)
            place += 1
        }
        return value
    }
}
