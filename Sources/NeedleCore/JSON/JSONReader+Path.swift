// From a byte offset back to the place it has in the document, for error messages: `points[3].payload.a`.
//
// Nothing is tracked while reading. When an error is to be answered, one more pass over the text up to its
// offset tells which member of which element it lies in.

extension JSONReader {
    /// The path from the value that begins at `start` to the value or name that begins at `offset`.
    ///
    /// Names that are not made of letters, digits, `_` and `-` are put in double quotes; long ones are cut.
    /// The empty string stands for the value itself. The reader does not move. Linear in the distance.
    package func path(from start: Position, to offset: Int) -> String {
        var walker = JSONReader(bytes, at: start, maximumDepth: maximumDepth)
        var steps: [PathStep] = []
        // The text before the offset has been read, but what follows need not be JSON: the walk may end
        // early.
        try? walker.walk(to: offset, &steps)
        return steps.map(\.text).joined().drop { $0 == "." }.description
    }

    @_lifetime(copy bytes)
    private init(_ bytes: JSONBytes, at start: Position, maximumDepth: Int) {
        self.bytes = bytes
        self.maximumDepth = maximumDepth
        offset = start.offset
        depth = start.depth
    }

    /// Walks on until a value or name begins at or after `target`, or the first value ends.
    private mutating func walk(to target: Int, _ steps: inout [PathStep]) throws(JSONError) {
        repeat {
            skipWhitespace()
            if offset >= target { return }
            switch bytes[offset] {
            case UInt8(ascii: "{"):
                try enter()
                steps.append(.object)
                try walkName(to: target, &steps)
            case UInt8(ascii: "["):
                try enter()
                steps.append(.element(0))
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                offset += 1
                depth -= 1
                steps.removeLast()
            case UInt8(ascii: ","):
                offset += 1
                guard case .element(let index)? = steps.last else {
                    try walkName(to: target, &steps)
                    continue
                }
                steps[steps.count - 1] = .element(index + 1)
            default:
                _ = try peekKind()
                let start = offset
                try skipScalar()
                if target < offset, target > start { return }
            }
        } while !steps.isEmpty
    }

    /// Puts the next name of an object on the path.
    private mutating func walkName(to target: Int, _ steps: inout [PathStep]) throws(JSONError) {
        skipWhitespace()
        if bytes[offset] == UInt8(ascii: "}") { return }
        steps[steps.count - 1] = .member(try scanName().shown)
    }
}

/// One open container of the walk, and where the walk is within it.
private enum PathStep {
    case object
    case member(String)
    case element(Int)

    var text: String {
        switch self {
        case .object: ""
        case .element(let index): "[\(index)]"
        case .member(let name): "." + (PathStep.isPlain(name) ? name : "\"\(name)\"")
        }
    }

    private static func isPlain(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), 0x80...:
                    true
                default: false
                }
            }
    }
}
