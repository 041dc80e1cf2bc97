// What a coded vector looks like in memory and in a file: a header, then the codes.

/// How vectors are coded. The raw values are part of the segment format: never change them.
package enum CodeKind: UInt32, Sendable, CaseIterable {
    /// Seven bits a dimension in a byte, with a range for each vector: see `ScalarCodes`.
    case int8 = 1
    /// One bit a dimension, with a factor for each vector: see `BinaryCodes`.
    case binary = 2
}

/// The sizes of a coded vector's record: `headerBytes`, then `codeBytes`. Every record of one kind and
/// dimension has the same.
package struct CodeLayout: Sendable, Hashable {
    package let kind: CodeKind
    package let dimension: Int

    package init(kind: CodeKind, dimension: Int) {
        precondition(dimension >= 1, "a vector has dimensions")
        self.kind = kind
        self.dimension = dimension
    }

    /// 16 or 8.
    package var headerBytes: Int { kind == .int8 ? ScalarHeader.bytes : BinaryHeader.bytes }

    /// int8: one byte a dimension, filled up with zeros to a multiple of 32, which is a whole number of
    /// registers. binary: words of 64 bits, the last filled up with zeros.
    package var codeBytes: Int { kind == .int8 ? (dimension + 31) / 32 * 32 : words * 8 }

    package var totalBytes: Int { headerBytes + codeBytes }

    /// 64-bit words that hold one bit a dimension.
    package var words: Int { (dimension + 63) / 64 }
}
