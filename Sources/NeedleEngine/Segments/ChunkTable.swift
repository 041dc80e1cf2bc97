import NeedleCore
import NeedleStorage
import Synchronization

/// From documents to the rows of a growing segment that have ids of their chunks. Safe to use from any thread.
///
/// Sealed segments have their ids in order, where a document's chunks lie together; here they do not. Costs a table entry
/// per document, and nothing for points whose ids are no chunk's.
final class ChunkTable: Sendable {
    /// By the hash of the document's id: whoever asks compares the rows' ids.
    private let rows = Mutex<[UInt64: [UInt32]]>([:])

    func insert(row: Int, document: [UInt8]) {
        rows.withLock { $0[IDHash.hash(.string(document)), default: []].append(UInt32(row)) }
    }

    func rows(of document: [UInt8]) -> [Int] {
        rows.withLock { $0[IDHash.hash(.string(document))] ?? [] }.map(Int.init)
    }
}
