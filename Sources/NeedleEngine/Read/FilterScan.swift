import NeedleCore
import NeedlePayloads

/// Finds the rows that a filter matches, by scanning payloads. Always right, at any speed: field indexes come with issue D.
struct FilterScan {
    let view: ReadView
    let matcher: FilterMatcher
    let context: OperationContext

    init(_ filter: Filter, view: ReadView, context: OperationContext) {
        self.view = view
        self.context = context
        matcher = FilterMatcher(filter)
    }

    /// Visible rows of the segment that match, ascending.
    func rows(of segment: any Segment) throws(DatabaseError) -> [UInt32] {
        try segment.requireRowColumns()
        var result: [UInt32] = []
        for row in 0..<segment.visibleRows(at: view.lsn) {
            if row % 256 == 0 { try context.check() }
            if view.isVisible(row, in: segment), try matches(row, of: segment) {
                result.append(UInt32(row))
            }
        }
        return result
    }

    /// Whether a visible row matches.
    func matches(_ row: Int, of segment: any Segment) throws(DatabaseError) -> Bool {
        let id = matcher.asksForID ? try segment.columns.id(of: row) : nil
        let payload = try segment.columns.payload(of: row)
        do throws(JSONError) {
            return try matcher.matches(payload: payload.span, id: id)
        } catch {
            throw .corruption(
                file: segment.columns.origin, offset: error.offset,
                what: "payload of row \(row) is not JSON: \(error.message)")
        }
    }
}
