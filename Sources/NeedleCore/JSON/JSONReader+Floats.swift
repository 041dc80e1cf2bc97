// Vectors: arrays of decimal numbers, or base64 strings, straight into float32. The hot path of the whole
// reader.
//
// Numbers of the usual shape are parsed by FastFloats; everything else, the last number of the array, and
// every number within 64 bytes of the end of the text go through the general scanner, which also words the
// errors.

extension JSONReader {
    /// Reads a vector in either form and appends its components: an array of numbers or a base64 string.
    ///
    /// - Parameter limit: the most components accepted (`tooManyElements`).
    package mutating func readVector(into output: inout [Float], limit: Int) throws(JSONError) {
        switch try peekKind() {
        case .array: try readFloatArray(into: &output, limit: limit)
        case .string: try readBase64Floats(into: &output, limit: limit)
        case let other: throw wrongType("an array of numbers or a base64 string", other)
        }
    }

    /// Reads an array of numbers and appends each, rounded once to the nearest float32 (ties to even).
    ///
    /// A number beyond float32 is `notAFloat`, any other element `wrongType`; the error's offset is the
    /// element's. After an error some components may have been appended.
    package mutating func readFloatArray(into output: inout [Float], limit: Int) throws(JSONError) {
        let start = position
        var elements = try beginArray()
        skipWhitespace()
        if bytes[offset] == UInt8(ascii: "]") {
            _ = try nextElement(&elements)
            return
        }
        var total = 0
        var isOpen = true
        while isOpen {
            // A bounded piece of the stack receives the numbers, and is then appended in one copy.
            var failure: JSONError?
            withUnsafeTemporaryAllocation(of: Float.self, capacity: JSONReader.floatChunk) { chunk in
                var count = 0
                do throws(JSONError) {
                    isOpen = try parseFloats(into: chunk, count: &count, index: total)
                } catch {
                    failure = error
                }
                total += count
                output.append(contentsOf: UnsafeBufferPointer(rebasing: chunk[..<count]))
            }
            if let failure { throw failure }
            if total > limit {
                rewind(to: start)
                throw JSONError(.tooManyElements(limit: limit), at: start.offset)
            }
        }
    }

    private static let floatChunk = 512

    /// Parses elements until the chunk is full (true) or the array has ended (false).
    private mutating func parseFloats(
        into chunk: UnsafeMutableBufferPointer<Float>, count: inout Int, index: Int
    ) throws(JSONError) -> Bool {
        while true {
            offset = FastFloats.parse(bytes, from: offset, into: chunk, count: &count)
            if count == chunk.count { return true }
            chunk[count] = try slowFloat(index: index + count)
            count += 1
            skipWhitespace()
            guard bytes[offset] == UInt8(ascii: ",") else {
                guard bytes[offset] == UInt8(ascii: "]") else { throw unexpected("',' or ']'") }
                offset += 1
                depth -= 1
                return false
            }
            offset += 1
            if count == chunk.count { return true }
        }
    }

    @inline(never)
    private mutating func slowFloat(index: Int) throws(JSONError) -> Float {
        let kind = try peekKind()
        guard kind == .number else { throw wrongType("a number", kind) }
        let token = try scanNumber()
        let value = float(of: token)
        guard value.isFinite else { throw refuse(token, .notAFloat(index: index)) }
        return value
    }
}
