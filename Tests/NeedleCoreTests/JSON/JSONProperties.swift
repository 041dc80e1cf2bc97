// What must hold of every byte sequence, JSON or not. Shared by the fuzzer (Tests/JSONFuzz) and by
// JSONCorpusTests.

import NeedleCore

enum JSONProperties {
    /// The first property that the input breaks, in words.
    static func firstBroken(by input: [UInt8]) -> String? {
        let verdicts = walks(input)
        if let broken = verdicts.disagreement(length: input.count) { return broken }
        if verdicts.compacted == nil, let broken = roundTrip(input) { return broken }
        return vectors(input)
    }

    // MARK: All walks agree

    private struct Verdicts {
        var skipped: JSONError?
        var compacted: JSONError?
        var tree: JSONError?

        func disagreement(length: Int) -> String? {
            for error in [skipped, compacted, tree] {
                if let error, error.offset < 0 || error.offset > length {
                    return "an offset outside the text"
                }
            }
            if let skipped, !skipped.isSyntax { return "skipping found a semantic error" }
            if compacted == nil, skipped != nil { return "compacting accepts what skipping refuses" }
            if let compacted, compacted.isSyntax, compacted.offset != skipped?.offset {
                return "two syntax verdicts"
            }
            if compacted?.kind != tree?.kind || compacted?.offset != tree?.offset {
                return "compacting and tree disagree"
            }
            return nil
        }
    }

    private static func walks(_ input: [UInt8]) -> Verdicts {
        var verdicts = Verdicts()
        verdicts.skipped = verdict(input) { (reader) throws(JSONError) in try reader.skipValue() }
        verdicts.compacted = verdict(input) { (reader) throws(JSONError) in
            var output: [UInt8] = []
            try reader.compactValue(into: &output)
        }
        verdicts.tree = verdict(input) { (reader) throws(JSONError) in _ = try JSONValue(reading: &reader) }
        return verdicts
    }

    private static func verdict(
        _ input: [UInt8], _ body: (inout JSONReader) throws(JSONError) -> Void
    ) -> JSONError? {
        var reader = JSONReader(input.span)
        let start = reader.position
        do throws(JSONError) {
            try body(&reader)
            try reader.finish()
            return nil
        } catch {
            _ = reader.path(from: start, to: error.offset)
            return error
        }
    }

    // MARK: What is accepted survives being written

    private static func roundTrip(_ input: [UInt8]) -> String? {
        do throws(JSONError) {
            let value = try JSONValue(parsing: input.span)
            let written = value.utf8
            guard try JSONValue(parsing: written.span) == value else { return "writing changes the value" }
            var reader = JSONReader(input.span)
            var compact: [UInt8] = []
            try reader.compactValue(into: &compact)
            guard try JSONValue(parsing: compact.span) == value else { return "compacting changes the value" }
            guard compact.count <= input.count else { return "compacting lengthens the text" }
            var again: [UInt8] = []
            var second = JSONReader(compact.span)
            try second.compactValue(into: &again)
            return again == compact ? nil : "compacting twice differs from once"
        } catch {
            return "accepted text is refused when it is written again: \(error)"
        }
    }

    // MARK: The quick and the general way of reading vectors agree

    private static func vectors(_ input: [UInt8]) -> String? {
        let padded = input + [UInt8](repeating: 0x20, count: 64)
        let quick = vector(padded)
        let general = vectorByElements(input)
        if let quick, let general, quick != general { return "the two ways of reading a vector disagree" }
        if (quick == nil) != (general == nil) { return "only one way of reading a vector accepts it" }
        if let quick {
            var writer = JSONWriter()
            let values = quick.map(Float.init(bitPattern:))
            writer.writeFloats(values.span)
            guard vector(writer.take()) == quick else { return "a vector changes when it is written" }
        }
        return base64(input)
    }

    private static func vector(_ input: [UInt8]) -> [UInt32]? {
        var values: [Float] = []
        let error = verdict(input) { (reader) throws(JSONError) in
            try reader.readFloatArray(into: &values, limit: 5000)
        }
        return error == nil ? values.map(\.bitPattern) : nil
    }

    private static func vectorByElements(_ input: [UInt8]) -> [UInt32]? {
        var values: [Float] = []
        let error = verdict(input) { (reader) throws(JSONError) in
            var elements = try reader.beginArray()
            while try reader.nextElement(&elements) { values.append(try reader.readFloat()) }
        }
        return error == nil && values.count <= 5000 ? values.map(\.bitPattern) : nil
    }

    private static func base64(_ input: [UInt8]) -> String? {
        var inPlace: [Float] = []
        let error = verdict(input) { (reader) throws(JSONError) in
            try reader.readBase64Floats(into: &inPlace, limit: 5000)
        }
        var characters: [UInt8] = []
        let noString = verdict(input) { (reader) throws(JSONError) in characters = try reader.readBytes() }
        guard noString == nil else { return error == nil ? "a vector that is no string" : nil }
        guard let decoded = Base64.decode(characters.span) else {
            return error == nil ? "bad base64 accepted in place" : nil
        }
        var encoded: [UInt8] = []
        Base64.encode(decoded.span.bytes, into: &encoded)
        guard encoded == characters else { return "base64 that is not canonical" }
        guard error == nil else {
            let isRefusal = error?.kind != .invalidBase64 || decoded.count % 4 != 0
            return isRefusal ? nil : "good base64 refused in place"
        }
        var again: [UInt8] = []
        Base64.encode(inPlace.span, into: &again)
        return again == characters ? nil : "base64 decoded wrongly in place"
    }
}
