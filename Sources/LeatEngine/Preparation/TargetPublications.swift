internal import LeatCatalogs
internal import LeatCore
internal import PGClient

/// The publications of the target's own database.
///
/// A schema dump brings the source's along. One that sends updates and deletes of a table without
/// a usable replica identity makes the server refuse each of them, ours too.
struct TargetPublications {
    let session: Session

    /// - Throws: ``Halt`` if updates or deletes of one of these tables, of a partition of one, or of
    ///   schema `leat` would be refused.
    func check(_ tables: [TableName]) throws {
        let isThere = try session.query(
            "select exists (select from pg_catalog.pg_publication where pubupdate or pubdelete)"
        ).bool()
        guard isThere, !tables.isEmpty else { return }
        let written = try written(tables)
        var found: [(publication: String, problem: PublicationProblem)] = []
        for (name, problems) in try PublicationProblems(session: session).read(nil) {
            found += problems.filter { problem in
                problem.schemaName == "leat"
                    || written.contains(
                        TableName(schema: problem.schemaName, name: problem.tableName))
            }.map { (name, $0) }
        }
        guard !found.isEmpty else { return }
        throw TargetPublications.halt(found.sorted { $0.publication < $1.publication })
    }

    /// The tables and all partitions under them.
    private func written(_ tables: [TableName]) throws -> Set<TableName> {
        let names = tables.map(\.listed)
        return Set(
            try session.query(
                """
                select n.nspname, c.relname
                from pg_catalog.unnest(\(SQLText.textArray(names))) t (name)
                cross join lateral (select pg_catalog.to_regclass(t.name)::pg_catalog.oid as oid) r
                cross join lateral (select r.oid union
                  select p.relid::pg_catalog.oid from pg_catalog.pg_partition_tree(r.oid) p) l
                join pg_catalog.pg_class c on c.oid = l.oid
                join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                """
            ).tables())
    }

    private static func halt(
        _ found: [(publication: String, problem: PublicationProblem)]
    ) -> Halt {
        let list = found.map {
            "\($0.publication), for \($0.problem.schemaName).\($0.problem.tableName) "
                + "(\($0.problem.message))"
        }
        let drops = Set(found.map(\.publication)).sorted()
            .map { "drop publication \(SQLText.identifier($0));" }
        let mends = found.map(\.problem.advice).reduce(into: [String]()) { lines, line in
            if !lines.contains(line) { lines.append(line) }
        }
        return Halt(
            .preflight,
            """
            The target has a publication of its own, which makes it refuse updates and deletes: \
            \(list.joined(separator: "; ")).
            """,
            advice: """
                If it only came along with the schema (pg_dump has --no-publications), on the target:
                \(drops.joined(separator: "\n"))
                Otherwise, on the target:
                \(mends.joined(separator: "\n"))
                """)
    }
}
