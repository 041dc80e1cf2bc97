// Streaming import: points from any asynchronous source, in batches, a bounded number of them under way.

import NeedleCore

extension NeedletailClient {
    /// Writes a stream of points of any length, in batches.
    ///
    /// Each batch is atomic and carries an operation key, so batches whose connection broke are sent again
    /// without being applied twice. Batches leave in order over one connection; a point that occurs twice in
    /// the stream ends as its last occurrence, unless the earlier batch had to be sent again meanwhile. The
    /// source is asked for more only while fewer than ``ImportOptions/batchesInFlight`` batches are
    /// unacknowledged.
    ///
    /// Writing the same stream again is harmless: it replaces the points by themselves.
    ///
    /// - Parameters:
    ///   - points: the source; consumed once, on the calling task.
    ///   - onProgress: called after each acknowledged batch, on the calling task.
    /// - Returns: exact counts of everything acknowledged.
    /// - Throws: ``ImportError``, which says what was acknowledged before and which point was refused. It
    ///   stops at the first refused batch; batches already under way are awaited, so that the counts stay
    ///   exact. A cancelled task stops at once; then batches under way may have been applied without being
    ///   counted.
    public func importPoints<Source: AsyncSequence>(
        _ points: Source, into collection: String, options: ImportOptions = ImportOptions(),
        onProgress: (ImportProgress) -> Void = { _ in }
    ) async throws -> ImportProgress where Source.Element == Point {
        var run = ImportRun(client: self, collection: collection, options: options)
        return try await run.consume(points, onProgress)
    }

    /// Writes any number of points that are in memory; see ``importPoints(_:into:options:onProgress:)``.
    public func importPoints(
        _ points: [Point], into collection: String, options: ImportOptions = ImportOptions(),
        onProgress: (ImportProgress) -> Void = { _ in }
    ) async throws -> ImportProgress {
        try await importPoints(
            PointsInMemory(points: points), into: collection, options: options, onProgress: onProgress)
    }
}

/// An array as an asynchronous sequence.
private struct PointsInMemory: AsyncSequence {
    let points: [Point]

    struct AsyncIterator: AsyncIteratorProtocol {
        var iterator: IndexingIterator<[Point]>

        mutating func next() async -> Point? { iterator.next() }
    }

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(iterator: points.makeIterator())
    }
}

/// What came of one batch.
private struct BatchOutcome: Sendable {
    var firstIndex: Int
    var ids: [PointID]
    var result: Result<WriteResult, any Error>
}

/// One import while it runs.
private struct ImportRun {
    let client: NeedletailClient
    let collection: String
    let options: ImportOptions
    var progress = ImportProgress()
    /// Points handed to batches so far.
    var sent = 0
    /// The first point of the batches that failed.
    var unacknowledged: Int?
    var failure: BatchOutcome?

    mutating func consume<Source: AsyncSequence>(
        _ points: Source, _ onProgress: (ImportProgress) -> Void
    ) async throws -> ImportProgress where Source.Element == Point {
        let greeting: ServerGreeting
        do {
            greeting = try await client.greeting()
        } catch {
            throw ImportError(progress: progress, firstUnacknowledged: 0, cause: error)
        }
        var builder = BatchBuilder(options, greeting: greeting)
        var sourceError: (any Error)?
        await withTaskGroup(of: BatchOutcome.self) { group in
            var open = 0
            do {
                for try await point in points {
                    if let batch = try builder.add(point) {
                        await send(batch, in: &group, &open, onProgress)
                    }
                    if failure != nil { break }
                    try Task.checkCancellation()
                }
            } catch {
                sourceError = error
            }
            if failure == nil, !Task.isCancelled, let batch = builder.finish() {
                await send(batch, in: &group, &open, onProgress)
            }
            while let outcome = await group.next() { note(outcome, onProgress) }
            // Some sources end quietly when they are cancelled: that is not the end of the data.
            if sourceError == nil, Task.isCancelled { sourceError = CancellationError() }
        }
        if let failure { throw error(for: failure) }
        if let sourceError {
            throw ImportError(progress: progress, firstUnacknowledged: sent, cause: sourceError)
        }
        return progress
    }

    /// Waits until there is room, then submits the batch on this task (so that batches leave in order) and
    /// awaits its answer in a child task.
    private mutating func send(
        _ batch: PointBatch, in group: inout TaskGroup<BatchOutcome>, _ open: inout Int,
        _ onProgress: (ImportProgress) -> Void
    ) async {
        while open >= max(options.batchesInFlight, 1), let outcome = await group.next() {
            open -= 1
            note(outcome, onProgress)
        }
        guard failure == nil else { return }
        sent = batch.firstIndex + batch.ids.count
        open += 1
        let (client, options) = (client, options)
        let request = NeedletailClient.upsertRequest(collection, ifAbsent: options.ifAbsent, opKey: nil) {
            writer in
            writer.beginArray()
            writer.writeRaw(batch.json)
            writer.endArray()
        }
        let submitted = client.submitNow(request, timeout: options.timeout)
        group.addTask {
            do {
                let bytes = try await client.perform(request, timeout: options.timeout, first: submitted)
                return BatchOutcome(
                    firstIndex: batch.firstIndex, ids: batch.ids, result: .success(try WriteResult(bytes)))
            } catch {
                return BatchOutcome(firstIndex: batch.firstIndex, ids: batch.ids, result: .failure(error))
            }
        }
    }

    private mutating func note(_ outcome: BatchOutcome, _ onProgress: (ImportProgress) -> Void) {
        switch outcome.result {
        case .success(let result):
            progress.add(result, points: outcome.ids.count)
            onProgress(progress)
        case .failure:
            unacknowledged = min(unacknowledged ?? .max, outcome.firstIndex)
            if failure.map({ outcome.firstIndex < $0.firstIndex }) ?? true { failure = outcome }
        }
    }

    private func error(for outcome: BatchOutcome) -> ImportError {
        guard case .failure(let cause) = outcome.result else { preconditionFailure("only failures are kept") }
        let place = (cause as? NeedletailError)?.at.flatMap(Self.pointNumber)
        var failed = ImportError(
            progress: progress, firstUnacknowledged: unacknowledged ?? outcome.firstIndex, cause: cause)
        if let place, outcome.ids.indices.contains(place) {
            failed.pointIndex = outcome.firstIndex + place
            failed.pointID = outcome.ids[place]
        } else if outcome.ids.count == 1 {
            failed.pointIndex = outcome.firstIndex
            failed.pointID = outcome.ids[0]
        }
        return failed
    }

    /// The number in `points[3].vector`.
    private static func pointNumber(_ at: String) -> Int? {
        guard at.hasPrefix("points["), let end = at.firstIndex(of: "]") else { return nil }
        return Int(at[at.index(at.startIndex, offsetBy: 7)..<end])
    }
}

extension NeedletailClient {
    /// Submits a request if there is an open connection: at once, on the caller's task, so that order is
    /// kept.
    func submitNow(_ request: OutgoingRequest, timeout: Timeout) -> SubmittedRequest? {
        pool.openConnection?.submit(request, timeout: timeout.resolved(configuration), onProgress: nil)
    }
}
