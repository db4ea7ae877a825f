package import LeatCore
package import PGClient

/// The command that makes tables on the target as the source has them.
package struct SchemaCommand: Sendable {
    package let source: Conninfo
    package let target: Conninfo

    package init(source: Conninfo, target: Conninfo) {
        self.source = source
        self.target = target
    }

    /// - Parameters:
    ///   - missing: Tables that the target lacks, by its names.
    ///   - routes: Of the followed tables.
    /// - Returns: Lines for a shell: for a target without any table the whole schema, with its
    ///   types and functions.
    package func text(
        for missing: [TableName], by routes: [TableRoute], on session: Session
    ) throws -> String {
        let isBare =
            try session.query(
                """
                select not exists (select from pg_catalog.pg_class c
                  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                  where c.relkind in ('r', 'p') and c.oid >= 16384
                    and n.nspname not in ('leat', 'pg_catalog', 'information_schema')
                    and n.nspname !~ '^pg_')
                """
            ).bool()
        let made = missing.map { name in routes.first { $0.target == name } ?? TableRoute(name) }
        let needed = (missing + made.map(\.source)).map(\.schema)
        let schemas = try session.query(
            """
            select distinct s from unnest(\(SQLText.textArray(needed))) s
            where pg_catalog.to_regnamespace(pg_catalog.quote_ident(s)) is null order by 1
            """
        ).texts()
        return text(for: made, isBare: isBare, schemas: schemas)
    }

    /// The halt with the command that makes what the target lacks.
    package func explain(
        _ halt: Halt, by routes: [TableRoute], on session: Session
    ) throws -> Halt {
        guard !halt.missing.isEmpty else { return halt }
        var halt = halt
        halt.advice = try text(for: halt.missing, by: routes, on: session)
        return halt
    }

    private func text(for missing: [TableRoute], isBare: Bool, schemas: [String]) -> String {
        var dump = [
            "pg_dump", "--schema-only", "--no-owner", "--no-privileges", "--no-publications",
            "--no-subscriptions", "--dbname", source.printable,
        ]
        let psql = ["psql", "--dbname", target.printable]
        let pipe = { ShellText.command(dump) + " | " + ShellText.command(psql) }
        let renaming = renaming(missing, by: psql, schemas: isBare ? schemas : [])
        guard !isBare else {
            return (["This makes the source's schema on the target:", pipe()] + renaming)
                .joined(separator: "\n")
        }
        for table in missing { dump += ["--table", table.source.listed] }
        let making = schemas.map {
            ShellText.command(psql + ["--command", "create schema \(SQLText.identifier($0))"])
        }
        let first =
            renaming.isEmpty
            ? "This makes them as the source has them:"
            : "This makes them as the source has them, and gives them their names here:"
        return ([first] + making + [pipe()] + renaming).joined(separator: "\n")
    }

    /// Of what was made under the source's names.
    ///
    /// - Parameter schemas: Those that a whole dump may bring, and may not.
    private func renaming(
        _ missing: [TableRoute], by psql: [String], schemas: [String]
    ) -> [String] {
        let routes = missing.filter(\.isRenamed)
        guard !routes.isEmpty else { return [] }
        let wanted = Set(routes.map(\.target.schema))
        let making = schemas.filter(wanted.contains).map {
            "create schema if not exists \(SQLText.identifier($0));"
        }
        let statements = making + TableRoute.statements(renaming: routes)
        return [ShellText.command(psql + ["--command", statements.joined(separator: " ")])]
    }
}
