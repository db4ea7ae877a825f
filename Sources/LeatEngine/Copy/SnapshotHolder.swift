internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import PGClient
internal import PGWire

/// Keeps the slot's snapshot alive while the tables are copied, and what they were in it.
///
/// 1. Import the snapshot that the slot exported.
/// 2. Compare each table's columns in the snapshot with those that the copy was planned with: what
///    a column has that was added in between would not be copied, and is older than the stream.
/// 3. Export the snapshot again: the slot's own export ends with the next command there.
///
/// It holds no table's lock: see ``PGClient/Session/lock(_:)``.
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

    /// A table was altered between snapshot and lock: it has to be copied under another one.
    struct Altered: Error {
        var table: TableName
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
                let name = try hold(session, snapshot: snapshot)
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

    private static func hold(_ session: Session, snapshot: String) throws -> String {
        try session.execute("begin isolation level repeatable read read only")
        try session.execute("set transaction snapshot \(SQLText.literal(snapshot))")
        return try session.query("select pg_catalog.pg_export_snapshot()").text()
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
                guard var definition = held[table.relation.id] else { throw altered(table) }
                definition.hideValues(of: table.masks)
                guard definition.columns == table.definition.columns else { throw altered(table) }
                return (table.name, definition)
            }, uniquingKeysWith: { first, _ in first })
    }

    private static func altered(_ table: SourceTable) -> Restart {
        Restart(reason: "table \(table.name) was altered while the copy began")
    }
}
