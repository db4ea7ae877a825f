internal import PGClient

/// What the publications say of a table `t`, in parts of a query.
extension SourceCatalog {
    /// A table without a publication yet gets one that sends everything.
    static let unsentKinds = """
        pg_catalog.concat_ws(',',
          case when not pg_catalog.bool_or(coalesce(p.pubinsert, true)) then 'inserts' end,
          case when not pg_catalog.bool_or(coalesce(p.pubupdate, true)) then 'updates' end,
          case when not pg_catalog.bool_or(coalesce(p.pubdelete, true)) then 'deletes' end,
          case when not pg_catalog.bool_or(coalesce(p.pubtruncate, true)) then 'truncates' end)
        """

    /// Each publication with the OID of the row through which it has the table, or a partition
    /// root above it, or its schema.
    var membership: String {
        let schema =
            session.serverVersion >= 150_000
            ? """
            (select s.oid from pg_catalog.pg_publication_namespace s
              where s.pnpubid = p.oid and s.pnnspid = n.oid)
            """ : "null::pg_catalog.oid"
        return SourceCatalog.tableMembership + " || coalesce(':' || \(schema), '')"
    }

    /// By the index of each table's few rows: the publication alone may have ten thousand.
    private static let tableMembership = """
        t.pubname || coalesce(':' || p.oid, '') || coalesce(':' || (
          select pg_catalog.string_agg(r.oid::pg_catalog.text, ',' order by r.oid)
          from pg_catalog.pg_publication_rel r
          where r.prpubid = p.oid and r.prrelid = any (array(
            select c.oid union all
            select a.relid from pg_catalog.pg_partition_ancestors(c.oid) a
            where a.relid <> c.oid))), '')
        """

    /// For each publication: see ``Publishing``. `place` is the version of the row that says in
    /// which schema the table is, which nothing but a move to another one touches; it counts where
    /// the schema makes the table a part of the publication.
    var sending: String {
        let generated =
            session.serverVersion >= 180_000
            ? """
            case when exists (select from pg_catalog.pg_publication_rel r
                where r.prpubid = p.oid and r.prrelid = c.oid and r.prattrs is not null)
              or not exists (select from pg_catalog.pg_attribute a
                where a.attrelid = c.oid and not a.attisdropped and a.attgenerated <> '') then '-'
              else p.pubgencols::pg_catalog.text end
            """ : "'-'"
        let place =
            session.serverVersion >= 150_000
            ? """
            (select d.xmin::pg_catalog.text from pg_catalog.pg_depend d
              where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid
                and d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
                and exists (select from pg_catalog.pg_publication_namespace s
                  where s.pnpubid = p.oid and s.pnnspid = n.oid))
            """ : "null"
        return """
            p.oid || ' xmin=' || p.xmin || ' name=' || pg_catalog.md5(p.pubname)
              || ' owner=' || p.pubowner
              || ' rows=' || case when t.rowfilter is null then 'all' else 'some' end
              || ' publish=' || case when p.pubinsert then 'i' else '' end
              || case when p.pubupdate then 'u' else '' end
              || case when p.pubdelete then 'd' else '' end
              || case when p.pubtruncate then 't' else '' end
              || ' generated=' || \(generated) || ' root=' || p.pubviaroot
              || ' place=' || coalesce(\(place), '')
            """
    }
}
