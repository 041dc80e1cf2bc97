import NeedleCore
import NeedleStorage
import NeedleVectors

/// The checks that vectors and graph nodes of a sealed segment need before they are read, as long as not all of
/// its blocks were compared with their checksums (invariant 6).
///
/// A value for the length of one read.
struct SpaceChecks: Sendable {
    let reader: SegmentReader
    let vectors: SegmentSection
    /// `nil`: there is no graph.
    let nodes: SegmentSection?
    /// The graph has no codes: it is walked on the vectors.
    let isWalkedOnVectors: Bool

    func verifyVectors(of rows: Range<Int>) throws(DatabaseError) {
        try reader.verify(vectors, elements: rows)
    }

    /// For one search of the graph.
    func rowGuard() -> (any RowGuard)? {
        nodes.map { BlockGuard(checks: self, nodes: $0) }
    }
}

/// Checks the blocks of the rows that a search of a graph meets.
private final class BlockGuard: RowGuard {
    private let checks: SpaceChecks
    private let nodes: SegmentSection
    private(set) var refusal: DatabaseError?

    init(checks: SpaceChecks, nodes: SegmentSection) {
        self.checks = checks
        self.nodes = nodes
    }

    func admit(_ row: UInt32) {
        let rows = Int(row)..<(Int(row) + 1)
        do throws(DatabaseError) {
            try checks.reader.verify(nodes, elements: rows)
            if checks.isWalkedOnVectors { try checks.verifyVectors(of: rows) }
        } catch {
            refusal = refusal ?? error
        }
    }
}
