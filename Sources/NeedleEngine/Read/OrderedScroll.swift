import NeedleCore
import NeedlePayloads
import Synchronization

// Scrolling in the order of the values at a key (`ScrollOrder`).

/// Where points lie that a scroll gives next, so that not every page has to look at all values. Safe to use from any
/// thread.
final class OrderedRun: Sendable {
    /// A row of the moment's segments, the newest first.
    struct Place: Equatable {
        var segment: UInt32
        var row: UInt32
    }

    struct Content {
        /// They follow this point; `nil`: they are the first.
        var after: PointID?
        var places: [Place]
        /// Nothing follows them.
        var isEnd: Bool
    }

    private let content = Mutex<Content?>(nil)

    var latest: Content? { content.withLock { $0 } }

    func put(_ new: Content) { content.withLock { $0 = new } }
}

/// Gives pages in the order of values.
///
/// One pass over the values of all points that match collects the next 4,096 or more of them; their places are kept
/// with the scroll, 32 KiB, until they are used up. So walking through n points costs n / 4,096 passes, and a pass as much as a
/// condition without an index.
struct OrderedPager {
    let scroll: Scroll
    let order: ScrollOrder
    let request: ScrollRequest
    let config: CollectionConfig
    let context: OperationContext

    private static let leastRun = 4096

    private var view: ReadView { scroll.moment.view }

    /// - Returns: the page, and its last id when there may be more.
    func page(after: PointID?) throws(DatabaseError) -> (points: [PointRecord], last: PointID?) {
        try view.set.requireAll()
        let segments = view.set.newestFirst
        let (run, start) = try run(after: after, in: segments)
        let reader = RecordReader(config: config, selection: request.selection, lsn: view.lsn)
        var points: [PointRecord] = []
        var bytes = 0
        for place in run.places[start...] {
            let record = try reader.record(Int(place.row), of: segments[Int(place.segment)])
            let size = ScrollPager.wireBytes(of: record)
            let isFull =
                points.count == request.limit || (bytes + size > request.maximumBytes && !points.isEmpty)
            if isFull { return (points, points.last?.id) }
            points.append(record)
            bytes += size
        }
        return (points, run.isEnd ? nil : points.last?.id)
    }

    /// A run that holds the page, and where the page begins in it.
    private func run(
        after: PointID?, in segments: [any Segment]
    ) throws(DatabaseError) -> (OrderedRun.Content, start: Int) {
        let place = try after.map { (id) throws(DatabaseError) in try self.place(of: id, in: segments) }
        if let known = scroll.run.latest {
            let start: Int? =
                if known.after == after { 0 } else {
                    place.flatMap { known.places.firstIndex(of: $0) }.map { $0 + 1 }
                }
            if let start, known.isEnd || known.places.count - start > request.limit { return (known, start) }
        }
        let run = try collect(after: after, place, in: segments)
        scroll.run.put(run)
        return (run, 0)
    }

    /// Where a point of the moment lies.
    private func place(of id: PointID, in segments: [any Segment]) throws(DatabaseError) -> OrderedRun.Place {
        guard let location = try view.locate(id),
            let number = segments.firstIndex(where: { $0 === location.segment })
        else { throw DatabaseError(.notFound, "the cursor names no point of its scroll", at: "cursor") }
        return OrderedRun.Place(segment: UInt32(number), row: UInt32(location.row))
    }

    // MARK: One pass over all values

