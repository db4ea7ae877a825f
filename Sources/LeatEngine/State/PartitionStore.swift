internal import LeatCatalogs
internal import LeatCore
internal import PGClient
internal import PGWire

/// Reads and writes `leat.partitions` for one stream.
struct PartitionStore {
    let session: Session
    let stream: StreamName

    func read() throws -> PartitionBook {
        PartitionBook(
            try session.query(
                """
                select root_oid, partition_oid, schema_name, table_name, change
                from leat.partitions where stream = $1
                """, with: [stream.text]
            ).records.map { row in
                PartitionBook.Entry(
                    root: RelationID(rawValue: try row.id("root_oid")),
                    id: RelationID(rawValue: try row.id("partition_oid")),
                    name: try row.table("schema_name", name: "table_name"),
                    change: try row.optionalValue(
                        of: "change", as: "a change of a partition", by: PartitionBook.Change.init))
            })
    }

    func keep(_ entries: [PartitionBook.Entry]) throws {
        for entry in entries {
            try session.query(
                """
                insert into leat.partitions (stream, root_oid, partition_oid, schema_name,
                  table_name, change)
                values ($1, $2::pg_catalog.oid, $3::pg_catalog.oid, $4, $5, $6)
                on conflict (stream, root_oid, partition_oid) do update
                  set schema_name = excluded.schema_name, table_name = excluded.table_name,
                    change = excluded.change, noticed_at = pg_catalog.clock_timestamp()
                """,
                with: [
                    stream.text, "\(entry.root.rawValue)", "\(entry.id.rawValue)",
                    entry.name.schema, entry.name.name, entry.change?.rawValue,
                ])
        }
    }

    /// The root is copied with these partitions: what was noted before is in the rows.
    func begin(_ root: RelationID, named name: TableName, with found: [PartitionBook.Found]) throws
    {
        try session.query(
            "delete from leat.partitions where stream = $1 and root_oid = $2::pg_catalog.oid",
            with: [stream.text, "\(root.rawValue)"])
        var book = PartitionBook()
        try keep(book.note(found, under: [name: root], existing: []))
    }

    /// Roots that are followed no longer.
    func forgetOthers() throws {
        try session.query(
            """
            delete from leat.partitions p where p.stream = $1 and not exists (
              select from leat.tables t where t.stream = $1 and t.source_oid = p.root_oid)
            """, with: [stream.text])
    }

    /// `partition: change` of all that are noted.
    static func changes(_ session: Session, stream: String) throws -> [String] {
        guard try LeatSchema.isPresent("leat.partitions", on: session) else { return [] }
        return try session.query(
            """
            select schema_name || '.' || table_name || ': ' || change from leat.partitions
            where stream = $1 and change is not null order by 1
            """, with: [stream]
        ).texts()
    }
}
