internal import LeatCore
internal import PGClient
internal import PGWire

/// The columns of published tables: those that are sent, and generated ones that are not.
extension SourceCatalog {
    /// Whether a publication sends column `a`. 15 lists generated columns too, but only 18 and
    /// newer send any.
    private var isSent: String {
        let sent = session.serverVersion >= 180_000 ? "true" : "a.attgenerated = ''"
        return """
            case when t.attnames is null then a.attgenerated = ''
              else \(sent) and a.attname = any (t.attnames) end
            """
    }

    /// The generated columns that are not sent, by table OID; none of a table with a column list,
    /// whose author knew what is left out.
    func unsentGenerated(from published: String) throws -> [UInt32: [SourceColumn]] {
        let hasList =
            session.serverVersion >= 150_000
            ? """
            exists (select from pg_catalog.pg_publication_rel r
              join pg_catalog.pg_publication p on p.oid = r.prpubid
              where p.pubname = t.pubname and r.prrelid = c.oid and r.prattrs is not null)
            """ : "false"
        var columns: [UInt32: [SourceColumn]] = [:]
        for row in try session.query(
            """
            select c.oid, a.attname, a.attnum, a.atttypid, a.atttypmod, a.attnotnull,
              a.attgenerated, pg_catalog.pg_get_expr(d.adbin, d.adrelid) as expression, a.xmin,
              null as missing_value
            from (\(published)) t
            join pg_catalog.pg_namespace n on n.nspname = t.schemaname
            join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = t.tablename
            join pg_catalog.pg_attribute a on a.attrelid = c.oid
              and a.attnum > 0 and not a.attisdropped and a.attgenerated <> ''
            left join pg_catalog.pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
            group by c.oid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull,
              a.attgenerated, d.adbin, d.adrelid, a.xmin
            having not pg_catalog.bool_or(\(isSent)) and not pg_catalog.bool_or(\(hasList))
            order by c.oid, a.attnum
            """
        ).records { columns[try row.id("oid"), default: []].append(try SourceColumn(row)) }
        return columns
    }

    /// Of column `a` of table `c`. A partition root has no rows of its own that could miss one.
    private static let missingValue = """
        case when c.relkind = 'p' then (
            with recursive part (oid) as (
              select c.oid union all
              select i.inhrelid from part p
              join pg_catalog.pg_inherits i on i.inhparent = p.oid and not i.inhdetachpending)
            select (l.attmissingval::pg_catalog.text::pg_catalog.text[])[1] from part p
            join pg_catalog.pg_attribute l on l.attrelid = p.oid and l.attname = a.attname
              and l.atthasmissing
            limit 1)
          else (a.attmissingval::pg_catalog.text::pg_catalog.text[])[1] end
        """

    /// Columns in the order of the Relation message, by table OID. Columns that the identity's
    /// index only includes are no part of the key.
    func columns(
        from published: String
    ) throws -> [UInt32: [(sent: RelationColumn, source: SourceColumn)]] {
        var columns: [UInt32: [(sent: RelationColumn, source: SourceColumn)]] = [:]
        for row in try session.query(
            """
            select distinct c.oid, a.attnum, a.attname, a.atttypid, a.atttypmod,
              c.relreplident = 'f' or coalesce(a.attnum = any (
                (i.indkey::pg_catalog.int2[])[0:i.indnkeyatts - 1]), false) as is_key,
              a.attnotnull, \(SourceCatalog.missingValue) as missing_value,
              pg_catalog.pg_get_expr(d.adbin, d.adrelid) as expression, a.attgenerated,
              a.xmin::pg_catalog.text as xmin
            from (\(published)) t
            join pg_catalog.pg_namespace n on n.nspname = t.schemaname
            join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = t.tablename
            join pg_catalog.pg_attribute a on a.attrelid = c.oid
              and a.attnum > 0 and not a.attisdropped and \(isSent)
            left join pg_catalog.pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
            left join pg_catalog.pg_index i on i.indrelid = c.oid
              and case c.relreplident when 'i' then i.indisreplident
                when 'd' then i.indisprimary else false end
            order by c.oid, a.attnum
            """
        ).records {
            let source = try SourceColumn(row)
            let sent = RelationColumn(
                isKey: try row.bool("is_key"), name: source.name, typeOID: source.typeOID,
                typeModifier: source.typeModifier)
            columns[try row.id("oid"), default: []].append((sent, source))
        }
        return columns
    }
}

extension SourceColumn {
    fileprivate init(_ row: Record) throws {
        self.init(
            number: try row.int("attnum"), name: try row.text("attname"),
            typeOID: try row.id("atttypid"), typeModifier: try row.int32("atttypmod"),
            isNotNull: try row.bool("attnotnull"),
            missingValue: try row.optionalText("missing_value"),
            defaultExpression: try row.optionalText("expression"),
            generation: try row.value(
                of: "attgenerated", as: "a kind of generation", by: Generation.init),
            version: try row.id("xmin"))
    }
}
