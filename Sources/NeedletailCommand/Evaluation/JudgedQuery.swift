// Questions with the answers that are right: what an evaluation is made of.

package import NeedleClient

/// A query and how relevant what to it.
package struct JudgedQuery: Sendable {
    package var query: SearchRequest.Query
    /// Grades above 0 by ids or, with `--by`, by values, both as JSON writes them: `7` is not `"7"`.
    package var grades: [JSONValue: Double]

    package init(query: SearchRequest.Query, grades: [JSONValue: Double]) {
        self.query = query
        self.grades = grades
    }

    /// One line: `{"query":"text", "relevant":[…]}`, with `text` for `query` or a `vector`; a relevant one is an id or
    /// `{"id":…,"grade":…}`, all alike having the grade 1.
    ///
    /// - Throws: what is wrong with the line.
    package init(line: String, relevantKey: String) throws(Failure) {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: line)
        } catch {
            throw Failure(.badInput, error.message + (error.at.map { " (at \($0))" } ?? ""))
        }
        guard case .object(let object) = value else { throw Failure(.badInput, "no JSON object") }
        query = try Self.query(object)
        guard let relevant = object[relevantKey]?.arrayValue, !relevant.isEmpty else {
            throw Failure(.badInput, "\"\(relevantKey)\" is no array with what is relevant")
        }
        grades = [:]
        for entry in relevant {
            let (id, grade) = try Self.judgement(entry)
            guard grades.updateValue(grade, forKey: id) == nil else {
                throw Failure(.badInput, "\"\(relevantKey)\" has \(id) twice")
            }
        }
        grades = grades.filter { $0.value > 0 }
        guard !grades.isEmpty else { throw Failure(.badInput, "nothing has a grade above 0") }
    }

    private static func query(_ object: JSONObject) throws(Failure) -> SearchRequest.Query {
        let text = object["query"] ?? object["text"]
        switch (text, object["vector"]?.arrayValue) {
        case (.string(let text)?, nil): return .text(text)
        case (nil, let vector?):
            let numbers = vector.compactMap(\.doubleValue).map { Float($0) }
            guard numbers.count == vector.count, numbers.allSatisfy(\.isFinite) else {
                throw Failure(.badInput, "\"vector\" is no array of numbers")
            }
            return .vector(numbers)
        default: throw Failure(.badInput, "give one of \"query\" (a text) and \"vector\" (numbers)")
        }
    }

    private static func judgement(_ entry: JSONValue) throws(Failure) -> (id: JSONValue, grade: Double) {
        var (id, grade) = (entry, 1.0)
        if case .object(let object) = entry {
            guard let named = object["id"], let value = object["grade"]?.doubleValue, value >= 0 else {
                throw Failure(.badInput, "a relevant one is an id or {\"id\":…,\"grade\":…}")
            }
            (id, grade) = (named, value)
        }
        switch id {
        case .string, .integer, .unsigned: return (id, grade)
        default: throw Failure(.badInput, "an id is an integer or a string")
        }
    }

    /// All queries of a file.
    ///
    /// - Throws: which line is wrong, and why.
    package static func all(in file: InputLines, relevantKey: String) throws(Failure) -> [JudgedQuery] {
        var queries: [JudgedQuery] = []
        while let line = try file.next() {
            if line.utf8.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { continue }
            do throws(Failure) {
                queries.append(try JudgedQuery(line: line, relevantKey: relevantKey))
            } catch {
                throw Failure(error.status, "\(file.place): \(error.message)")
            }
        }
        guard !queries.isEmpty else { throw Failure(.badInput, "\(file.name) holds no queries") }
        return queries
    }
}

/// The lines of a file as text.
package final class InputLines {
    private let file: InputFile

    package init(_ name: String) throws(Failure) { file = try InputFile(name) }

    package var name: String { file.name }
    package var place: String { "\(file.name):\(file.lineNumber)" }

    func next() throws(Failure) -> String? {
        guard let bytes = try file.nextLine(isInterrupted: { false }) else { return nil }
        guard let line = String(validating: bytes, as: UTF8.self) else {
            throw Failure(.badInput, "\(place): not UTF-8")
        }
        return line
    }
}
