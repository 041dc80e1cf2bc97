package import NeedleCore

/// The file RECALL for people.
package enum RecallText {
    /// - Throws: `corruption`.
    package static func text(of path: String, _ fileSystem: any FileSystem) throws(DatabaseError) -> String {
        let file = try RecallFile.read(fileSystem, path: path)
        var lines = ["recall of collection \(file.incarnation), \(file.entries.count) measured"]
        let ordered = file.entries.sorted { ($0.key.segment, $0.key.space) < ($1.key.segment, $1.key.space) }
        for (key, recall) in ordered {
            let points = recall.curves.flatMap(\.points).map { point in
                "\(point.k)@\(point.ef): \(point.mean)"
            }
            lines.append(
                "segment \(key.segment), space \(key.space), \(key.source): \(recall.rows) rows; "
                    + points.joined(separator: ", "))
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
