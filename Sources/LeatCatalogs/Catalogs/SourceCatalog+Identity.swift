package import LeatCore
internal import PGClient

/// Why a table's updates and deletes could not be sent.
extension SourceCatalog {
    /// What no other replica identity of the same columns mends.
    package static let generatedProblems = [generatedInWhole, generatedInKey]

    private static let generatedInWhole =
        "its replica identity is FULL, and its generated columns are not sent"
    private static let generatedInKey =
        "its replica identity has a generated column, which is not sent"

    /// SQL for table `c`: a sentence, or null or an empty text if all is well. A publication on a
    /// table with a problem makes the application's own updates fail at once; but for a generated
    /// column in a key, which before 18 is just left out, so that no row can be found.
    package var identityProblem: String {
        """
        case c.relreplident
          when 'f' then \(wholeProblem)
          when 'n' then 'its replica identity is NOTHING'
          when 'i' then coalesce(
            (select case
              when not i.indisvalid then 'its replica identity index is not valid'
              when not i.indimmediate then 'its replica identity index is deferrable'
              \(SourceCatalog.keyProblem) else '' end
            from pg_catalog.pg_index i where i.indrelid = c.oid and i.indisreplident),
            'its replica identity index is gone')
          else coalesce(
            (select case
              when not i.indisvalid then 'its primary key is not valid'
              when not i.indimmediate then 'its primary key is deferrable'
              \(SourceCatalog.keyProblem) else '' end
            from pg_catalog.pg_index i where i.indrelid = c.oid and i.indisprimary),
            'it has no primary key')
        end
        """
    }

    /// For each table that has one, an index that can be its replica identity as it is.
    package func identityIndexes(of tables: [TableName]) throws -> [TableName: String] {
        guard !tables.isEmpty else { return [:] }
        var indexes: [TableName: String] = [:]
        for row in try session.query(
            """
            select n.nspname, c.relname, pg_catalog.min(x.relname::pg_catalog.text) as index
            from unnest(\(SQLText.textArray(tables.map(\.schema))),
              \(SQLText.textArray(tables.map(\.name)))) v (schema_name, table_name)
            join pg_catalog.pg_namespace n on n.nspname = v.schema_name
            join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = v.table_name
            join pg_catalog.pg_index i on i.indrelid = c.oid and i.indisunique and i.indisvalid
              and i.indimmediate and i.indpred is null and i.indexprs is null
            join pg_catalog.pg_class x on x.oid = i.indexrelid
            where not exists (
              select from pg_catalog.pg_attribute a where a.attrelid = c.oid
                and a.attnum = any ((i.indkey::pg_catalog.int2[])[0:i.indnkeyatts - 1])
                and (not a.attnotnull or a.attgenerated <> ''))
            group by 1, 2
            """
        ).records { indexes[try row.table()] = try row.text("index") }
        return indexes
    }

    /// Of a partition, which needs the same.
    package static let wholeInRoot = "its partition root has REPLICA IDENTITY FULL, and it has not"

    /// - Parameters:
    ///   - index: One that can be the replica identity.
    ///   - allowsFull: Whether the whole row could be.
    package static func identityMending(_ table: TableName, index: String?, allowsFull: Bool)
        -> String
    {
        let alter = "alter table \(table.quoted) replica identity"
        if let index { return "\(alter) using index \(SQLText.identifier(index));" }
        if allowsFull { return "\(alter) full;" }
        return """
            -- \(table) first needs a unique index on columns that are NOT NULL and not generated
            """
    }

    private var wholeProblem: String {
        guard session.serverVersion >= 180_000 else { return "null" }
        return """
            case when exists (select from pg_catalog.pg_attribute a where a.attrelid = c.oid
                and a.attgenerated <> '' and not a.attisdropped)
              then '\(SourceCatalog.generatedInWhole)' end
            """
    }

    /// For index `i`.
    private static let keyProblem = """
        when exists (select from pg_catalog.pg_attribute a where a.attrelid = c.oid
            and a.attgenerated <> ''
            and a.attnum = any ((i.indkey::pg_catalog.int2[])[0:i.indnkeyatts - 1]))
          then '\(generatedInKey)'
        """
}
