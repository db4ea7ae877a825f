package import LeatCore
package import PGClient

/// Views of the target that stand in the way of an `alter column ... type`: the server refuses it
/// while one uses the column.
package enum DependentViews {
    /// The halt with what gives such views up before its statements, and makes them again behind.
    package static func explain(_ halt: Halt, on session: Session) throws -> Halt {
        guard !halt.retyped.isEmpty, let advice = halt.advice else { return halt }
        let views = try halt.retyped.sorted { $0.key < $1.key }.flatMap {
            try find(using: $0.value, of: $0.key, session)
        }
        guard !views.isEmpty else { return halt }
        var lines = advice.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let first = lines.firstIndex { $0.hasPrefix("alter ") || $0.hasPrefix("create ") } ?? 0
        lines.insert(contentsOf: views.map(\.drop), at: first)
        lines.append("These views use such a column, and lose their grants and indexes by it:")
        lines += views.reversed().map(\.create)
        var halt = halt
        halt.advice = lines.joined(separator: "\n")
        return halt
    }

    private struct View {
        var drop: String
        var create: String
    }

    /// Those that others use come last.
    private static func find(
        using columns: [String], of table: TableName, _ session: Session
    ) throws -> [View] {
        try session.query(
            """
            with recursive used as (
              select r.ev_class as oid, 1 as depth
              from pg_catalog.pg_depend d
              join pg_catalog.pg_rewrite r on r.oid = d.objid
              join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
              where d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
                and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                and d.refobjid = pg_catalog.to_regclass($1) and r.ev_class <> d.refobjid
                and a.attname = any (\(SQLText.textArray(columns)))
              union
              select r.ev_class, u.depth + 1
              from used u
              join pg_catalog.pg_depend d on d.refobjid = u.oid
                and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                and d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
              join pg_catalog.pg_rewrite r on r.oid = d.objid
              where r.ev_class <> u.oid)
            select case c.relkind when 'm' then 'materialized view ' else 'view ' end
                || c.oid::pg_catalog.regclass as name,
              case when c.reloptions is not null
                then ' with (' || pg_catalog.array_to_string(c.reloptions, ', ') || ')'
                else '' end as options,
              pg_catalog.pg_get_viewdef(c.oid) as query
            from used u
            join pg_catalog.pg_class c on c.oid = u.oid
            where c.relkind in ('v', 'm')
            group by c.oid, c.relkind, c.reloptions
            order by pg_catalog.max(u.depth) desc, 1
            """, with: [table.listed]
        ).records.map { row in
            let (name, options) = (try row.text("name"), try row.text("options"))
            return View(
                drop: "drop \(name);",
                create: "create \(name)\(options) as\(line(try row.text("query")))")
        }
    }

    /// On one line, where no line break can be a part of what is quoted.
    private static func line(_ query: String) -> String {
        guard !query.contains("'"), !query.contains("\"") else { return query }
        return " "
            + query.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
}
