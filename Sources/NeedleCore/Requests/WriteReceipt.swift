/// What a write did: exact counts of distinct points, the state it made, and what it has survived.
///
/// Of documents, `created` counts the chunks that were embedded, `updated` those whose vectors were there.
package struct WriteReceipt: Hashable, Sendable {
    package var lsn: LSN
    package var durability: Durability
    package var created: Int
    /// Points that were there and were replaced, or changed in part.
    package var updated: Int
    package var deleted: Int

    package init(lsn: LSN, durability: Durability, created: Int = 0, updated: Int = 0, deleted: Int = 0) {
        self.lsn = lsn
        self.durability = durability
        self.created = created
        self.updated = updated
        self.deleted = deleted
    }
}
