/// In which line of a TOML text each section and key stands. TOMLKit keeps no places, and an error without one
/// sends its reader searching.
///
/// Knows the part of the grammar that decides what begins a line: comments, `[section]` headers, `key = value` with
/// bare or quoted keys, and multi-line strings, whose inside is skipped. Only used after TOMLKit has accepted the text.
struct TOMLLineIndex {
    private var lines: [String: Int] = [:]

    init(_ text: String) {
        var section: [String] = []
        var openQuotes: String?
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if let quotes = openQuotes {
                if line.contains(quotes) { openQuotes = nil }
                continue
            }
            let trimmed = line.drop { $0 == " " || $0 == "\t" }
            if trimmed.isEmpty || trimmed.hasPrefix("#") { continue }
            if trimmed.hasPrefix("[") {
                let inner = trimmed.drop { $0 == "[" }.prefix { $0 != "]" }
                section = Self.parts(inner)
                note(section, index + 1)
            } else if let equals = trimmed.firstIndex(of: "=") {
                note(section + Self.parts(trimmed[..<equals]), index + 1)
                openQuotes = Self.unclosedQuotes(trimmed[equals...])
            }
        }
    }

    /// The line of a dotted path, or of the nearest section around it; 1 when even that is unknown.
    func line(of path: String) -> Int {
        var parts = path.split(separator: ".")
        while !parts.isEmpty {
            if let line = lines[parts.joined(separator: ".")] { return line }
            parts.removeLast()
        }
        return 1
    }

    private mutating func note(_ path: [String], _ line: Int) {
        // `[a.b]` and `a.b = 1` also make `a`.
        for count in path.indices {
            let prefix = path[...count].joined(separator: ".")
            if lines[prefix] == nil { lines[prefix] = line }
        }
    }

    private static func parts(_ key: Substring) -> [String] {
        key.split(separator: ".").map { part in
            String(part.filter { $0 != " " && $0 != "\t" && $0 != "\"" && $0 != "'" })
        }
    }

    private static func unclosedQuotes(_ value: Substring) -> String? {
        for quotes in ["\"\"\"", "'''"] {
            guard let start = value.firstRange(of: quotes) else { continue }
            return value[start.upperBound...].contains(quotes) ? nil : quotes
        }
        return nil
    }
}
