// Rows of files as a stream of points, remembering which line each point came from.

import NeedleClient

/// Where a point came from.
struct RowPlace: Equatable {
    var file: String
    var line: Int

    var description: String { "\(file):\(line)" }
}

/// The line of every point, kept only where lines and points part ways (blank and bad lines, new files).
struct LineIndex {
    private var steps: [(point: Int, file: String, line: Int)] = []

    mutating func note(point: Int, file: String, line: Int) {
        if let last = steps.last, last.file == file, line - last.line == point - last.point { return }
        steps.append((point, file, line))
    }

    func place(of point: Int) -> RowPlace? {
        guard let step = steps.last(where: { $0.point <= point }) else { return nil }
        return RowPlace(file: step.file, line: step.line + point - step.point)
    }
}

/// Points from JSON Lines files. Used by one task.
final class RowSource {
    let mapping: RowMapping?
    private let skipsBad: Bool
    private let limit: Int?
    private let isInterrupted: () -> Bool
    private let warn: (String) -> Void
    private var files: [InputFile]
    private var current = 0
    private(set) var lines = LineIndex()
    private(set) var points = 0
    private(set) var bad = 0

    init(
        files: [InputFile], mapping: RowMapping?, skipsBad: Bool, limit: Int?,
        isInterrupted: @escaping () -> Bool,
        warn: @escaping (String) -> Void
    ) {
        self.files = files
        self.mapping = mapping
        self.skipsBad = skipsBad
        self.limit = limit
        self.isInterrupted = isInterrupted
        self.warn = warn
    }

    /// Bytes of all files, `nil` when one is a pipe or the end is set by a limit.
    var totalBytes: Int? {
        files.reduce(limit == nil ? 0 : nil) { total, file in
            total.flatMap { total in file.size.map { total + $0 } }
        }
    }

    var bytesRead: Int { files.reduce(0) { $0 + $1.bytesRead } }

    /// The next point, `nil` at the end.
    ///
    /// - Throws: a `Failure` that names file and line, unless bad lines are skipped.
    func next() throws(Failure) -> Point? {
        while current < files.count, points < limit ?? .max, !isInterrupted() {
            let file = files[current]
            guard let line = try file.nextLine(isInterrupted: isInterrupted) else {
                current += 1
                continue
            }
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { continue }
            do {
                let point = try Point(jsonLine: line, mapping: mapping)
                lines.note(point: points, file: file.name, line: file.lineNumber)
                points += 1
                return point
            } catch {
                bad += 1
                let message =
                    "\(file.name):\(file.lineNumber): \(error.message)"
                    + (error.at.map { " (at \($0))" } ?? "")
                guard skipsBad else { throw Failure(.badInput, message, advice: advice(error)) }
                if bad <= 20 { warn("skipped " + message) }
                if bad == 21 { warn("further bad lines are counted, not shown") }
            }
        }
        return nil
    }

    private func advice(_ error: NeedletailError) -> [String] {
        var lines = ["--skip-bad leaves such lines out"]
        if mapping == nil, error.message.hasPrefix("unknown key") {
            lines = [
                "a row is a point: {\"id\":…, \"vector\":… or \"text\":…, \"payload\":{…}}",
                "for any other rows name the keys: --text-key KEY or --vector-key KEY (and --id-key);",
                "the rest becomes payload",
            ]
        }
        return lines
    }
}

/// The points of a `RowSource`, for the client's import.
struct RowSequence: AsyncSequence {
    let source: RowSource

    struct AsyncIterator: AsyncIteratorProtocol {
        let source: RowSource

        mutating func next() async throws -> Point? { try source.next() }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(source: source) }
}
