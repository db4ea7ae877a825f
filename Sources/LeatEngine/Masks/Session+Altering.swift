internal import LeatCatalogs
internal import LeatCore
internal import PGClient
internal import PGWire

extension Session {
    /// Whether a transaction holds the lock on a table that most of ALTER TABLE takes.
    func isExclusivelyLocked(_ id: RelationID) throws -> Bool {
        try query(
            """
            select exists (select from pg_catalog.pg_locks
              where locktype = 'relation' and relation = $1::pg_catalog.oid and granted
                and mode = 'AccessExclusiveLock' and database = (
                  select oid from pg_catalog.pg_database
                  where datname = pg_catalog.current_database()))
            """, with: ["\(id.rawValue)"]
        ).bool()
    }
}
