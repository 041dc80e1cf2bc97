// Cuts a stream of points into batches by count and bytes. Pure: points in, finished batches out.

import NeedleCore

/// A batch of points, already written as JSON.
package struct PointBatch: Sendable {
    /// Where the batch's first point is in the source.
    package var firstIndex: Int
    /// The ids, in order.
    package var ids: [PointID]
    /// The points' JSON texts, joined by commas.
    package var json: [UInt8]
}

/// Collects points until a batch is full.
package struct BatchBuilder: Sendable {
    /// Room for the request around the points.
    package static let envelopeBytes = 4096

    private let maximumPoints: Int
    private let maximumBytes: Int
    /// A longer point cannot be sent at all.
    private let maximumPointBytes: Int
    private var batch: PointBatch

    package init(_ options: ImportOptions, greeting: ServerGreeting) {
        maximumPoints = max(1, min(options.batchPoints, greeting.batchPoints))
        maximumPointBytes = max(1, greeting.lineBytes - Self.envelopeBytes)
        maximumBytes = max(1, min(options.batchBytes, maximumPointBytes))
        batch = PointBatch(firstIndex: 0, ids: [], json: [])
    }

    /// Adds a point; gives the batch that was complete before it.
    ///
    /// - Throws: ``NeedletailError`` of kind `limitExceeded` for a point longer than any line the server
    ///   reads.
    package mutating func add(_ point: Point) throws(NeedletailError) -> PointBatch? {
        var writer = JSONWriter()
        writer.write(point)
        let text = writer.take()
        guard text.count <= maximumPointBytes else {
            throw NeedletailError(
                .limitExceeded,
                "point \(point.id) has \(text.count) bytes, the server reads \(maximumPointBytes) at once")
        }
        var full: PointBatch?
        if !batch.ids.isEmpty, batch.json.count + 1 + text.count > maximumBytes { full = take() }
        if !batch.ids.isEmpty { batch.json.append(UInt8(ascii: ",")) }
        batch.json += text
        batch.ids.append(point.id)
        if full == nil, batch.ids.count >= maximumPoints { full = take() }
        return full
    }

    /// What is left at the end, `nil` if nothing.
    package mutating func finish() -> PointBatch? {
        batch.ids.isEmpty ? nil : take()
    }

    private mutating func take() -> PointBatch {
        let next = batch.firstIndex + batch.ids.count
        let full = batch
        batch = PointBatch(firstIndex: next, ids: [], json: [])
        batch.json.reserveCapacity(full.json.count)
        return full
    }
}
