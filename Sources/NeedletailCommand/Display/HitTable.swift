// Hits as a table: score, id, and those payload columns that say most in the room there is.

package import NeedleClient

/// Chooses and lays out the columns of a search's answer.
package struct HitTable {
    private let hits: [Hit]
    private let payloads: [JSONObject]
    private let keys: [String]
    private let width: Int?

    /// - Parameters:
    ///   - columns: the payload keys to show, in order; `nil` picks them.
    ///   - width: columns of the terminal, `nil` when the output is no terminal: then nothing is cut.
    package init(_ hits: [Hit], columns: [String]?, width: Int?) {
        self.hits = hits
        self.width = width
        payloads = hits.map { $0.payload?.object ?? JSONObject() }
        keys = columns ?? Self.pick(payloads, room: (width ?? 160) - Self.idWidth(hits) - 10)
    }

    package func lines(style: Style) -> [String] {
        var columns: [Table.Column] = [.init("SCORE", right: true, minimum: 6), .init("ID", minimum: 6)]
        for key in keys {
            let isNumeric = payloads.allSatisfy { $0[key]?.doubleValue != nil || $0[key] == nil }
            columns.append(.init(DisplayWidth.safe(key).uppercased(), right: isNumeric))
        }
        var table = Table(columns)
        for (hit, payload) in zip(hits, payloads) {
            table.add(
                [Numbers.fixed(hit.score, 4), hit.id.description]
                    + keys.map { payload[$0].map(Self.cell) ?? "" })
        }
        return table.lines(width: width, style: style)
    }

    /// A hit as one line of JSON, its payload to the digit.
    package static func json(_ hit: Hit) -> String {
        var parts = [
            "\"id\":\(JSONValue(hit.id))", "\"version\":\(hit.point.version)", "\"score\":\(hit.score)",
        ]
        if let payload = hit.payload { parts.append("\"payload\":\(payload.json)") }
        return "{" + parts.joined(separator: ",") + "}"
    }

    private static func idWidth(_ hits: [Hit]) -> Int {
        hits.reduce(2) { max($0, DisplayWidth.of($1.id.description)) }
    }

    /// The title-like key first, the longest text last, and between them what is short, in the payload's own
    /// order, as long as it leaves the text room to be read.
    package static func pick(_ payloads: [JSONObject], room: Int) -> [String] {
        var widths: [(key: String, width: Int)] = []
        for payload in payloads {
            for member in payload.members {
                if case .object = member.value { continue }
                let width = max(DisplayWidth.of(cell(member.value)), DisplayWidth.of(member.key))
                if let index = widths.firstIndex(where: { $0.key == member.key }) {
                    widths[index].width = max(widths[index].width, width)
                } else {
                    widths.append((member.key, width))
                }
            }
        }
        let title = ["name", "title", "label", "path", "url", "document_id"].first { wanted in
            widths.contains { $0.key == wanted }
        }
        let others = widths.filter { $0.key != title }
        let longest =
            others.contains { $0.key == "text" }
            ? "text" : others.filter { $0.width > 24 }.max { $0.width < $1.width }?.key
        var left = room
        if let title { left -= 2 + min(30, widths.first { $0.key == title }?.width ?? 0) }
        if longest != nil { left -= 2 + 40 }
        var between: [String] = []
        for (key, width) in others
        where key != longest && width <= 20 && between.count < 4 && left >= width + 2 {
            between.append(key)
            left -= width + 2
        }
        return [title].compactMap { $0 } + between + [longest].compactMap { $0 }
    }

    /// A payload value in a table's cell.
    private static func cell(_ value: JSONValue) -> String {
        switch value {
        case .string(let text): text
        case .array(let elements): elements.map(cell).joined(separator: ", ")
        case .null: ""
        default: value.description
        }
    }
}

extension JSONValue {
    package init(_ id: PointID) {
        self =
            id.integer.map { Int64(exactly: $0).map(JSONValue.integer) ?? .unsigned($0) }
            ?? .string(id.string ?? "")
    }
}
