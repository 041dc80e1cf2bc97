// What several methods share: the first members of their parameters, and cutting long lists at the server's
// limit.

import NeedleCore

extension JSONWriter {
    mutating func collection(_ name: String, minimumLSN: UInt64? = nil) {
        key("collection")
        write(name)
        if let minimumLSN {
            key("min_lsn")
            write(minimumLSN)
        }
    }
}

extension NeedletailClient {
    /// What the server announced, connecting only if it was never reached.
    func greeting() async throws -> ServerGreeting {
        if let greeting = pool.greeting { return greeting }
        return try await connect()
    }

    /// Calls `body` with parts of `items` no longer than the server's limit for arrays, one after the other,
    /// and joins the answers. An empty list is still one call, so that the server may judge it.
    func split<Item, Answer>(
        _ items: [Item], _ body: (ArraySlice<Item>) async throws -> [Answer]
    ) async throws -> [Answer] {
        let limit = try await greeting().batchPoints
        guard items.count > limit else { return try await body(items[...]) }
        var answers: [Answer] = []
        var start = 0
        while start < items.count {
            let end = min(start + limit, items.count)
            answers += try await body(items[start..<end])
            start = end
        }
        return answers
    }
}

extension RandomNumberGenerator {
    /// A fresh operation key: 32 hexadecimal digits.
    package mutating func operationKey() -> String {
        let digits = [next(), next()].map { (word: UInt64) in
            let text = String(word, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }
        return digits.joined()
    }
}
