internal import LeatCatalogs
internal import LeatCore
internal import PGClient

/// Finds the tables that are meant by patterns.
struct PublicationTables {
    let session: Session

    typealias Candidate = SourceCatalog.Candidate

    /// - Returns: The tables as the statement names them, and all whose identity matters.
    func choose(
        _ selection: PublicationEditor.Selection
    ) throws -> (tables: [PublicationTable], candidates: [Candidate]) {
        let candidates = try SourceCatalog(session: session).candidates()
        guard !selection.isForAllTables else { return ([], candidates) }
        try checkSchemas(selection.schemas)
        let named = try named(by: selection, among: candidates)
        let inSchemas = candidates.filter { table in
            selection.schemas.contains { $0.isSameName(as: table.name.schema) }
        }
        return (
            try define(named, by: selection), named + inSchemas.filter { !named.contains($0.name) }
        )
    }

    private func named(
        by selection: PublicationEditor.Selection, among candidates: [Candidate]
    ) throws -> [Candidate] {
        for pattern in selection.tables + selection.excluded
        where !candidates.contains(where: { pattern.matches($0.name) }) {
            throw Halt(
                .preflight, "No table of the source matches \(pattern).",
                advice: """
                    Write schema.table, or table for schema public. Partitions come with their \
                    root; unlogged, temporary and foreign tables cannot be published.
                    """)
        }
        return candidates.filter { table in
            selection.tables.contains { $0.matches(table.name) }
                && !selection.excluded.contains { $0.matches(table.name) }
        }
    }

    private func define(
        _ candidates: [Candidate], by selection: PublicationEditor.Selection
    ) throws -> [PublicationTable] {
        var tables = candidates.map {
            PublicationTable(name: $0.name, isPartitioned: $0.isPartitioned)
        }
        for (name, columns) in selection.columns {
            tables[try place(of: name, among: tables, option: "--columns")].columns =
                columns.isEmpty ? nil : columns
        }
        for (name, filter) in selection.rowFilters {
            tables[try place(of: name, among: tables, option: "--where")].rowFilter =
                filter.isEmpty ? nil : filter
        }
        return tables
    }

    private func place(
        of name: TableName, among tables: [PublicationTable], option: String
    ) throws -> Int {
        guard let place = tables.firstIndex(where: { $0.name == name }) else {
            throw Halt(
                .configuration, "\(option) names \(name), which is not among the tables.",
                advice: "Name it in --tables, or for alter in --add-tables, too.")
        }
        return place
    }

    private func checkSchemas(_ schemas: [String]) throws {
        guard !schemas.isEmpty else { return }
        guard session.serverVersion >= 150_000 else {
            throw Halt(
                .configuration, "The source is older than 15, which came with tables in schema.",
                advice:
                    "Name the tables instead: --tables \(ShellText.word("\(SQLText.listed(schemas[0])).*"))"
            )
        }
        let existing = try session.query("select nspname from pg_catalog.pg_namespace").texts()
        if let missing = schemas.first(where: { name in
            !existing.contains { $0.isSameName(as: name) }
        }) {
            throw Halt(.preflight, "The source has no schema \(missing).")
        }
    }

    // MARK: Altering

    /// - Returns: The change, and the tables whose identity matters by it.
    func plan(
        _ wanted: PublicationEditor.Change, over current: PublicationReport
    ) throws -> (change: PublicationChange, candidates: [Candidate]) {
        var change = PublicationChange(name: current.name)
        let touchesTables =
            !wanted.added.tables.isEmpty || !wanted.added.schemas.isEmpty
            || !wanted.dropped.isEmpty || !wanted.droppedSchemas.isEmpty
        guard !(current.isForAllTables && touchesTables) else {
            throw Halt(
                .configuration,
                "Publication \(current.name) is for all tables: none can be added or dropped.",
                advice: "Make another one with the tables that are wanted.")
        }
        let chosen = try choose(wanted.added)
        let present = current.tables.filter { $0.membership == "table" }
        for table in chosen.tables {
            guard let old = present.first(where: { $0.name == table.name }) else {
                change.added.append(table)
                continue
            }
            let merged = merge(table, over: old, by: wanted.added)
            let isSame = merged.columns == old.columns && merged.rowFilter == old.rowFilter
            if !isSame { change.redefined.append(merged) }
        }
        change.dropped = try dropped(wanted.dropped, among: present, of: current.name)
        change.addedSchemas = wanted.added.schemas.filter { !current.schemas.contains($0) }
        change.droppedSchemas = try droppedSchemas(wanted.droppedSchemas, of: current)
        if let operations = wanted.operations,
            Set(operations.map(\.rawValue)) != Set(current.operations)
        {
            change.operations = operations
        }
        if let isViaRoot = wanted.isViaRoot, isViaRoot != current.isViaPartitionRoot {
            change.isViaRoot = isViaRoot
        }
        return (change, chosen.candidates)
    }

    /// What is not said of a table that is in the publication already stays as it is.
    private func merge(
        _ table: PublicationTable, over old: PublicationReport.Table,
        by selection: PublicationEditor.Selection
    ) -> PublicationTable {
        var merged = table
        if !selection.columns.contains(where: { $0.table == table.name }) {
            merged.columns = old.columns
        }
        if !selection.rowFilters.contains(where: { $0.table == table.name }) {
            merged.rowFilter = old.rowFilter
        }
        return merged
    }

    private func dropped(
        _ patterns: [TablePattern], among present: [PublicationReport.Table], of name: String
    ) throws -> [PublicationTable] {
        for pattern in patterns where !present.contains(where: { pattern.matches($0.name) }) {
            throw Halt(
                .configuration, "Publication \(name) names no table that matches \(pattern).",
                advice: "leat publication list \(ShellText.word(name)) shows its tables.")
        }
        return present.filter { table in patterns.contains { $0.matches(table.name) } }
            .map { PublicationTable(name: $0.name, isPartitioned: $0.isPartitioned) }
    }

    private func droppedSchemas(
        _ schemas: [String], of current: PublicationReport
    ) throws -> [String] {
        if let missing = schemas.first(where: { !current.schemas.contains($0) }) {
            throw Halt(
                .configuration, "Publication \(current.name) has no schema \(missing).",
                advice: "leat publication list \(ShellText.word(current.name)) shows its schemas.")
        }
        return schemas
    }
}

extension PublicationReport.Table {
    var name: TableName { TableName(schema: schemaName, name: tableName) }
}

extension [SourceCatalog.Candidate] {
    fileprivate func contains(_ name: TableName) -> Bool {
        contains { $0.name == name }
    }
}
