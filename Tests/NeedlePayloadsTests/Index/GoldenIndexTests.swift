import Foundation
import NeedleCore
import NeedlePayloads
import Testing

/// The bytes of indexes as they were released (docs/format/fields.md): made again, and read. A changed format needs a new
/// version; `NEEDLETAIL_UPDATE_GOLDEN=1` writes the files.
@Suite struct GoldenIndexTests {
    private static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures/v1")

    /// Rows 3 to 42, so that lists, sets, foreign rows and several values occur.
    private static func payload(_ row: Int) -> String {
        switch row % 10 {
        case 0: #"{"v":null,"at":null}"#
        case 1:
            #"{"v":[1,"one",true,1.0],"at":[{"lat":1,"lon":2},{"lat":-1,"lon":-2}],"t":["the fox","Füchse"]}"#
        case 2: #"{"v":2.5,"at":{"lat":90,"lon":-180},"t":"running, ran, runs"}"#
        case 3: #"{}"#
        case 4: #"{"v":"2026-01-0\#(row % 9 + 1)T00:00:00Z","at":"nowhere","t":7}"#
        default: #"{"v":\#(row),"at":{"lat":\#(row),"lon":\#(-row)},"t":"row \#(row) of the foxes"}"#
        }
    }

    @Test(arguments: FieldIndexType.allCases)
    func bytes(type: FieldIndexType) throws {
        let key = try FieldPath(parsing: type == .geo ? "at" : type == .text ? "t" : "v")
        let text = TextIndexOptions(stemming: .english, stopWords: ["the"])
        let definition = FieldIndexDefinition(path: key, type: type, text: type == .text ? text : nil)
        var builder = FieldIndexBuilder(definition, rows: 3..<43)
        for row in 3..<43 { try builder.add(payload: Array(Self.payload(row).utf8).span) }
        let bytes = try builder.finish()
        let file = Self.folder.appendingPathComponent("\(type.rawValue).fields")
        if getenv("NEEDLETAIL_UPDATE_GOLDEN") != nil { try Data(bytes).write(to: file) }
        let released = try Array(Data(contentsOf: file))
        #expect(bytes == released)
        let memory = IndexMemory(released)
        let index = try FieldIndex(
            opening: memory.bytes, rowLimit: 43, owner: memory, file: file.lastPathComponent)
        #expect(index.type == type && index.rows == 3..<43)
        let empty = try #require(try index.bounds(of: .isEmpty(key)))
        #expect(Array(empty.certain) == [3, 10, 13, 20, 23, 30, 33, 40])
    }
}
