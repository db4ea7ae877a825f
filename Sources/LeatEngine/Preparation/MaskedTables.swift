internal import LeatCatalogs
internal import LeatCore
internal import PGClient
internal import PGWire

/// Finds out with what each table's columns are masked, before anything is made: `--mask`.
struct MaskedTables {
    let routes: RoutedTables
    /// The rows of `leat.tables`.
    let stored: [TablePlan.Stored]

    private var rules: MaskRules { routes.onTarget.masks }

    /// Without rules and without masks of before, the tables as they are.
    private var isNeeded: Bool { !rules.isEmpty || stored.contains { !$0.masks.isEmpty } }

    /// The tables with their masks.
    ///
    /// - Throws: ``Halt`` (exit code 6) if rows of one were copied with others.
    func masked(_ tables: [SourceTable]) async throws -> [SourceTable] {
        guard isNeeded else { return tables }
        return try masked(tables, by: try await subjects(of: tables))
    }

    /// The same, where what rules name is known to be there.
    ///
    /// - Throws: ``Halt`` (exit code 6).
    func checked(_ tables: [SourceTable]) async throws -> [SourceTable] {
        guard isNeeded else { return tables }
        let subjects = try await subjects(of: tables)
        let names = Set(tables.map(\.name))
        let gone = stored.map(\.table).filter { !names.contains($0) } + (try await former())
        try rules.check(subjects, gone: gone, mayCome: routes.source == nil)
        return try masked(tables, by: subjects)
    }

    private func former() async throws -> [TableName] {
        let stream = routes.onTarget.stream
        return try await routes.onTarget.applier.run { session in
            try LeftOutStore(session: session, stream: stream).former()
                .compactMap(TableName.init(joined:))
        }
    }

    private func row(of table: SourceTable) -> TablePlan.Stored? {
        stored.first { $0.table == table.name }
    }

    private func change(of table: SourceTable, from row: TablePlan.Stored) -> MaskChange {
        MaskChange(
            of: table.name, from: row.masks, to: table.masks, columns: table.columns,
            known: row.columns)
    }

    private func copyingAnew(_ table: TableName) -> String {
        guard routes.source != nil else { return "start with --rewind, which empties all tables." }
        return """
            start once with --exclude \(ShellText.word(TablePattern.text(of: table))), then again \
            without it and with --truncate.
            """
    }

    private func masked(
        _ tables: [SourceTable], by subjects: [MaskRules.Subject]
    ) throws -> [SourceTable] {
        try zip(tables, subjects).map { table, subject in
            var table = table
            let wanted = try rules.masks(of: subject, types: routes.types)
            table.masks = wanted
            if let row = row(of: table), row.state == .ready, row.id == table.relation.id {
                let change = change(of: table, from: row)
                if row.continues(table.listed),
                    let halt = change.halt(copyingAnew: copyingAnew(table.name))
                {
                    throw halt
                }
                // Also of columns that are gone, and of which something may be to come.
                table.masks = change.masks
            }
            guard !wanted.isEmpty else { return table }
            let masks = TableMasks(
                table.name, masks: wanted, key: rules.key, types: routes.types, now: table.columns,
                known: KnownColumns())
            guard let rows = masks.rows(of: table.columns) else {
                preconditionFailure("each mask was made for the type that its column has")
            }
            table.rowMasks = rows
            return table
        }
    }

    private func subjects(of tables: [SourceTable]) async throws -> [MaskRules.Subject] {
        let roots = try await roots(of: tables)
        return tables.map { table in
            let row = row(of: table)
            return MaskRules.Subject(
                table.name,
                names: [table.name] + (row?.former.map { [$0] } ?? [])
                    + roots[table.name, default: []],
                columns: table.columns, generated: table.unsentGenerated.map(\.name),
                known: row?.columns ?? KnownColumns())
        }
    }

    /// What tables are partitions of, the nearest first. An archive does not tell.
    private func roots(of tables: [SourceTable]) async throws -> [TableName: [TableName]] {
        guard !rules.isEmpty, let source = routes.source else { return [:] }
        return try await source.run { session in
            try PartitionCatalog(session: session).ancestors(of: tables.map(\.relation.id))
        }
    }
}
