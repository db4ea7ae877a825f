internal import LeatCatalogs
internal import LeatCore
internal import PGClient
internal import PGWire

/// A table's lock is taken when its rows are read, and given back behind them: who alters a table
/// waits for no other, and who reads it does not wait behind an ALTER for long. The snapshot stays.
extension Session {
    /// Takes ACCESS SHARE on a table, in a transaction with a snapshot, until ``releaseLocks()``.
    ///
    /// Before that somebody may have altered it. An ALTER that rewrites a table, TRUNCATE too, leaves
    /// a new file in which the snapshot sees no row at all, and says nothing: such a copy would be
    /// empty. Or another table may have its name by now.
    ///
    /// - Returns: False if the snapshot does not show the table any more; then there is no lock.
    func lock(_ table: SourceTable) throws -> Bool {
        try execute("savepoint leat_table")
        do {
            let only = table.isPartitioned ? "" : "only "
            try execute("lock table \(only)\(table.name.quoted) in access share mode")
        } catch {
            guard try !isGone(error) else { return false }
            guard error.sqlState == .outOfMemory else { throw error }
            throw Halt(
                .source, "The source has no room for the locks on table \(table.name).",
                advice: """
                    Raise max_locks_per_transaction there (times max_connections it is the number \
                    of locks) and restart it: each partition takes one.
                    """)
        }
        guard try query(Session.isAsInSnapshot(table)).bool() else {
            try releaseLocks()
            return false
        }
        return true
    }

    /// The transaction holds no more locks than before.
    func releaseLocks() throws {
        try execute("rollback to savepoint leat_table; release savepoint leat_table")
    }

    /// Whether a table, a column or a schema is not there any more that was planned with; then the
    /// locks are given back.
    func isGone(_ error: ConnectionError) throws -> Bool {
        // undefined_table, undefined_column, invalid_schema_name, undefined_object
        guard
            [.undefinedTable, .undefinedColumn, .invalidSchemaName, .undefinedObject].contains(
                error.sqlState)
        else { return false }
        try releaseLocks()
        return true
    }

    /// `pg_class` is read under the snapshot, the functions look at this moment.
    private static func isAsInSnapshot(_ table: SourceTable) -> String {
        """
        select \(SQLText.literal(table.name.listed))::pg_catalog.regclass::pg_catalog.oid = r.oid
          and not exists (
            select from (select r.oid union
              select t.relid from pg_catalog.pg_partition_tree(r.oid) t where t.relid is not null) f
            left join pg_catalog.pg_class c on c.oid = f.oid
            where c.oid is null or (c.relkind = 'r' and
              c.relfilenode is distinct from pg_catalog.pg_relation_filenode(f.oid)))
        from (values (\(table.relation.id.rawValue)::pg_catalog.oid)) r (oid)
        """
    }
}
