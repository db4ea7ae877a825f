internal import LeatCore
internal import PGClient
internal import PGWire

/// Keeps the slot's snapshot alive while the tables are copied, and their definitions as they
/// were in it.
///
/// 1. Import the snapshot that the slot exported.
/// 2. Take ACCESS SHARE on every table. Never before the slot is made: its creation waits for
///    running transactions, which may wait for this lock.
/// 3. Compare each table's file in the snapshot with its file now. An ALTER that rewrites a
///    table commits between snapshot and lock, leaves a new file in which the snapshot sees no
///    row at all, and says nothing: such a copy would be empty.
/// 4. Export the snapshot again: the slot's own export ends with the next command there.
///
/// A crash at any step leaves nothing: the session ends.
struct SnapshotHolder: Closable {
    let connection: Connection
    /// For `set transaction snapshot` in the workers.
    let snapshotName: String
    /// The partitions of the tables in the snapshot.
    let partitions: [PartitionBook.Found]

    /// A table was rewritten between snapshot and lock: the slot must be made anew.
    struct Rewritten: Error {
        var tables: [TableName]
    }

    static func open(
        _ configuration: SourceConfiguration, snapshot: String, tables: [SourceTable],
        clientEncoding: String
    ) async throws -> SnapshotHolder {
        let connection = try await Connection.open(
            configuration.source, peer: .source, stream: configuration.stream,
            clientEncoding: clientEncoding)
        do {
            let (name, partitions) = try await connection.run { session in
                let name = try hold(session, snapshot: snapshot, tables: tables)
                let roots = tables.filter(\.isPartitioned).map(\.relation.id)
                return (
                    name,
                    try PartitionCatalog(session: session).found(under: roots, PartitionBook())
                )
            }
            return SnapshotHolder(
                connection: connection, snapshotName: name, partitions: partitions)
        } catch {
            await connection.close()
            throw error
        }
    }

    func close() async {
        await connection.close()
    }

    private static func hold(
        _ session: Session, snapshot: String, tables: [SourceTable]
    ) throws -> String {
        try session.execute("begin isolation level repeatable read read only")
        try session.execute("set transaction snapshot \(SQLText.literal(snapshot))")
        for table in tables {
            let only = table.isPartitioned ? "" : "only "
            try session.execute("lock table \(only)\(table.name.quoted) in access share mode")
        }
        let rewritten = try tables.filter { try isRewritten($0, session) }.map(\.name)
        guard rewritten.isEmpty else { throw Rewritten(tables: rewritten) }
        guard let name = try session.query("select pg_catalog.pg_export_snapshot()").scalar else {
            throw Halt(.source, "The source exported no snapshot.")
        }
        return name
    }

    /// `pg_class` is read under the snapshot, `pg_relation_filenode` looks at this moment.
    private static func isRewritten(_ table: SourceTable, _ session: Session) throws -> Bool {
        try session.query(
            """
            select exists (
              select from (
                select $1::pg_catalog.oid as oid
                union all select t.relid from pg_catalog.pg_partition_tree($1::pg_catalog.oid) t
                  where t.relid is not null) f
              left join pg_catalog.pg_class c on c.oid = f.oid
              where c.oid is null or (c.relkind = 'r' and
                c.relfilenode is distinct from pg_catalog.pg_relation_filenode(f.oid)))
            """, ["\(table.relation.id.rawValue)"]
        ).scalar == "t"
    }
}
