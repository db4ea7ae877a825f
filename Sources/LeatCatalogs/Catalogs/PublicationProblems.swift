internal import LeatCore
package import PGClient

/// Finds the tables of publications on which the application's own updates and deletes fail.
///
/// The server checks none of this when a publication is made, but at each UPDATE and DELETE: no
/// usable replica identity; a column list that lacks one of its columns; a row filter on a column
/// that is not one of them. For partitioned tables it looks at the partition that has the row.
package struct PublicationProblems {
    package let session: Session

    package init(session: Session) {
        self.session = session
    }

    /// - Parameter name: Of one publication, or nil for all.
    package func read(_ name: String?) throws -> [String: [PublicationProblem]] {
        let condition = name.map { "and p.pubname = \(SQLText.literal($0))" } ?? ""
        let rows = try session.query(
            """
            select p.pubname, n.nspname, c.relname,
              coalesce(nullif(\(SourceCatalog(session: session).identityProblem), ''),
                \(listProblem), \(filterProblem)) as problem,
              \(hasList) as has_list
            from pg_catalog.pg_publication p
            join pg_catalog.pg_publication_tables t on t.pubname = p.pubname
            join pg_catalog.pg_namespace rn on rn.nspname = t.schemaname
            join pg_catalog.pg_class root on root.relnamespace = rn.oid
              and root.relname = t.tablename
            left join pg_catalog.pg_publication_rel r on r.prpubid = p.oid
              and r.prrelid = root.oid
            cross join lateral (
              select root.oid as relid where root.relkind <> 'p'
              union all select f.relid::pg_catalog.oid
                from pg_catalog.pg_partition_tree(root.oid) f where f.isleaf) l
            join pg_catalog.pg_class c on c.oid = l.relid and c.relkind = 'r'
            join pg_catalog.pg_namespace n on n.oid = c.relnamespace
            cross join lateral (
              select coalesce(pg_catalog.array_agg(a.attname::pg_catalog.text order by a.attnum),
                '{}') as names
              from pg_catalog.pg_index i join pg_catalog.pg_attribute a
                on a.attrelid = i.indrelid
                and a.attnum = any ((i.indkey::pg_catalog.int2[])[0:i.indnkeyatts - 1])
              where i.indrelid = c.oid and case c.relreplident
                when 'i' then i.indisreplident when 'd' then i.indisprimary else false end) k
            where (p.pubupdate or p.pubdelete) \(condition)
            order by 1, 2, 3
            """
        ).records.filter { try $0.optionalText("problem") != nil }
        let indexes = try SourceCatalog(session: session)
            .identityIndexes(of: rows.map { try $0.table() })
        var problems: [String: [PublicationProblem]] = [:]
        for row in rows {
            let (table, message) = (try row.table(), try row.text("problem"))
            let advice = PublicationProblems.advice(
                for: table, problem: message, hasList: try row.bool("has_list"),
                index: indexes[table])
            problems[try row.text("pubname"), default: []].append(
                PublicationProblem(
                    schemaName: table.schema, tableName: table.name, message: message,
                    advice: advice))
        }
        return problems
    }

    private static let fullWithList = "its replica identity is FULL, and it has a column list"
    private static let listBegin = "its column list leaves out "
    private static let filterBegin = "its row filter uses "

    private var hasLists: Bool { session.serverVersion >= 150_000 }

    private var hasList: String { hasLists ? "r.prattrs is not null" : "false" }

    private var listProblem: String {
        guard hasLists else { return "null" }
        return """
            case when r.prattrs is not null then
              case when c.relreplident = 'f' then '\(PublicationProblems.fullWithList)'
              else (select '\(PublicationProblems.listBegin)'
                  || pg_catalog.string_agg(x, ', ' order by x)
                  || ', part of its replica identity'
                from pg_catalog.unnest(k.names) x
                where x <> all (t.attnames::pg_catalog.text[])) end
            end
            """
    }

    /// The columns of the filter by their numbers in its expression, which are the root's.
    private var filterProblem: String {
        guard hasLists else { return "null" }
        return """
            case when r.prqual is not null and c.relreplident <> 'f' then (
              select '\(PublicationProblems.filterBegin)'
                || pg_catalog.string_agg(a.attname, ', ' order by a.attname)
                || ', no part of its replica identity'
              from pg_catalog.pg_attribute a where a.attrelid = root.oid
                and a.attname::pg_catalog.text <> all (k.names)
                and a.attnum in (
                  select (v.match)[1]::pg_catalog.int2
                  from pg_catalog.regexp_matches(
                    r.prqual::pg_catalog.text, ':varattno (\\d+)', 'g') v (match)))
            end
            """
    }

    private static func advice(
        for table: TableName, problem: String, hasList: Bool, index: String?
    ) -> String {
        if problem.hasPrefix(listBegin) { return "Name these columns in its column list too." }
        if problem == fullWithList {
            return "alter table \(table.quoted) replica identity default;"
        }
        // FULL goes with no column list.
        // No index of other columns mends a row filter.
        let index = problem.hasPrefix(filterBegin) ? nil : index
        let isGenerated = SourceCatalog.generatedProblems.contains(problem)
        return SourceCatalog.identityMending(
            table, index: index, allowsFull: !hasList && !isGenerated)
    }

    /// - Throws: ``Halt`` if there are any.
    package static func check(_ problems: [PublicationProblem]) throws {
        guard !problems.isEmpty else { return }
        let list = problems.map { "\($0.schemaName).\($0.tableName): \($0.message)" }
        throw Halt(
            .preflight,
            """
            The application's own updates and deletes of these tables would fail at once: \
            \(NameList.text(list, separator: "; ")).
            """,
            advice: (["On the source, mend each, or leave the table out:"]
                + problems.map(\.advice).reduce(into: []) { list, line in
                    if !list.contains(line) { list.append(line) }
                }).joined(separator: "\n"))
    }
}
