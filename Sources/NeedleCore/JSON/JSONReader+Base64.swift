// Vectors as base64 strings: decoded straight from the line into float32.

extension JSONReader {
    /// Reads a string that is the padded base64 of little-endian float32 values and appends them.
    ///
    /// Bad base64 or a length that is no multiple of four bytes is `invalidBase64`; NaN and infinity are `notAFloat`.
    package mutating func readBase64Floats(into output: inout [Float], limit: Int) throws(JSONError) {
        let kind = try peekKind()
        guard kind == .string else { throw wrongType("a base64 string", kind) }
        let start = offset
        let text = try scanString()
        let body = text.utf8
        guard let raw = Base64.decode(body.span), raw.count % 4 == 0 else {
            offset = start
            throw JSONError(.invalidBase64, at: start)
        }
        guard raw.count / 4 <= limit else {
            offset = start
            throw JSONError(.tooManyElements(limit: limit), at: start)
        }
        let first = output.count
        raw.withUnsafeBytes { raw in
            for index in 0..<raw.count / 4 {
                output.append(raw.loadUnaligned(fromByteOffset: index * 4, as: Float.self))
            }
        }
        if let bad = FiniteCheck.firstNonFinite(in: output.span.extracting(first..<output.count)) {
            offset = start
            throw JSONError(.notAFloat(index: bad), at: start)
        }
    }
}
