// Searching a graph that lies in a file whose blocks were not all compared with their checksums yet: every row
// is admitted before its codes, its links or its vector are read. A graph that is known to be right is searched
// without any of this.

package import NeedleCore

/// Admits rows of a graph before a search reads their records.
///
/// Used by one thread, for one search.
package protocol RowGuard: AnyObject {
    /// Whether the row's record, and its vector where the graph has no codes, may be read. After a refusal the
    /// search goes on with whatever lies there, and its result must not be used.
    func admit(_ row: UInt32)
    /// So many distances are computed now: by the graph's codes, or by vectors where it has none.
    func noteDistances(_ count: Int)
    /// Why a row was refused.
    var refusal: DatabaseError? { get }
}

extension RowGuard {
    package func noteDistances(_ count: Int) {}
}

/// A scorer that has every row admitted before it is scored. A row's list is read only after the row was scored
/// or admitted by itself, so links are covered too.
struct GuardedScorer<Base: RowScorer>: RowScorer {
    let base: Base
    let rowGuard: any RowGuard

    func distance(to row: UInt32) -> Float {
        rowGuard.admit(row)
        rowGuard.noteDistances(1)
        return base.distance(to: row)
    }

    func score(_ rows: UnsafePointer<UInt32>, count: Int, into out: UnsafeMutablePointer<Float>) {
        for i in 0..<count { rowGuard.admit(rows[i]) }
        rowGuard.noteDistances(count)
        base.score(rows, count: count, into: out)
    }

    func admit(_ row: UInt32) { rowGuard.admit(row) }
}
