internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import Logging
internal import PGClient
internal import PGWire

/// Finds out which followed tables have another name by now, on either side.
struct TableRenames {
    let source: any SourceDefinitions
    let applier: Applier
    private var rules: RenameRules { applier.handling.renames }

    /// A table as `leat.tables` has it.
    struct Table {
        var route: TableRoute
        var former: TableName?
        var targetOID: UInt32?
    }

    /// - Parameter tables: By the source's OID; those that are gone there are left out.
    func plan(_ tables: [RelationID: Table]) async throws -> RenamePlan {
        let ids = Array(tables.keys)
        let names = try await source.names(of: ids)
        let found = tables.compactMap { id, table in
            names[id].map { name in
                RenamePlan.Table(
                    id: id, stored: table.route.source, source: name, targetOID: table.targetOID,
                    storedTarget: table.route.target, target: destination(of: table, named: name))
            }
        }
        let target = try await applier.run { session in
            try TableNames(session: session).known(
                oids: found.compactMap(\.targetOID),
                names: found.flatMap { [$0.storedTarget, $0.target] }
            )
        }
        return RenamePlan(found, target: target)
    }

    /// A table that a rule names by what it was called before stays where that rule has brought it.
    private func destination(of table: Table, named name: TableName) -> TableName {
        let former = table.former ?? (name == table.route.source ? nil : table.route.source)
        return rules.route(of: name, formerly: former).target
    }

    /// What refuses the changes of relations in a batch that have another name than their table.
    ///
    /// The stream spells a name as it was at the change. One that the source does not have any
    /// more is from before a rename that the target has seen already: nothing is owed.
    ///
    /// - Throws: ``Restart`` if a table was renamed on the target too, ahead of the stream.
    func refusals(
        in batch: Batch, _ followed: FollowedTables
    ) async throws -> [RelationID: Halt] {
        let renamed = batch.relations.filter(followed.isRenamed).map(\.id)
        guard !renamed.isEmpty else { return [:] }
        try await source.settle(for: batch)
        let all = followed.ids.compactMap { id in
            followed[id].map { (id, Table(route: $0.route, targetOID: $0.targetOID)) }
        }
        let plan = try await plan(Dictionary(all, uniquingKeysWith: { first, _ in first }))
        if let done = plan.done.first(where: { renamed.contains($0.rename.id) }) {
            throw Restart(reason: TableRenames.text(done))
        }
        guard let halt = plan.halt else { return [:] }
        let owed = Set(plan.owed.map(\.id))
        return Dictionary(
            renamed.filter(owed.contains).map { ($0, halt) },
            uniquingKeysWith: { first, _ in first })
    }

    private static func text(_ done: RenamePlan.Following) -> String {
        done.rename.to == done.target
            ? "table \(done.rename.from) is called \(done.target) on both sides now"
            : "table \(done.rename.from) is called \(done.rename.to) on the source now"
    }

    /// Takes over the new names of tables that were renamed on both sides.
    ///
    /// - Parameters:
    ///   - published: What is not published any more is given up by this start, under whatever
    ///     name; nil: all are.
    ///   - selection: So is what is not selected; nil: all are.
    /// - Throws: ``Halt`` (exit code 7) if one was renamed on the source alone.
    func follow(
        _ stream: StreamName, logger: Logger, published: Set<RelationID>? = nil,
        selection: Selection? = nil
    ) async throws {
        let stored = try await applier.run { session in
            try TableStore(session: session, stream: stream).read()
        }
        var tables: [RelationID: Table] = [:]
        // One that is refilled has its rows on the target, too.
        for row in stored where row.state == .ready || row.isRefilled {
            guard let id = row.id, published?.contains(id) ?? true else { continue }
            tables[id] = Table(
                route: TableRoute(row.table, target: row.target), former: row.former,
                targetOID: row.targetOID)
        }
        let names = try await source.names(of: Array(tables.keys))
        if let selection { try checkSelection(of: tables, named: names, by: selection) }
        let plan = try await plan(
            tables.filter { id, _ in names[id].map { selection?.wants($0) ?? true } ?? false })
        if let halt = plan.halt { throw halt }
        guard !plan.done.isEmpty else { return }
        try await applier.run { session in
            try session.transaction {
                try TableStore(session: session, stream: stream).apply(plan.done)
            }
        }
        for done in plan.done { tell(done, logger) }
    }

    private func tell(_ done: RenamePlan.Following, _ logger: Logger) {
        let (from, to) = (done.rename.from, done.rename.to)
        guard to != done.target || from == to else {
            return logger.info(
                "table was renamed on both sides", metadata: ["from": "\(from)", "to": "\(to)"])
        }
        logger.info(
            "table goes elsewhere, or was renamed on the source",
            metadata: ["from": "\(from)", "to": "\(to)", "target": "\(done.target)"])
    }

    /// A rename must not take a table out of the selection by the way; who excludes the new name
    /// means it.
    private func checkSelection(
        of tables: [RelationID: Table], named names: [RelationID: TableName],
        by selection: Selection
    ) throws {
        for (id, table) in tables {
            guard let name = names[id], selection.wants(table.route.source), !selection.wants(name),
                !selection.excludes(name)
            else { continue }
            let word = ShellText.word(TablePattern.text(of: name))
            throw Halt(
                .configuration,
                """
                Table \(table.route.source), which this stream follows, is called \(name) on the source \
                now, and that name is not selected.
                """,
                advice: """
                    Select it with --tables \(word), or give it up with --exclude \(word).
                    """)
        }
    }
}
