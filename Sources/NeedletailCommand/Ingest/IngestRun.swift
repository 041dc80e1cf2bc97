import NeedleClient

/// Sends a folder's documents, two batches at a time, so that the server embeds one while the next one is read.
struct IngestRun {
    let client: NeedletailClient
    let collection: String
    let documents: FolderDocuments
    let sizes: ChunkSizes
    let timeout: Timeout
    private(set) var tally = IngestTally()

    private static let batchesInFlight = 2
    private static let page = 1_000

    init(
        client: NeedletailClient, collection: String, documents: FolderDocuments, sizes: ChunkSizes,
        timeout: Timeout
    ) {
        self.client = client
        self.collection = collection
        self.documents = documents
        self.sizes = sizes
        self.timeout = timeout
    }

    mutating func leaveOut(_ problem: String) { tally.problems.append(problem) }

    // MARK: Writing

    /// - Parameter isInterrupted: asked before each batch; batches under way are acknowledged first.
    /// - Throws: what the server or the connection says; files that are refused by themselves are left out.
    mutating func write(
        _ files: [FoundFile], isInterrupted: () -> Bool, _ onProgress: (ProgressLine) -> Void
    ) async throws {
        let total = files.reduce(0) { $0 + $1.bytes }
        var batches = FileBatch.batches(of: files)[...]
        try await withThrowingTaskGroup(of: Outcome.self) { group in
            var running = 0
            while running > 0 || (!batches.isEmpty && !isInterrupted()) {
                if running < Self.batchesInFlight, !isInterrupted(), let batch = batches.popFirst() {
                    let sender = self
                    group.addTask { try await sender.send(batch) }
                    running += 1
                    continue
                }
                guard let outcome = try await group.next() else { break }
                running -= 1
                note(outcome)
                var line = ProgressLine(label: "ingesting", unit: "documents")
                line.done = tally.documents
                if total > 0 { line.fraction = Double(tally.bytes) / Double(total) }
                onProgress(line)
            }
        }
    }

    private struct Outcome: Sendable {
        var bytes = 0
        var results: [(result: DocumentsResult, documents: Int)] = []
        var problems: [String] = []
    }

    private mutating func note(_ outcome: Outcome) {
        tally.bytes += outcome.bytes
        tally.problems += outcome.problems
        for part in outcome.results { tally.add(part.result, documents: part.documents) }
    }

    private func send(_ batch: FileBatch) async throws -> Outcome {
        var outcome = Outcome(bytes: batch.bytes)
        var read: [(path: String, document: Document)] = []
        for file in batch.files {
            do {
                read.append((file.path, try documents.document(file)))
            } catch {
                outcome.problems.append(error.message)
            }
        }
        do {
            try await send(read, &outcome)
        } catch let error as NeedletailError where Self.isAboutADocument(error) {
            // One of them is refused, and with it all: each by itself.
            for one in read {
                do {
                    try await send([one], &outcome)
                } catch let error as NeedletailError where Self.isAboutADocument(error) {
                    outcome.problems.append("\(one.path): \(error.message)")
                }
            }
        }
        return outcome
    }

    private func send(_ read: [(path: String, document: Document)], _ outcome: inout Outcome) async throws {
        guard !read.isEmpty else { return }
        let result = try await client.upsertDocuments(
            collection, read.map(\.document), sizes: sizes, timeout: timeout)
        outcome.results.append((result, read.count))
    }

    private static func isAboutADocument(_ error: NeedletailError) -> Bool {
        error.at?.hasPrefix("documents[") == true
    }

    // MARK: Deleting

    /// Deletes the documents of the collection whose ids begin with the prefix and that no file has.
    mutating func deleteMissing(keeping files: [FoundFile]) async throws {
        let kept = Set(files.map { Array(documents.id(of: $0).utf8) })
        var missing: [[UInt8]: String] = [:]
        let hasID = Filter(mustNot: [.isEmpty("document_id")])
        for try await point in client.points(
            collection, filter: hasID, pageSize: Self.page, payload: .keys(["document_id"]))
        {
            guard let id = point.payload?["document_id"]?.stringValue else { continue }
            let bytes = Array(id.utf8)
            if bytes.starts(with: documents.prefix.utf8), !kept.contains(bytes) { missing[bytes] = id }
        }
        var ids = missing.values.sorted()[...]
        while !ids.isEmpty {
            let result = try await client.deleteDocuments(collection, ids: Array(ids.prefix(Self.page)))
            tally.deleted += result.deleted
            ids = ids.dropFirst(Self.page)
        }
        tally.missing += missing.count
    }
}
