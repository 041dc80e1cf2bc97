import NeedleCore
import Testing

@Suite struct FieldPathTests {
    private func segments(_ text: String) throws -> [(String, Int)] {
        try FieldPath(parsing: text).segments.map { (String(decoding: $0.key, as: UTF8.self), $0.arrayDepth) }
    }

    @Test func pathsAreSplitAtDots() throws {
        let plain = try segments("a.b[].c")
        #expect(plain.map(\.0) == ["a", "b", "c"])
        #expect(plain.map(\.1) == [0, 1, 0])
        #expect(try segments("x[][]").map(\.1) == [2])
    }

    @Test func quotedSegmentsMayContainDots() throws {
        #expect(try segments("\"a.b\".c").map(\.0) == ["a.b", "c"])
        #expect(try segments("\"\"").map(\.0) == [""])
    }

    @Test(arguments: ["", ".", "a.", ".a", "a..b", "\"a", "a[", "a[x]", "a]b[", "\"a\"b"])
    func malformedPathsAreRefused(text: String) throws {
        if text == "a]b[" {
            // A closing bracket alone is an ordinary character; the open one at the end is not.
            #expect(throws: DatabaseError.self) { try FieldPath(parsing: text) }
            return
        }
        let error = #expect(throws: DatabaseError.self) { try FieldPath(parsing: text) }
        #expect(error?.kind == .invalidParams)
    }
}