    private func collect(
        after: PointID?, _ place: OrderedRun.Place?, in segments: [any Segment]
    ) throws(DatabaseError) -> OrderedRun.Content {
        let values = ScalarValues(order.path)
        let scan = scroll.filter.map { FilterScan($0, view: view, context: context) }
        func entry(_ place: OrderedRun.Place) throws(DatabaseError) -> OrderedSelection.Entry {
            OrderedSelection.Entry(
                value: try value(of: Int(place.row), of: segments[Int(place.segment)], values), place: place)
        }
        let bound = try place.map { (place) throws(DatabaseError) in try entry(place) }
        var selection = OrderedSelection(
            capacity: max(Self.leastRun, request.limit + 1), isDescending: order.isDescending, segments)
        func look(at row: Int, of number: Int) throws(DatabaseError) {
            let found = try entry(OrderedRun.Place(segment: UInt32(number), row: UInt32(row)))
            if let bound, !selection.precedes(bound, found) { return }
            selection.offer(found)
        }
        for (number, segment) in segments.enumerated() {
            try segment.requireRowColumns()
            if let scan {
                for row in try scan.selection(of: segment) {
                    if row % 256 == 0 { try context.check() }
                    try look(at: Int(row), of: number)
                }
            } else {
                for row in 0..<segment.visibleRows(at: view.lsn) {
                    if row % 256 == 0 { try context.check() }
                    if view.isVisible(row, in: segment) { try look(at: row, of: number) }
                }
            }
        }
        return OrderedRun.Content(after: after, places: selection.finish(), isEnd: !selection.didDrop)
    }

    private func value(
        of row: Int, of segment: any Segment, _ values: ScalarValues
    ) throws(DatabaseError) -> MatchValue? {
        let payload = try segment.payload(of: row, at: view.lsn)
        do throws(JSONError) {
            return try values.extreme(payload: payload.span, isGreatest: order.isDescending)
        } catch {
            throw FilterScan.damaged(row, of: segment, error)
        }
    }
}

/// The first of many rows in the order of their values, with a bound on the memory that values take.
struct OrderedSelection {
    struct Entry {
        let value: MatchValue?
        let place: OrderedRun.Place

        var bytes: Int { if case .string(let text) = value { 64 + text.count } else { 64 } }
    }

    /// Bytes of the values that are kept.
    private static let budget = 16 << 20

    private let isDescending: Bool
    private let segments: [any Segment]
    private var capacity: Int
    private var entries: [Entry] = []
    private var bytes = 0
    /// What does not precede it is dropped.
    private var worst: Entry?
    /// Something was left out.
    private(set) var didDrop = false

    init(capacity: Int, isDescending: Bool, _ segments: [any Segment]) {
        self.capacity = capacity
        self.isDescending = isDescending
        self.segments = segments
    }

    mutating func offer(_ entry: Entry) {
        if let worst, !precedes(entry, worst) { return }
        entries.append(entry)
        bytes += entry.bytes
        if entries.count >= 2 * capacity || bytes > 2 * Self.budget { cut() }
    }

    /// The first rows, at least one if any was offered.
    mutating func finish() -> [OrderedRun.Place] {
        cut()
        return entries.map(\.place)
    }

    private mutating func cut() {
        entries.sort(by: precedes)
        var kept = 0
        bytes = 0
        while kept < min(capacity, entries.count) {
            let more = entries[kept].bytes
            if kept > 0, bytes + more > Self.budget { break }
            bytes += more
            kept += 1
        }
        guard kept < entries.count else { return }
        entries.removeLast(entries.count - kept)
        capacity = kept
        worst = entries.last
        didDrop = true
    }

    /// Rows without a value come last; ties are in the order of ids, of ids that cannot be read (which building the record
    /// reports) in that of rows.
    func precedes(_ left: Entry, _ right: Entry) -> Bool {
        switch (left.value, right.value) {
        case (let a?, let b?) where a != b: return isDescending ? b < a : a < b
        case (_?, nil): return true
        case (nil, _?): return false
        default: break
        }
        let other = segments[Int(right.place.segment)].columns
        do throws(DatabaseError) {
            return try segments[Int(left.place.segment)].columns.isID(
                of: Int(left.place.row), before: Int(right.place.row), in: other)
        } catch {
            return (left.place.segment, left.place.row) < (right.place.segment, right.place.row)
        }
    }
}
