internal import LeatCatalogs
internal import LeatCore
internal import PGClient
internal import PGWire

/// Tables that a stream meets at a later start.
///
/// One that cannot be followed must not keep the others from going on: it is left out, told, and
/// tried again at the next start. What the stream knows already is never left out, nor what was
/// asked for by its name.
struct NewTables {
    let source: Connection
    let onTarget: TargetPreparation
    let configuration: SyncConfiguration
    let sourceTypes: TypeCatalog
    let known: Known

    /// What earlier starts have seen.
    struct Known: Sendable {
        /// Those that have a row in `leat.tables`.
        var tables: [TablePlan.Stored] = []
        /// `schema.table` of those that had one.
        var former: Set<String> = []
        /// Options that matched at the last start.
        var options: Set<String> = []
    }

    /// The new ones of these tables. A table is none that the operator asks for by its name, or by
    /// other options than at the last start; nor a partition or a root of what is followed: its rows
    /// came by another name.
    private func new(_ names: [TableName]) async throws -> Set<TableName> {
        let stored = Set(known.tables.map(\.table))
        let before = Selection(options: known.options)
        let selection = configuration.selection
        let new = names.filter { name in
            !stored.contains(name) && !known.former.contains(name.joined)
                && !selection.names(name) && before.wants(name)
        }
        let ids = known.tables.compactMap(\.id)
        return Set(new).subtracting(
            try await source.run { try SourceCatalog(session: $0).relatives(of: ids, among: new) })
    }

    /// Candidates of the stream's own publication without those that cannot be followed.
    func fit(
        _ candidates: [SourceCatalog.Candidate]
    ) async throws -> ([SourceCatalog.Candidate], leftOut: [LeftOut]) {
        try await fit(candidates, name: \.name) { some in
            let tables = try await source.run { session in
                try SourceCatalog(session: session).checkIdentities(of: some)
                try Publication(session: session, configuration: configuration.reading)
                    .checkMayPublish(some, start: configuration.commandWith(publication:))
                return try SourceCatalog(session: session).tables(some)
            }
            try await check(tables)
        }
    }

    /// The same with tables that are published already.
    func fit(_ tables: [SourceTable]) async throws -> ([SourceTable], leftOut: [LeftOut]) {
        try await fit(tables, name: \.name) { try await check($0) }
    }

    /// All new ones at once; one by one only if there is something wrong.
    private func fit<Table>(
        _ tables: [Table], name: (Table) -> TableName, check: ([Table]) async throws -> Void
    ) async throws -> ([Table], leftOut: [LeftOut]) {
        guard !configuration.isStrict else { return (tables, []) }
        let names = try await new(tables.map(name))
        let new = tables.filter { names.contains(name($0)) }
        guard !new.isEmpty, try await problem({ try await check(new) }) != nil else {
            return (tables, [])
        }
        var leftOut: [TableName: LeftOut] = [:]
        for table in new {
            guard let halt = try await problem({ try await check([table]) }) else { continue }
            leftOut[name(table)] = LeftOut(name(table), halt: halt)
        }
        return (
            tables.filter { leftOut[name($0)] == nil },
            leftOut.sorted { $0.key < $1.key }.map(\.value)
        )
    }

    private func problem(_ check: () async throws -> Void) async throws -> Halt? {
        do { try await check() } catch let halt as Halt { return halt }
        return nil
    }

    private func check(_ unrouted: [SourceTable]) async throws {
        let tables = unrouted.routed(by: onTarget.rules)
        let plans = try await onTarget.ways(of: tables, sourceTypes).plans
        _ = try await onTarget.checkRole(tables.map(\.target))
        guard configuration.copiesTables else { return }
        try await source.run { try Preflight.checkReadable(tables, on: $0) }
        try await onTarget.checkUnvalidated(of: tables, on: source)
        guard !configuration.truncatesTables else { return }
        try await onTarget.checkEmpty(tables, by: plans)
    }
}
