internal import LeatCatalogs
internal import LeatCore
internal import PGClient
internal import PGWire

/// Finds out where each table goes, and what becomes of its values, before anything is made:
/// `--rename` and `--mask`.
struct RoutedTables {
    let onTarget: TargetPreparation
    /// Of the source.
    let types: TypeCatalog
    /// Where sequences and partitions are found; nil: a base lists its sequences.
    var source: Connection?
    /// Sequences of a base.
    var sequences: [TableName] = []

    private var rules: RenameRules { onTarget.rules }

    /// The tables with their ways.
    func routed(_ tables: [SourceTable]) async throws -> [SourceTable] {
        let stored = try await stored()
        let routed = tables.routed(by: rules, formers: formers(stored))
        return try await MaskedTables(routes: self, stored: stored).masked(routed)
    }

    /// The same, where what rules name is known to be there.
    ///
    /// - Throws: ``Halt`` (exit code 6) for a rule that names nothing, for two tables that would go to
    ///   one, and for masks that cannot be.
    func checked(_ tables: [SourceTable]) async throws -> [SourceTable] {
        let stored = try await stored()
        let routed = tables.routed(by: rules, formers: formers(stored))
        try await checkRenames(of: routed, beside: stored)
        return try await MaskedTables(routes: self, stored: stored).checked(routed)
    }

    private func checkRenames(
        of routed: [SourceTable], beside stored: [TablePlan.Stored]
    ) async throws {
        guard !rules.isEmpty else { return }
        let known = Dictionary(
            stored.map { ($0.table, $0) }, uniquingKeysWith: { first, _ in first })
        var subjects: [RenameRules.Subjects.Table] = []
        for table in routed {
            let row = known[table.name]
            subjects.append(
                RenameRules.Subjects.Table(
                    route: table.route, former: row?.former,
                    columns: table.relation.columns.map(\.name)
                        + table.unsentGenerated.map(\.name) + (row?.columns.names ?? [])
                        + (try await formerColumns(of: table, known: row?.columns))))
        }
        let names = Set(routed.map(\.name))
        let stream = onTarget.stream
        let former = try await onTarget.applier.run { session in
            try LeftOutStore(session: session, stream: stream).former()
        }
        try rules.check(
            RenameRules.Subjects(
                tables: subjects, others: try await others(beside: routed),
                gone: stored.map(\.table).filter { !names.contains($0) }
                    + former.compactMap(TableName.init(joined:))))
    }

    private func stored() async throws -> [TablePlan.Stored] {
        let stream = onTarget.stream
        return try await onTarget.applier.run { session in
            try TableStore(session: session, stream: stream).read()
        }
    }

    private func formers(_ stored: [TablePlan.Stored]) -> [RelationID: TableName] {
        Dictionary(
            stored.compactMap { row in
                guard let id = row.id, let former = row.former else { return nil }
                return (id, former)
            }, uniquingKeysWith: { first, _ in first })
    }

    /// Names that rules have for columns which the source has renamed since: the target has the column
    /// where the rule brought it.
    private func formerColumns(
        of table: SourceTable, known: KnownColumns?
    ) async throws -> [String] {
        guard let known, !table.route.renamed.isEmpty else { return [] }
        let there = try await onTarget.applier.run { [target = table.target] session in
            try session.query(
                """
                select attname, attnum from pg_catalog.pg_attribute
                where attrelid = pg_catalog.to_regclass($1) and attnum > 0 and not attisdropped
                """, with: [target.listed]
            ).records.map { (name: try $0.text("attname"), number: try $0.int("attnum")) }
        }
        return table.route.renamed.filter { column in
            there.contains {
                $0.name.isSameName(as: column.target)
                    && known.holder(ofTarget: $0.number) != nil
            }
        }.map(\.source)
    }

    private func others(beside tables: [SourceTable]) async throws -> [TableName] {
        guard let source else { return sequences }
        let roots = tables.filter(\.isPartitioned).map(\.relation.id)
        return try await source.run { session in
            try SequenceSync.required(session, tables: tables.map(\.name), all: true).map(\.name)
                + PartitionCatalog(session: session).definitions(under: roots).map(\.name)
        }
    }
}
