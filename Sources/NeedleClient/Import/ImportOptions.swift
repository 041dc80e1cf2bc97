// What can be set about an import, and what it tells while it runs and when it ends.

/// How a stream of points is cut into batches and how many of them are under way.
public struct ImportOptions: Hashable, Sendable {
    /// Points per batch at most; also bounded by what the server announces.
    public var batchPoints = 500
    /// Bytes per batch at most, as JSON; also bounded by what the server announces. A single larger point is
    /// still sent alone as long as the server reads lines that long.
    public var batchBytes = 4 << 20
    /// Batches sent and not yet acknowledged at most: the back-pressure. While so many are under way, no
    /// point is asked of the source.
    public var batchesInFlight = 4
    /// Refuse (`conflict`) batches of which a point exists already.
    public var ifAbsent = false
    /// How long one batch may take, retries included.
    public var timeout = Timeout.after(.seconds(120))

    /// The defaults.
    public init() {}
}

/// How far an import has come; every number is exact and counts acknowledged points only.
public struct ImportProgress: Hashable, Sendable {
    /// Points acknowledged, duplicates within a batch included: so many points of the source are safe.
    public var acknowledged = 0
    /// Points that are new.
    public var created = 0
    /// Points that replaced another version.
    public var updated = 0
    /// Batches acknowledged.
    public var batches = 0
    /// The highest log sequence number answered; 0 before the first answer.
    public var lsn: UInt64 = 0
    /// What the acknowledged points have survived: `fsync`, `os` or `memory`.
    public var durable = ""

    package init() {}

    mutating func add(_ result: WriteResult, points: Int) {
        acknowledged += points
        created += result.created
        updated += result.updated
        batches += 1
        lsn = max(lsn, result.lsn)
        durable = result.durable
    }
}

/// Why an import stopped, and how far it had come.
public struct ImportError: Error, Sendable, CustomStringConvertible {
    /// What was acknowledged. Batches may be acknowledged beyond the one that was refused, as they were under
    /// way already.
    public var progress: ImportProgress
    /// Where in the source the refused point is (0 = the first point), when the server said which one it was.
    /// Points before ``firstUnacknowledged`` are safe.
    public var pointIndex: Int?
    /// The id of the refused point.
    public var pointID: PointID?
    /// The first point of the source that was not acknowledged: import again from here.
    public var firstUnacknowledged: Int
    /// ``NeedletailError``, `CancellationError`, or what the source of points threw.
    public var cause: any Error

    /// Cause, place and count in one line.
    public var description: String {
        var text = "\(cause)"
        if let pointIndex { text += " (point \(pointIndex)" + (pointID.map { ", id \($0))" } ?? ")") }
        return text + "; \(progress.acknowledged) points acknowledged"
    }
}
