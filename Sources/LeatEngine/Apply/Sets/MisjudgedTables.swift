internal import LeatCore
internal import PGClient

/// Tables that the planner takes for all but empty though their files are large.
///
/// Statistics that were made while a COPY was open count none of its rows, and a table that was
/// emptied and vacuumed may be full again before the next look. The planner then expects one row
/// and reads the whole index for it, comparing each row with each that is staged: minutes for a
/// batch, and no setting keeps it from that. Statements of their own use the index as they should,
/// and a table that does have so few rows has no more changes than those.
struct MisjudgedTables {
    /// Fewer than these, and the order of the join is anybody's guess.
    private static let fewestRows = 100
    /// Up to so many, comparing each with each takes no time to speak of.
    private static let mostPages = 16

    private var isPrepared = false

    /// A batch is to notice nothing of it: 0.1 ms, as it is planned once.
    ///
    /// - Parameter names: Of tables of the target. A partitioned one is judged by all of its leaves.
    mutating func names(
        among names: [TableName], on session: Session
    ) throws(ConnectionError) -> Set<TableName> {
        if !isPrepared {
            try session.execute(
                "prepare leat_misjudged (pg_catalog.text[]) as \(MisjudgedTables.query)")
            isPrepared = true
        }
        let rows = try session.execute(
            "execute leat_misjudged (\(SQLText.textArray(names.map(\.quoted))))"
        ).records
        return Set(try rows.map { row throws(ConnectionError) in names[try row.int("place") - 1] })
    }

    /// What `estimate_rel_size` of the server answers, as far as it matters here.
    private static let query = """
        with wanted as materialized (
          select n.place, pg_catalog.to_regclass(n.name) as root
          from pg_catalog.unnest($1::pg_catalog.text[]) with ordinality n(name, place)),
        files as materialized (
          select w.place, w.root::pg_catalog.oid as oid from wanted w
          union select w.place, p.relid from wanted w, pg_catalog.pg_partition_tree(w.root) p),
        sizes as materialized (
          select f.place, c.reltuples, c.relpages, pg_catalog.pg_relation_size(c.oid)
            / pg_catalog.current_setting('block_size')::pg_catalog.int8 as pages
          from files f join pg_catalog.pg_class c on c.oid = f.oid
          where c.relkind = 'r')
        select place from sizes group by place
        having sum(pages) > \(mostPages) and sum(
          case when reltuples >= 0 and relpages > 0
            then reltuples / relpages * pages else pages * \(fewestRows) end) < \(fewestRows)
        """
}
