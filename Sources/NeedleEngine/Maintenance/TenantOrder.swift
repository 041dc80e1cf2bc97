import NeedleCore
import NeedlePayloads

/// Puts the rows of each tenant side by side, so that a search of one tenant reads neighbouring vectors and payloads,
/// and its set of rows is one run.
struct TenantOrder {
    private let values: ScalarValues
    private let lsn: LSN

    /// - Parameters:
    ///   - path: the key whose values tell tenants apart.
    ///   - lsn: payloads are those of this write.
    init(_ path: FieldPath, at lsn: LSN) {
        values = ScalarValues(path)
        self.lsn = lsn
    }

    /// The sources by tenant, tenants in the order in which they first occur; rows of one tenant stay in their order, rows
    /// without one come last. Of several values the least counts. O(payloads).
    ///
    /// - Throws: `corruption` when a payload contradicts itself, which condemns its segment.
    func grouping(
        _ sources: [Merge.Source], of inputs: [SealedSegment]
    ) throws(DatabaseError) -> [Merge.Source] {
        var numbers: [MatchValue: Int] = [:]
        var keyed: [(tenant: Int, place: Int)] = []
        keyed.reserveCapacity(sources.count)
        for (place, source) in sources.enumerated() {
            let tenant = try tenant(source.row, of: inputs[source.input])
            let number = tenant.map { numbers[$0, default: numbers.count] } ?? .max
            if let tenant, number == numbers.count { numbers[tenant] = number }
            keyed.append((number, place))
        }
        return keyed.sorted { ($0.tenant, $0.place) < ($1.tenant, $1.place) }.map { sources[$0.place] }
    }

    private func tenant(_ row: Int, of segment: SealedSegment) throws(DatabaseError) -> MatchValue? {
        do throws(DatabaseError) {
            let payload = try segment.payload(of: row, at: lsn)
            do throws(JSONError) {
                return try values.extreme(payload: payload.span, isGreatest: false)
            } catch {
                throw FilterScan.damaged(row, of: segment, error)
            }
        } catch {
            if error.kind == .corruption { segment.condemn(error) }
            throw error
        }
    }
}
