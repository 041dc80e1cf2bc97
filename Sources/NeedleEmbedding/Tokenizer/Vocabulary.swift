// The word pieces, as a byte trie. Everything is compared as bytes: Swift's String equality is canonical
// equivalence, which would take "é" and "e" + accent for the same piece.

import NeedleCore

/// Word pieces by bytes. Immutable after `init`; safe from any thread.
struct Vocabulary: Sendable {
    /// Where a walk through the trie is. Two roots: pieces that begin a word, and pieces that go on with one
    /// ("##").
    typealias Node = UInt32
    static let wordRoot: Node = 0
    static let continuationRoot: Node = 1

    /// Number of lines of the vocabulary, which is one more than the largest id.
    private(set) var count = 0

    // Edges in an open-addressing table: (node, byte) -> node. 0 marks an empty slot, since no edge leads to
    // a root.
    private var keys: [UInt64]
    private var targets: [Node]
    private var mask: Int
    private var idOfNode: [Int32]

    /// One piece per line, its id is the line's number (BERT's `vocab.txt`). O(bytes).
    ///
    /// - Throws: `corruption` when a piece comes twice or the file is empty.
    init(lines bytes: [UInt8], file: String) throws(DatabaseError) {
        // A trie of n bytes has at most n edges; twice that, rounded up, keeps probes short.
        var capacity = 1024
        while capacity < bytes.count * 2 { capacity *= 2 }
        keys = [UInt64](repeating: 0, count: capacity)
        targets = [Node](repeating: 0, count: capacity)
        mask = capacity - 1
        idOfNode = [-1, -1]

        var id: Int32 = 0
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            var line = bytes[start..<end]
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            guard insert(line, id: id) else {
                throw DatabaseError.corruption(
                    file: file, offset: start, what: "line \(id + 1) repeats an earlier word piece")
            }
            id += 1
            start = end + 1
        }
        guard id > 0 else {
            throw DatabaseError.corruption(file: file, offset: 0, what: "the vocabulary is empty")
        }
        count = Int(id)
    }

    private mutating func insert(_ line: ArraySlice<UInt8>, id: Int32) -> Bool {
        let isContinuation = line.count > 2 && line.starts(with: [UInt8(ascii: "#"), UInt8(ascii: "#")])
        var node = isContinuation ? Self.continuationRoot : Self.wordRoot
        for byte in isContinuation ? line.dropFirst(2) : line {
            let slot = slot(node, byte)
            if targets[slot] == 0 {
                keys[slot] = Self.key(node, byte)
                targets[slot] = Node(idOfNode.count)
                idOfNode.append(-1)
            }
            node = targets[slot]
        }
        // Blank lines keep their number, as in the original, but name nothing.
        if line.isEmpty { return true }
        guard idOfNode[Int(node)] < 0 else { return false }
        idOfNode[Int(node)] = id
        return true
    }

    /// The node one byte further, or `nil` when no piece goes on like this.
    func step(_ node: Node, _ byte: UInt8) -> Node? {
        let target = targets[slot(node, byte)]
        return target == 0 ? nil : target
    }

    /// The id of the piece that ends at `node`, or `nil`.
    func id(_ node: Node) -> Int32? {
        let id = idOfNode[Int(node)]
        return id < 0 ? nil : id
    }

    /// The id of a whole piece that begins a word, such as `[CLS]`.
    func id(of piece: some Sequence<UInt8>) -> Int32? {
        var node = Self.wordRoot
        for byte in piece {
            guard let next = step(node, byte) else { return nil }
            node = next
        }
        return id(node)
    }

    /// The slot of an edge, or the empty one where it would be.
    private func slot(_ node: Node, _ byte: UInt8) -> Int {
        let key = Self.key(node, byte)
        var slot = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 32) & mask
        while targets[slot] != 0, keys[slot] != key {
            slot = (slot + 1) & mask
        }
        return slot
    }

    private static func key(_ node: Node, _ byte: UInt8) -> UInt64 {
        UInt64(node) << 8 | UInt64(byte)
    }
}
