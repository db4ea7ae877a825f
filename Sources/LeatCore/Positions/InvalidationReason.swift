/// Why a server has given a slot up: `pg_replication_slots.invalidation_reason`.
public enum InvalidationReason {
    /// In words, without an end.
    ///
    /// - Parameter reason: As the server names it; nil: it does not say, so it is the WAL.
    public static func text(_ reason: String?) -> String {
        switch reason {
        case nil, "wal_removed": "the source has removed WAL that it needs"
        case "rows_removed", "conflicting":
            "the primary has removed rows of the catalog that it needs"
        case "wal_level_insufficient": "wal_level of the server or its primary was not logical"
        case "idle_timeout": "nobody has read from it for idle_replication_slot_timeout"
        case let other?: "the source has invalidated it: \(other)"
        }
    }
}
