import LeatTestSupport

/// What both sides hold, asked of `psql`: for each case the printed answers to its queries.
struct Judge {
    let cases: [Case]
    private let queries: [String: [String]]

    /// - Parameter cluster: Whose tables are compared: the source's.
    init(_ cases: [Case], _ cluster: TemporaryCluster, database: String) async throws {
        self.cases = cases
        let tables = try await Judge.queries(cluster, database)
        queries = Dictionary(
            uniqueKeysWithValues: cases.map { test in
                (test.id, test.compare.isEmpty ? tables[test.schema] ?? [] : test.compare)
            })
    }

    /// By case: what it holds now.
    func holdings(
        _ cluster: TemporaryCluster, database: String
    ) async throws -> [String: Holding] {
        holdings(try await cluster.run(script: script, database: database))
    }

    /// For `psql`.
    var script: String {
        cases.map { test in
            let answers = (queries[test.id] ?? []).map { $0 + ";" }.joined(separator: "\n")
            return """
                \\echo \(Judge.mark)\(test.id)
                set search_path = "\(test.schema)", public;
                \(answers)
                """
        }.joined(separator: "\n")
    }

    /// - Parameter output: Of ``script``.
    func holdings(_ output: String) -> [String: Holding] {
        let parts = output.split(separator: Judge.mark).map { part in
            part.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
        }
        return Dictionary(
            uniqueKeysWithValues: parts.map {
                (String($0[0]), Holding(text: $0.dropFirst().last ?? ""))
            })
    }

    private static let mark = "\u{2}case "

    /// For every ordinary table, by schema: its own rows, each whole as text, and beside it the
    /// binary form of the columns whose type has one that is the same in every database. What is
    /// long is hashed, and so are many rows.
    private static func queries(
        _ cluster: TemporaryCluster, _ database: String
    ) async throws -> [String: [String]] {
        let rows = try await cluster.sql(
            """
            select n.nspname, format(
              'with q as (select r::text as t, concat_ws('' '', %s) as b from only %I.%I r),
                rows as (select %L as name, q.*, count(*) over () as many from q)
                select name, case when length(t) > 5000 then left(t, 100) || md5(t) else t end,
                  case when length(b) > 5000 then left(b, 100) || md5(b) else b end
                from rows where many <= 100
                union all
                select min(name), count(*)::text,
                  md5(string_agg(t || '' '' || b, e''\\n'' order by t, b))
                from rows where many > 100 having count(*) > 0
                order by 2, 3',
              coalesce(string_agg(
                format('encode(%s(r.%I), ''hex'')', t.typsend, a.attname), ', ' order by a.attnum)
                filter (where t.oid < 10000 and t.typsend <> 0
                  and t.typname !~ '^_?(reg|refcursor|aclitem)'), ''''''),
              n.nspname, c.relname, c.relname)
            from pg_class c
            join pg_namespace n on n.oid = c.relnamespace
            left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            left join pg_type t on t.oid = a.atttypid
            where c.relkind = 'r' and n.nspname ~ '_'
            group by n.nspname, c.relname order by 1, c.relname
            """, database: database)
        return Dictionary(grouping: rows, by: { ($0[0] ?? nil) ?? "" })
            .mapValues { $0.compactMap { $0[1] } }
    }
}

/// All that a side holds of a case, equal only in every byte: strings would take an accent for a
/// letter with one.
struct Holding: Equatable {
    var text: Substring

    static func == (left: Holding, right: Holding) -> Bool {
        left.text.utf8.elementsEqual(right.text.utf8)
    }
}
