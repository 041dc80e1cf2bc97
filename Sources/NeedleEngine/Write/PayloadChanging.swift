import NeedleCore

/// Applies a change of payloads to rows, for new writes and for those of the log alike.
struct PayloadChanging {
    private let edit: PayloadEdit

    /// - Throws: `internal` when the change does not hold what it was checked for.
    init(_ change: PayloadChange) throws(DatabaseError) {
        do throws(JSONError) {
            edit = try PayloadEdit(change)
        } catch {
            throw DatabaseError(
                .internal, "a checked payload does not parse: \(error.message)", at: "payload")
        }
    }

    /// What a row holds after the change.
    ///
    /// - Throws: `corruption`.
    func changed(_ row: Int, of segment: any Segment, at lsn: LSN) throws(DatabaseError) -> NewPayload {
        let old = try segment.payload(of: row, at: lsn)
        do throws(JSONError) {
            return NewPayload(segment: segment, row: row, payload: try edit.applied(to: old.span))
        } catch {
            throw FilterScan.damaged(row, of: segment, error)
        }
    }

    /// Whether a row's payload has a member of this name.
    func isMember(
        _ key: String, of row: Int, _ segment: any Segment, at lsn: LSN
    ) throws(DatabaseError) -> Bool {
        let payload = try segment.payload(of: row, at: lsn)
        do throws(JSONError) {
            return try PayloadText.has(key, in: payload.span)
        } catch {
            throw FilterScan.damaged(row, of: segment, error)
        }
    }
}
