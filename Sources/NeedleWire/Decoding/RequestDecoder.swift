// From a line's bytes to what it asks for.

package import NeedleCore

/// Decodes lines. A value without state: use one from any number of threads.
///
/// One pass over the bytes in the usual case; one more over `params` when they stand before `method`, or to
/// find the path of something that is refused.
package struct RequestDecoder: Sendable {
    package let limits: Limits

    package init(limits: Limits) {
        self.limits = limits
    }

    /// Decodes one line (without its newline). Never throws and never traps, whatever the bytes are.
    package func decode(_ line: [UInt8]) -> IncomingLine {
        decode(line.span)
    }

    /// Decodes one line (without its newline). Never throws and never traps, whatever the bytes are.
    package func decode(_ line: Span<UInt8>) -> IncomingLine {
        var reader = JSONReader(line, maximumDepth: min(limits.nesting, 128))
        do throws(JSONError) {
            if reader.isAtEnd() { return .nothing }
            let outcome = try decodeValue(&reader)
            try reader.finish()
            return outcome
        } catch {
            return Self.failure(.parseError, error.message, at: error.offset)
        }
    }

    /// - Throws: syntax errors only.
    private func decodeValue(_ reader: inout JSONReader) throws(JSONError) -> IncomingLine {
        switch try reader.peekKind() {
        case .object: return .single(try EnvelopeDecoder.decode(&reader, limits: limits))
        case .array: return try decodeBatch(&reader)
        case let other:
            let start = reader.offset
            try reader.skipValue()
            return Self.failure(.invalidRequest, "a request is an object, not \(other.rawValue)", at: start)
        }
    }

    private func decodeBatch(_ reader: inout JSONReader) throws(JSONError) -> IncomingLine {
        let start = reader.offset
        var elements = try reader.beginArray()
        var members: [IncomingMessage] = []
        while try reader.nextElement(&elements) {
            if elements.count > limits.inFlight {
                // It will be refused as a whole; that it is JSON must still be seen.
                members.removeAll()
                try reader.skipValue()
            } else {
                members.append(try decodeMember(&reader))
            }
        }
        if elements.count == 0 {
            return Self.failure(.invalidRequest, "a batch has at least one request", at: start)
        }
        if elements.count > limits.inFlight {
            let error = DatabaseError(
                .limitExceeded, "the batch has more than \(limits.inFlight) requests", at: "byte \(start)",
                expected: "at most \(limits.inFlight) requests", got: "\(elements.count)")
            return .single(.failure(RequestFailure(id: nil, error: error, needsReply: true)))
        }
        return .batch(members)
    }

    private func decodeMember(_ reader: inout JSONReader) throws(JSONError) -> IncomingMessage {
        let kind = try reader.peekKind()
        if kind == .object { return try EnvelopeDecoder.decode(&reader, limits: limits) }
        let start = reader.offset
        try reader.skipValue()
        let error = DatabaseError(
            .invalidRequest, "a member of a batch is an object, not \(kind.rawValue)", at: "byte \(start)")
        return .failure(RequestFailure(id: nil, error: error, needsReply: true))
    }

    private static func failure(_ kind: ErrorKind, _ message: String, at offset: Int) -> IncomingLine {
        let error = DatabaseError(kind, message, at: "byte \(offset)")
        return .single(.failure(RequestFailure(id: nil, error: error, needsReply: true)))
    }
}
