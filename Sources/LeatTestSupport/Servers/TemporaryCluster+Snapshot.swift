/// A database as it was at one LSN, while others write.
public struct SnapshotHash: Sendable {
    /// Exactly the transactions that end at or before it are in ``tables``.
    public let lsn: String
    /// As of ``TemporaryCluster/databaseHash(_:)``.
    public let tables: [String: TableHash]
}

extension TemporaryCluster {
    /// Hashes every ordinary table of a database in the snapshot of a new, temporary slot.
    ///
    /// Only a slot's consistent point says which LSN a snapshot is of. Tables must keep their
    /// definitions meanwhile, and must not be truncated: no snapshot shows what was before.
    public func snapshotHash(_ database: String) async throws -> SnapshotHash {
        let hash = literal(
            "select %1$L, h.* from (\(hashQuery("%1$s", columns: nil, includingChildren: false))) h"
        )
        let output = try await run(
            script: """
                \\connect "dbname=\(database) replication=database"
                begin transaction isolation level repeatable read read only;
                CREATE_REPLICATION_SLOT "judge_\(UInt32.random(in: 0 ... .max))" TEMPORARY
                  LOGICAL pgoutput (SNAPSHOT 'use')
                \\gset
                \\echo :consistent_point
                select string_agg(format(\(hash), name), ' union all ') as hashes
                from (\(Self.tableNames)) t (name)
                \\gset
                :hashes;
                commit;
                """, database: database)
        let parts = output.split(separator: "\n", maxSplits: 1)
        guard parts.count == 2 else { throw TestSupportError("No snapshot of \(database)") }
        return SnapshotHash(
            lsn: String(parts[0]), tables: Self.tableHashes(Self.rows(of: String(parts[1]))))
    }
}
