package import NeedleCore

/// The file QUALITY for people.
package enum QualityText {
    /// - Throws: `corruption`.
    package static func text(of path: String, _ fileSystem: any FileSystem) throws(DatabaseError) -> String {
        let file = try QualityFile.read(fileSystem, path: path)
        var lines = ["quality of collection \(file.incarnation), \(file.spaces.count) spaces"]
        for (index, record) in file.spaces.enumerated() {
            lines.append("space \(index): \(record.history.count) measurements")
            if let baseline = record.baseline { lines.append("baseline \(line(baseline.figures))") }
            lines += record.history.map(line)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func line(_ figures: QualityMeasurement) -> String {
        "at \(figures.atMS): \(figures.points) points, \(figures.sampled) looked at, norm \(figures.norm), "
            + "centroid shift \(figures.centroidShift), near duplicates \(figures.nearDuplicates), "
            + "coherence \(figures.coherence), hubness \(figures.hubness), \(figures.queries) queries"
    }
}
