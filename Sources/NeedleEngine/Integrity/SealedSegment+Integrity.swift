import NeedleCore
import NeedleStorage
import Synchronization

// What of a sealed segment may still be used, from what was found damaged in its file so far. The file's reader
// remembers the damage; all that is remembered here is that the content contradicts itself, if so.

extension SealedSegment {
    var isVerified: Bool { reader.isFullyVerified }

    /// Something was found that should not be.
    var isDamaged: Bool { reader.hasDamage || condemnation.load() != nil || hasFaultyGraph }

    /// All that was found.
    var damageErrors: [DatabaseError] {
        (condemnation.load().map { [$0.error] } ?? []) + reader.damage.map(\.error) + graphFaults
    }

    /// Rises with everything that is found.
    var damageCount: Int {
        (reader.hasDamage ? reader.damage.count : 0) + (condemnation.load() == nil ? 0 : 1)
    }

    /// Why the segment is quarantined: its originals are damaged. `nil` when they are not, as far as it is known.
    var quarantine: DatabaseError? {
        if let condemned = condemnation.load() { return condemned.error }
        guard reader.hasDamage else { return nil }
        return reader.damage.first { !$0.sections.allSatisfy(\.kind.isDerived) }?.error
    }

    /// A search may ask the segment: what it needs is right, but perhaps a graph, which it can do without.
    var isSearchable: Bool {
        guard reader.hasDamage || condemnation.load() != nil else { return true }
        return condemnation.load() == nil
            && reader.damage.allSatisfy { $0.sections.allSatisfy { $0.kind.isOfGraph || $0.kind.isOfIDs } }
    }

    /// Only what can be derived is damaged: written anew, the segment is whole again.
    var needsRewriting: Bool { isDamaged && quarantine == nil }

    /// Whether the graph of a space lies in undamaged blocks, as far as it is known.
    func isGraphWhole(space: Int) -> Bool {
        guard reader.hasDamage else { return true }
        return !reader.damage.contains { damage in
            damage.sections.contains { $0.kind.isOfGraph && $0.space == space }
        }
    }

    /// Checks what a read meets row by row, once. What is damaged is remembered. Costs about a millisecond for a
    /// million rows.
    func admit() {
        guard !reader.isFullyVerified else { return }
        for section in reader.sections where section.kind.isReadRowByRow {
            do throws(DatabaseError) { try reader.verify(section) } catch { continue }
        }
    }

    /// Checks every block that was not checked yet. What is damaged is remembered.
    func verifyAll(context: OperationContext) throws(DatabaseError) {
        while !isVerified, reader.verifyNext(bytes: 16 << 20) != nil { try context.check() }
        // Other threads may have been at it: their blocks too.
        for block in 0..<reader.blockCount where !isVerified {
            let start = block * reader.blockBytes
            let range = start..<min(reader.byteCount, start + reader.blockBytes)
            do throws(DatabaseError) { try reader.verify(range) } catch { continue }
        }
    }

    func requireRowColumns() throws(DatabaseError) {
        if let condemned = condemnation.load() { throw condemned.error }
        guard reader.hasDamage else { return }
        for damage in reader.damage where damage.sections.contains(where: { $0.kind.isOfVisibility }) {
            // What the disk did not give is tried again: throws if it still does not.
            try reader.verify(damage.range)
        }
    }

    /// Why it cannot be told of every id whether it lives here; `nil` when it can.
    var unknownIDs: DatabaseError? {
        if let condemned = condemnation.load() { return condemned.error }
        guard reader.hasDamage else { return nil }
        return reader.damage.first { $0.sections.contains { $0.kind.isOfVisibility || $0.kind.isID } }?.error
    }

    /// Quarantines the segment for content that contradicts itself although its checksums are right.
    func condemn(_ error: DatabaseError) {
        _ = condemnation.storeIfNil(Condemnation(error))
    }

    /// What is wrong, and what it means; for `server.health`.
    var damageReport: [String] {
        guard isDamaged else { return [] }
        let serves = "its points are not served until a backup is restored"
        var lines: [String] = []
        if let condemned = condemnation.load() { lines.append("\(condemned.error.message): \(serves)") }
        for damage in reader.damage {
            let kinds = damage.sections.map(\.kind)
            let meaning =
                if !kinds.allSatisfy(\.isDerived) {
                    damage.error.kind == .corruption ? serves : "it is tried again"
                } else if isSearchable {
                    "what is derived is being rebuilt, searches are exact meanwhile"
                } else {
                    "what is derived is being rebuilt, its points are not served meanwhile"
                }
            lines.append("\(damage.error.message): \(meaning)")
        }
        if !reader.hasDamage {
            lines += graphFaults.map { "\($0.message): it is being rebuilt, searches are exact meanwhile" }
        }
        return lines
    }
}

/// Why a segment is quarantined.
final class Condemnation: Sendable {
    let error: DatabaseError

    init(_ error: DatabaseError) {
        self.error = error
    }
}
