package import LeatCore
package import PGClient

/// Finds tables on the target and says in a sentence why one cannot be used.
package enum TargetTables {
    /// - Returns: Each of the tables, or why it cannot be used.
    package static func resolve(
        _ names: [TableName], on session: Session
    ) throws -> [TableName: Result<TargetTable, Halt>] {
        guard !names.isEmpty else { return [:] }
        let found = try TargetCatalog(session: session).tables(names)
        let isFine = found.values.allSatisfy { if case .success = $0 { true } else { false } }
        let role = try isFine ? "" : session.role()
        return Dictionary(
            uniqueKeysWithValues: found.map { name, table in
                (name, table.mapError { halt(of: name, problem: $0, role: role) })
            })
    }

    /// - Throws: ``Halt``.
    package static func resolve(_ name: TableName, on session: Session) throws -> TargetTable {
        guard let table = try resolve([name], on: session)[name] else { throw missing(name) }
        return try table.get()
    }

    package static func missing(_ name: TableName) -> Halt {
        var halt = Halt(
            .stoppedOnChange, "Table \(name) is missing on the target.",
            advice: "Create it there as pg_dump --schema-only of the source has it.")
        halt.missing = [name]
        return halt
    }

    /// - Parameter role: Of the session, quoted.
    private static func halt(
        of name: TableName, problem: TargetCatalog.Problem, role: String
    ) -> Halt {
        switch problem {
        case .missing:
            missing(name)
        case .unsuitable(let reason):
            Halt(.stoppedOnChange, "Table \(name) of the target cannot be used: \(reason).")
        case .lacksSchemaUsage:
            Halt(
                .stoppedOnChange,
                "The target role lacks USAGE on schema \(name.schema) of table \(name).",
                advice: "grant usage on schema \(SQLText.identifier(name.schema)) to \(role);")
        case .rowSecurity:
            Halt(
                .stoppedOnChange,
                "Policies of row-level security apply to the target role on table \(name).",
                advice: "On the target:\nalter role \(role) bypassrls;")
        case .lacksPrivilege(let list):
            Halt(
                .stoppedOnChange, "The target role lacks \(list) on table \(name).",
                advice: "grant \(list) on table \(name.quoted) to \(role);")
        }
    }

    /// Those of the tables that have, or whose partitions have, a file with anything in it: the
    /// others are empty.
    package static func withStorage(_ names: [TableName], on session: Session) throws -> Set<
        TableName
    > {
        Set(
            try session.query(
                """
                select n.nspname, c.relname
                from unnest(\(SQLText.textArray(names.map(\.schema))),
                  \(SQLText.textArray(names.map(\.name)))) v (schema_name, table_name)
                join pg_catalog.pg_namespace n on n.nspname = v.schema_name
                join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = v.table_name
                where case c.relkind when 'r' then pg_catalog.pg_relation_size(c.oid) > 0
                  else exists (select from pg_catalog.pg_partition_tree(c.oid) p
                    where pg_catalog.pg_relation_size(p.relid) > 0) end
                """
            ).tables())
    }

    /// Whether a table has any row.
    package static func isEmpty(_ table: TargetTable, on session: Session) throws -> Bool {
        try session.query(
            "select not exists (select from \(table.only)\(table.name.quoted))"
        ).bool()
    }
}
