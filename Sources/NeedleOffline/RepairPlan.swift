// What a repair would do, as values: made from what a check found, shown to a person, and only then carried out. A
// repair never deletes data. What it takes out of use lies in DIR/quarantine/<n> afterwards, with the reason beside it.

import NeedleCore
import NeedleEngine
package import NeedleStorage

/// One thing that a repair does.
package enum RepairStep: Hashable, Sendable {
    /// The catalogue is written anew, with these names.
    case rebuildCatalogue([Catalogue.Entry], unreadable: [String])
    /// Segments leave their collection: their points are gone from it.
    case removeSegments(Incarnation, [UInt64])
    /// The log is written anew from the writes in it that are whole.
    case rewriteLog(Incarnation)
    /// A derived file is taken away: the server makes another.
    case removeMeasured(Incarnation, name: String)
    case removeSnapshot(String)
}

/// All steps, and what the person who decides should know.
package struct RepairPlan: Sendable {
    package private(set) var steps: [RepairStep] = []
    /// What will be done, and what that means, a line each.
    package private(set) var lines: [String] = []
    /// What only a person can do, or what the server does by itself.
    package private(set) var advice: [String] = []

    private let fileSystem: any FileSystem
    private let path: String

    package var isEmpty: Bool { steps.isEmpty }

    /// - Parameters:
    ///   - path: the data directory, locked by the caller.
    ///   - report: of the same moment.
    init(_ fileSystem: any FileSystem, path: String, _ report: CheckReport) throws(DatabaseError) {
        self.fileSystem = fileSystem
        self.path = path
        let subjects = report.findings.map(\.subject)
        if subjects.contains(.catalogue) { try rebuildCatalogue(report) }
        var segments: [Incarnation: [UInt64]] = [:]
        var derived: Set<UInt64> = []
        for subject in subjects {
            if case .segment(let incarnation, let id) = subject, segments[incarnation]?.contains(id) != true {
                segments[incarnation, default: []].append(id)
            }
            if case .derived(_, let id) = subject { derived.insert(id) }
        }
        let hopeless = Set(
            subjects.compactMap { subject -> Incarnation? in
                if case .collection(let incarnation) = subject { incarnation } else { nil }
            })
        for (incarnation, ids) in segments.sorted(by: { $0.key.hex < $1.key.hex })
        where !hopeless.contains(incarnation) {
            steps.append(.removeSegments(incarnation, ids.sorted()))
            try explainSegments(incarnation, ids.sorted(), report)
        }
        for incarnation in Set(subjects.compactMap(Self.damagedLog)).sorted(by: { $0.hex < $1.hex })
        where !hopeless.contains(incarnation) {
            steps.append(.rewriteLog(incarnation))
            try explainLog(incarnation, report)
        }
        var known: Set<Finding.Subject> = []
        for subject in subjects where known.insert(subject).inserted {
            switch subject {
            case .measured(let incarnation, let file):
                steps.append(.removeMeasured(incarnation, name: file))
                lines.append(
                    "move aside \(file) of collection \(name(of: incarnation)): the server measures again")
            case .snapshot(let name):
                steps.append(.removeSnapshot(name))
                lines.append("move aside snapshot \(name): it could not be restored")
            default: continue
            }
        }
        if !derived.isEmpty {
            advice.append(
                "damaged graphs, id tables and norms need no repair: the server makes them again while it runs"
            )
        }
        for incarnation in hopeless.sorted(by: { $0.hex < $1.hex }) {
            advice.append(
                "collection \(name(of: incarnation)) cannot be repaired: the server starts and keeps it quarantined"
            )
            advise(incarnation, report)
        }
        if subjects.contains(.note) { advice.append("what is only noted, the next start removes or mends") }
    }

    private static func damagedLog(_ subject: Finding.Subject) -> Incarnation? {
        if case .log(let incarnation) = subject { incarnation } else { nil }
    }

    // MARK: What it means

    private func name(of incarnation: Incarnation) -> String {
        let known = try? Catalogue.read(fileSystem, directory: path)
        let entry = known?.collections.first { $0.incarnation == incarnation }
        return entry.map { "\"\($0.name)\"" } ?? incarnation.hex
    }

    private mutating func explainSegments(
        _ incarnation: Incarnation, _ ids: [UInt64], _ report: CheckReport
    ) throws(DatabaseError) {
        let manifest = try Manifest.read(fileSystem, directory: "\(path)/collections/\(incarnation.hex)")
        let lost = manifest.segments.filter { ids.contains($0.id) }.reduce(0) { $0 + $1.live }
        lines.append(
            "collection \(name(of: incarnation)): move aside segment\(ids.count == 1 ? "" : "s") "
                + ids.map { String($0) }.joined(separator: ", ")
                + ": at most \(lost) points are gone from it")
        advice.append(
            "before that, what lies in undamaged blocks of such a segment can still be had from a running server, "
                + "with point.get and point.scroll")
        advise(incarnation, report)
    }

    private mutating func explainLog(_ incarnation: Incarnation, _ report: CheckReport) throws(DatabaseError)
    {
        lines.append(
            "collection \(name(of: incarnation)): write its log anew from the writes that are whole; "
                + "those in the damaged places are lost, and what they deleted or replaced may be there again"
        )
        advise(incarnation, report)
    }

    private mutating func advise(_ incarnation: Incarnation, _ report: CheckReport) {
        let newest = report.wholeSnapshots.filter { $0.manifest.incarnation == incarnation }
            .max { $0.manifest.lsn < $1.manifest.lsn }
        if let newest {
            advice.append(
                "snapshot \(newest.name) of this collection is whole, \(newest.manifest.points) points at write "
                    + "\(newest.manifest.lsn): needletail snapshot restore \(newest.name) --as NAME")
        } else {
            advice.append(
                "no snapshot here holds collection \(name(of: incarnation)): restore a backup if there is one"
            )
        }
    }

    // MARK: The catalogue

    /// Every collection that has a readable manifest; names come from snapshots, or are made up.
    private mutating func rebuildCatalogue(_ report: CheckReport) throws(DatabaseError) {
        let folder = "\(path)/collections"
        var entries: [Catalogue.Entry] = []
        var unreadable: [String] = []
        for directory in try fileSystem.list(folder) {
            let manifest = try? Manifest.read(fileSystem, directory: "\(folder)/\(directory)")
            guard let manifest, manifest.incarnation.hex == directory else {
                unreadable.append(directory)
                continue
            }
            let known = report.wholeSnapshots.first { $0.manifest.incarnation == manifest.incarnation }
            var name = known?.manifest.collection ?? "recovered-\(directory.prefix(8))"
            if entries.contains(where: { $0.name == name }) { name = "recovered-\(directory.prefix(8))" }
            entries.append(Catalogue.Entry(name: name, incarnation: manifest.incarnation))
        }
        steps.append(.rebuildCatalogue(entries, unreadable: unreadable))
        lines.append(
            "write a new CATALOGUE naming \(entries.count) collections: "
                + entries.map(\.name).joined(separator: ", ") + "; aliases are lost")
        for directory in unreadable {
            lines.append("move aside collections/\(directory): its manifest cannot be read")
        }
        advice.append("the old names of collections called recovered-… are not known: set aliases for them")
    }
}
