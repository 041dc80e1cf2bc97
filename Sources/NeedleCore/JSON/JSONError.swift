// What can be wrong with a JSON text, as a value that is cheap to throw: a kind and a byte offset.
//
// Two classes that callers must not mix: *syntax* errors (the bytes are not one JSON text; they win over
// everything else on the line) and *semantic* errors (well-formed, but not what the caller may accept). No
// error carries a path: `JSONReader.path(from:to:)` derives it from the offset, so that the accepted case
// pays nothing for it.

/// The class of a JSON value, known from its first byte.
package enum JSONKind: String, Sendable, Equatable {
    case object, array, string, number, bool, null
}

/// An error of the JSON reader, at a byte of the text.
package struct JSONError: Error, Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
        /// The bytes are not JSON; the reason is for people.
        case syntax(String)
        /// More nested levels than the reader was told to accept. Counts as a syntax error.
        case tooDeep(limit: Int)
        /// An object has two members of this name; the offset is that of the second name.
        case duplicateKey(String)
        /// The value is of another kind than the caller asked for.
        case wrongType(expected: String, got: JSONKind)
        /// A number with a fraction or an exponent where an integer literal is required.
        case notAnInteger
        /// An integer outside the type the caller asked for; `expected` says which values are accepted.
        case outOfRange(expected: String)
        /// The magnitude of a number overflows a double.
        case overflowsDouble
        /// A vector's component is no float32: it overflows, or (in base64) is NaN or infinite.
        case notAFloat(index: Int)
        /// A string that is no padded standard base64 of whole little-endian float32 values.
        case invalidBase64
        /// An array with more elements than the caller accepts.
        case tooManyElements(limit: Int)
        /// Raised by callers: a name the object does not have.
        case unknownKey(String)
        /// Raised by callers: a name the object must have; the offset is the object's.
        case missingKey(String)
        /// Raised by callers: any other value that is refused, and why.
        case invalidValue(String)
    }

    package var kind: Kind
    /// Offset of the offending byte (syntax) or of the first byte of the offending value or name
    /// (semantic).
    package var offset: Int

    package init(_ kind: Kind, at offset: Int) {
        self.kind = kind
        self.offset = offset
    }

    /// Whether the text is not JSON at all (`parse_error`), rather than JSON that is refused.
    package var isSyntax: Bool {
        switch kind {
        case .syntax, .tooDeep: true
        default: false
        }
    }

    /// One sentence without the place, for people.
    package var message: String {
        switch kind {
        case .syntax(let reason): reason
        case .tooDeep(let limit): "more than \(limit) nested levels"
        case .duplicateKey(let name): "the key \"\(name)\" occurs twice"
        case .wrongType(let expected, let got): "expected \(expected), got \(got.rawValue)"
        case .notAnInteger: "expected an integer without fraction and exponent"
        case .outOfRange(let expected): "expected \(expected)"
        case .overflowsDouble: "the number overflows a double"
        case .notAFloat(let index): "component \(index) is not a finite float32"
        case .invalidBase64: "not the padded base64 of little-endian float32 values"
        case .tooManyElements(let limit): "more than \(limit) elements"
        case .unknownKey(let name): "unknown key \"\(name)\""
        case .missingKey(let name): "the key \"\(name)\" is missing"
        case .invalidValue(let reason): reason
        }
    }
}
