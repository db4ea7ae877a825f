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

    /// - Parameter missing: Tables that the target lacks.
    /// - Returns: Lines for a shell: for a target without any table the whole schema, with its
    ///   types and functions.
    package func text(for missing: [TableName], on session: Session) throws -> String {
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
        let schemas = try session.query(
            """
            select distinct s from unnest(\(SQLText.textArray(missing.map(\.schema)))) s
            where pg_catalog.to_regnamespace(pg_catalog.quote_ident(s)) is null order by 1
            """
        ).texts()
        return text(for: missing, isBare: isBare, schemas: schemas)
    }

    /// The halt with the command that makes what the target lacks.
    package func explain(_ halt: Halt, on session: Session) throws -> Halt {
        guard !halt.missing.isEmpty else { return halt }
        var halt = halt
        halt.advice = try text(for: halt.missing, on: session)
        return halt
    }

    private func text(for missing: [TableName], isBare: Bool, schemas: [String]) -> String {
        var dump = [
            "pg_dump", "--schema-only", "--no-owner", "--no-privileges", "--no-publications",
            "--no-subscriptions", "--dbname", source.printable,
        ]
        let psql = ["psql", "--dbname", target.printable]
        let pipe = { ShellText.command(dump) + " | " + ShellText.command(psql) }
        guard !isBare else { return "This makes the source's schema on the target:\n\(pipe())" }
        for table in missing { dump += ["--table", table.listed] }
        let making = schemas.map {
            ShellText.command(psql + ["--command", "create schema \(SQLText.identifier($0))"])
        }
        return (["This makes them as the source has them:"] + making + [pipe()])
            .joined(separator: "\n")
    }
}
