import NeedleCore

/// The id of a chunk's point: `document_id#chunk_index`, the index in decimal without leading zeros.
struct ChunkID: Hashable {
    var document: [UInt8]
    var index: Int

    init(document: [UInt8], index: Int) {
        self.document = document
        self.index = index
    }

    /// `nil` for any other id. O(digits) for those.
    init?(_ id: [UInt8]) {
        var first = id.count
        while first > 0, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(id[first - 1]) { first -= 1 }
        let digits = id.count - first
        guard first > 1, id[first - 1] == UInt8(ascii: "#"), (1...9).contains(digits),
            digits == 1 || id[first] != UInt8(ascii: "0")
        else { return nil }
        document = Array(id[..<(first - 1)])
        index = id[first...].reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }

    var pointID: PointID { .string(document + Array("#\(index)".utf8)) }

    /// What the ids of all chunks of a document begin with.
    static func prefix(of document: [UInt8]) -> [UInt8] { document + [UInt8(ascii: "#")] }
}
