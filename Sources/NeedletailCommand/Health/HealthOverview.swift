// How the collections of a server are, for people and for programs. Pure: what the server says in, lines out.

package import NeedleClient

/// A line for each collection, and what is wrong below.
package struct HealthOverview: Sendable {
    package var health: ServerHealth

    package init(_ health: ServerHealth) {
        self.health = health
    }

    package func lines(width: Int?, style: Style = .plain) -> [String] {
        guard !health.collections.isEmpty else { return snapshotLines(style) }
        let hasAlerts = health.collections.contains { !$0.alerts.isEmpty }
        let hasReasons = health.collections.contains { $0.reason != nil }
        var columns = [Table.Column("COLLECTION"), Table.Column("STATE")]
        if hasAlerts { columns.append(Table.Column("ALERTS", right: true, minimum: 6)) }
        if hasReasons { columns.append(Table.Column("REASON")) }
        var table = Table(columns)
        for collection in health.collections {
            var row = [collection.name, collection.state]
            if hasAlerts { row.append(collection.alerts.isEmpty ? "–" : "\(collection.alerts.count)") }
            if hasReasons { row.append(collection.reason ?? "–") }
            table.add(row)
        }
        let alerts = health.collections.flatMap { collection in
            collection.alerts.map { alert in
                let of = alert.space.isEmpty ? collection.name : "\(collection.name), vectors \(alert.space)"
                return style.red("! " + DisplayWidth.safe("\(of): \(alert.message)"))
            }
        }
        return table.lines(width: width, style: style) + alerts + snapshotLines(style)
    }

    /// A value for each collection and each damaged snapshot.
    package var json: [JSONObject] {
        let collections = health.collections.map { collection in
            JSONObject([
                .init("collection", .string(collection.name)), .init("state", .string(collection.state)),
                .init("reason", collection.reason.map { .string($0) } ?? .null),
                .init("alerts", .array(collection.alerts.map { .object(Self.json($0)) })),
            ])
        }
        return collections
            + damaged.map { name, reason in
                ["snapshot": .string(name), "state": "damaged", "reason": .string(reason)]
            }
    }

    private static func json(_ alert: QualityAlert) -> JSONObject {
        [
            "kind": .string(alert.kind), "space": .string(alert.space), "message": .string(alert.message),
        ]
    }

    /// By name, so that two looks compare.
    private var damaged: [(name: String, reason: String)] {
        health.damagedSnapshots.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    private func snapshotLines(_ style: Style) -> [String] {
        damaged.map { style.red("! " + DisplayWidth.safe("snapshot \($0) is damaged: \($1)")) }
    }
}
