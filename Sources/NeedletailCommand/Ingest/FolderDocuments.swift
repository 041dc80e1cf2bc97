// From files to requests: read, checked, and put together into batches.

package import NeedleClient

/// What an ingest makes of files.
package struct FolderDocuments: Sendable {
    /// Put before relative paths to make ids.
    package var prefix = ""
    /// By the file's ending when `nil`.
    package var format: Document.Format?
    package var payload = Payload()
    /// Bytes of a text at most: a request is a line, in which characters may need escapes.
    package var largestText: Int

    /// Bytes of an id at most.
    private static let idBytes = 500

    package init(lineBytes: Int) {
        largestText = lineBytes / 2
    }

    package func id(of file: FoundFile) -> String { prefix + file.relativePath }

    /// - Throws: why the file cannot be a document.
    package func document(_ file: FoundFile) throws(Failure) -> Document {
        let id = id(of: file)
        guard id.utf8.count <= Self.idBytes else {
            throw Failure(.badInput, "\(file.path): the path is longer than \(Self.idBytes) bytes")
        }
        guard file.bytes <= largestText else {
            throw Failure(
                .badInput,
                "\(file.path): \(Numbers.bytes(file.bytes)), at most \(Numbers.bytes(largestText)) go")
        }
        let input = try InputFile(file.path)
        var bytes: [UInt8] = []
        while let part = try input.nextBytes(isInterrupted: { false }), bytes.count <= largestText {
            bytes += part
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure(.badInput, "\(file.path): not UTF-8")
        }
        return Document(
            id: id, text: text, format: format ?? Self.format(of: file.relativePath), payload: payload)
    }

    private static func format(of path: String) -> Document.Format {
        let path = path.lowercased()
        return path.hasSuffix(".md") || path.hasSuffix(".markdown") ? .markdown : .plain
    }
}

/// Files that are sent together.
package struct FileBatch: Sendable {
    package var files: ArraySlice<FoundFile>

    package var bytes: Int { files.reduce(0) { $0 + $1.bytes } }

    /// Few enough bytes that a batch is embedded in some seconds, so that progress shows and an interruption is soon
    /// obeyed; a larger file is alone.
    package static func batches(
        of files: [FoundFile], bytes: Int = 128 << 10, count: Int = 64
    ) -> [FileBatch] {
        var batches: [FileBatch] = []
        var start = 0
        var size = 0
        for (index, file) in files.enumerated() {
            if index > start, size + file.bytes > bytes || index - start == count {
                batches.append(FileBatch(files: files[start..<index]))
                (start, size) = (index, 0)
            }
            size += file.bytes
        }
        if start < files.count { batches.append(FileBatch(files: files[start...])) }
        return batches
    }
}

/// What an ingest has done so far.
package struct IngestTally: Hashable, Sendable {
    package var documents = 0
    package var chunks = 0
    package var embedded = 0
    package var unchanged = 0
    package var deleted = 0
    /// Documents whose files are gone.
    package var missing = 0
    /// Bytes of files that were dealt with.
    package var bytes = 0
    /// What was left out, and why.
    package var problems: [String] = []

    package init() {}

    mutating func add(_ result: DocumentsResult, documents: Int) {
        self.documents += documents
        chunks += result.chunks
        embedded += result.embedded
        unchanged += result.unchanged
        deleted += result.deleted
    }

    package func summary(elapsed: Double) -> String {
        var text = "\(Numbers.count(documents, "document")), \(Numbers.count(chunks, "chunk")): "
        if embedded == 0, deleted == 0, missing == 0 {
            text += "0 embedded, all unchanged"
        } else {
            text += "\(Numbers.grouped(embedded)) embedded, \(Numbers.grouped(unchanged)) unchanged"
            text += ", \(Numbers.grouped(deleted)) deleted"
        }
        if missing > 0 { text += ", \(Numbers.count(missing, "missing document")) deleted" }
        if !problems.isEmpty { text += ", \(Numbers.count(problems.count, "file")) left out" }
        return text + " in \(Numbers.fixed(elapsed, 1)) s"
    }
}
