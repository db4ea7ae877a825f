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
/// 4. Compare each table's columns in the snapshot with those that the copy was planned with: what
///    a column has that was added in between would not be copied, and is older than the stream.
/// 5. Export the snapshot again: the slot's own export ends with the next command there.
///
/// A crash at any step leaves nothing: the session ends.
struct SnapshotHolder: Closable {
    let connection: Connection
    /// For `set transaction snapshot` in the workers.
    let snapshotName: String
    /// The partitions of the tables in the snapshot.
    let partitions: [PartitionBook.Found]
    /// What the tables are in the snapshot.
    let definitions: [TableName: TableDefinition]

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
            let publications = configuration.publicationNames
            return try await connection.run { session in
                let name = try hold(session, snapshot: snapshot, tables: tables)
                let roots = tables.filter(\.isPartitioned).map(\.relation.id)
                return SnapshotHolder(
                    connection: connection, snapshotName: name,
                    partitions: try PartitionCatalog(session: session)
                        .found(under: roots, PartitionBook()),
                    definitions: try definitions(session, of: tables, in: publications))
            }
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
        for start in stride(from: 0, to: tables.count, by: 500) {
            let names = tables[start..<min(start + 500, tables.count)].map { table in
                (table.isPartitioned ? "" : "only ") + table.name.quoted
            }
            try lock(names, of: tables.count, session)
        }
        let ids = try rewritten(tables.map(\.relation.id), session)
        let rewritten = tables.filter { ids.contains($0.relation.id) }.map(\.name)
        guard rewritten.isEmpty else { throw Rewritten(tables: rewritten) }
        guard let name = try session.query("select pg_catalog.pg_export_snapshot()").scalar else {
            throw Halt(.source, "The source exported no snapshot.")
        }
        return name
    }

    private static func definitions(
        _ session: Session, of tables: [SourceTable], in publications: [String]
    ) throws -> [TableName: TableDefinition] {
        let published = try SourceCatalog(session: session).publishedTables(of: publications)
        let held = Dictionary(
            published.map { ($0.relation.id, $0.definition) },
            uniquingKeysWith: { first, _ in first })
        return Dictionary(
            try tables.map { table in
                guard let definition = held[table.relation.id],
                    definition.columns == table.definition.columns
                else {
                    throw Restart(reason: "table \(table.name) was altered while the copy began")
                }
                return (table.name, definition)
            }, uniquingKeysWith: { first, _ in first })
    }

    private static func lock(_ names: [String], of number: Int, _ session: Session) throws {
        do {
            try session.execute("lock table \(names.joined(separator: ", ")) in access share mode")
        } catch {
            guard error.sqlState == "53200" else { throw error }
            throw Halt(
                .source, "The source has no room for locks on the \(number) tables to be copied.",
                advice: """
                    Raise max_locks_per_transaction there (times max_connections it is the number \
                    of locks) and restart it, or take the tables in with --tables, some at a start.
                    """)
        }
    }

    /// `pg_class` is read under the snapshot, `pg_relation_filenode` looks at this moment.
    private static func rewritten(
        _ ids: [RelationID], _ session: Session
    ) throws -> Set<RelationID> {
        Set(
            try session.query(
                """
                select distinct f.root from (
                  select oid as root, oid from pg_catalog.unnest(\(PartitionCatalog.list(ids))) oid
                  union all
                  select r.oid, t.relid from pg_catalog.pg_class r,
                    pg_catalog.pg_partition_tree(r.oid) t
                  where r.oid = any (\(PartitionCatalog.list(ids))) and r.relkind = 'p'
                    and t.relid is not null) f
                left join pg_catalog.pg_class c on c.oid = f.oid
                where c.oid is null or (c.relkind = 'r' and
                  c.relfilenode is distinct from pg_catalog.pg_relation_filenode(f.oid))
                """
            ).firstColumn.compactMap { UInt32($0).map(RelationID.init(rawValue:)) })
    }
}
