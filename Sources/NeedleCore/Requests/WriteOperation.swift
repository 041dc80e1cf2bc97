/// What a write asks for. The engine resolves it to effects before anything is logged (invariant 2).
package enum WriteOperation: Sendable {
    /// Replaces whole points. Of two with one id the last wins.
    case upsert([PointWrite], ifAbsent: Bool)
    case delete(PointChoice)
}
