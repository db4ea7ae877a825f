internal import LeatCatalogs
internal import LeatCore
internal import Logging
internal import PGClient
internal import PGWire

/// What a start finds out and prepares on the target, wherever the changes come from.
struct TargetPreparation {
    let applier: Applier
    let stream: StreamName
    let configuredRole: SyncConfiguration.Role
    /// Whether tables are filled by the start, which foreign keys may forbid.
    let copiesTables: Bool
    /// Whether they are emptied first.
    var truncatesTables = false
    /// What makes tables that are missing; nil for those of an archive.
    var dump: SchemaCommand?
    let logger: Logger

    /// What `--rename` says.
    var rules: RenameRules { applier.handling.renames }
    /// What `--mask` says.
    var masks: MaskRules { applier.handling.masks }

    // MARK: What the target does by itself when it is written to: refused, disabled, or told

    /// A stream that has disabled triggers goes on so, unless its role has become `replica`.
    func role() async throws -> ApplyRole {
        if await applier.isReplica { return .replica }
        let hasDisabled = try await !journal { try $0.entries() }.isEmpty
        switch configuredRole {
        case .disableTriggers: return .disableTriggers
        case .auto: return hasDisabled ? .disableTriggers : .plain
        case .replica: preconditionFailure("refused when the session was opened")
        case .plain:
            guard !hasDisabled else {
                throw Halt(
                    .preflight, "This stream has disabled triggers: see leat.triggers.",
                    advice: "Start with --role disable-triggers, or undo it with leat cleanup.")
            }
            return .plain
        }
    }

    /// Before anything is created.
    ///
    /// - Parameter names: Of tables of the target.
    /// - Returns: What fires all the same.
    func checkRole(_ names: [TableName]) async throws -> [String] {
        let role = try await role()
        let (stream, copiesTables) = (stream, copiesTables)
        let trustsOwners = applier.handling.trustsOwners
        return try await applier.run { session in
            let effects = TargetEffects(session: session, tables: names)
            if !trustsOwners {
                try OwnersCode(effects: effects, firing: role.firing).check()
            }
            let check = RoleCheck(role: role, effects: effects)
            let warnings = try check.check()
            if copiesTables {
                let stored = try TableStore(session: session, stream: stream).read()
                let ready = Set(stored.filter { $0.state == .ready }.map(\.target))
                try check.checkCopy(names.filter { !ready.contains($0) })
            }
            return warnings
        }
    }

    func tellRole(_ warnings: [String]) async throws {
        let role = try await role()
        logger.info("\(role.cost)")
        if role == .plain, configuredRole == .auto {
            let grant = try await applier.run { session in
                ApplySession.grant(to: try session.role())
            }
            logger.warning("the target role may not use role replica; to allow it: \(grant)")
        }
        for warning in warnings { logger.warning("\(warning)") }
    }

    /// Disables what would fire, or enables again what an earlier start has disabled. The stream
    /// has its row by now, so that cleanup finds it.
    func settleTriggers(_ tables: [SourceTable]) async throws {
        let names = tables.map(\.target)
        switch try await role() {
        case .plain:
            break
        case .replica:
            let number = try await journal { try $0.restore() }
            if number > 0 {
                logger.info("triggers enabled again", metadata: ["count": "\(number)"])
            }
        case .disableTriggers:
            let number = try await journal { journal in
                let effects = TargetEffects(session: journal.session, tables: names)
                let firing = try effects.triggers(ApplyRole.disableTriggers.firing)
                try journal.share(effects.triggers(["D"]))
                try journal.disable(firing)
                return firing.count
            }
            logger.info("triggers disabled", metadata: ["count": "\(number)"])
        }
    }

    /// Tables that may be copied at the same time, referenced ones before those that refer to
    /// them.
    func copyLevels(_ tables: [SourceTable]) async throws -> [[SourceTable]] {
        let byName = Dictionary(
            tables.map { ($0.target, $0) }, uniquingKeysWith: { first, _ in first })
        return try await levels(tables.map(\.target)).map { $0.compactMap { byName[$0] } }
    }

    private func levels(_ names: [TableName]) async throws -> [[TableName]] {
        guard try await role() != .replica else { return [names] }
        let (levels, left) = try await applier.run { session in
            let keys = try TargetEffects(session: session, tables: names).foreignKeys()
            let (levels, _) = ForeignKeyOrder(keys).levels(names)
            return (levels, Set(names).subtracting(levels.joined()))
        }
        // A circle was refused; one that was made since is found by the server.
        return (levels + [left.sorted()]).filter { !$0.isEmpty }
    }

    private func journal<Value: Sendable>(
        _ body: @Sendable (TriggerJournal) throws -> Value
    ) async throws -> Value {
        let stream = stream
        return try await applier.run { session in
            try body(TriggerJournal(session: session, stream: stream))
        }
    }

    // MARK: Tables

    /// Every table's way to the target.
    ///
    /// - Parameters:
    ///   - looked: What is known of tables since it was stored.
    ///   - again: Those that are copied anew: of what was known only the columns' names count.
    func ways(
        of tables: [SourceTable], _ sourceTypes: TypeCatalog,
        looked: [TableName: KnownDefinitions] = [:], copying again: Set<TableName> = []
    ) async throws -> Preflight.Ways {
        let (stream, dump, rules) = (stream, dump, rules)
        let isEmptied = copiesTables && truncatesTables
        return try await applier.run { session in
            let ids = Dictionary(
                tables.map { ($0.name, $0.relation.id) }, uniquingKeysWith: { first, _ in first })
            let stored = try TableStore(session: session, stream: stream).read()
            let ready = stored.filter { row in
                guard row.state == .ready, let id = ids[row.table] else { return false }
                return row.id ?? id == id
            }
            let copied = ready.filter { again.contains($0.table) }
            let remade = stored.filter { $0.id != nil && $0.id != ids[$0.table] }
            let ways = try Preflight.ways(
                of: tables, sourceTypes: sourceTypes, renamedBy: rules, target: session,
                followed: Dictionary(
                    ready.filter { !again.contains($0.table) }.map { row in
                        let definitions = looked[row.table] ?? row.definitions
                        return (
                            row.table,
                            Preflight.Followed(columns: row.columns, definitions: definitions)
                        )
                    }, uniquingKeysWith: { first, _ in first }),
                copied: Dictionary(
                    copied.map { ($0.table, $0.columns) }, uniquingKeysWith: { first, _ in first }),
                remade: Set(remade.map(\.table)), isEmptied: isEmptied, dump: dump)
            try Preflight.checkMasks(of: tables, by: ways, on: session)
            return ways
        }
    }

    func checkUnvalidated(of tables: [SourceTable], on source: Connection) async throws {
        try await UnvalidatedRules.check(
            tables, source: source, applier: applier, renamedBy: rules,
            checksForeignKeys: role() != .replica)
    }

    /// A publication of the target's own that came along with the schema: it would refuse our
    /// updates and deletes as the source's refuses the application's.
    func checkPublications(_ tables: [SourceTable]) async throws {
        let names = tables.map(\.target)
        try await applier.run { session in
            try TargetPublications(session: session).check(names)
        }
    }

    func checkEmpty(_ tables: [SourceTable], by plans: [TableName: RelationPlan]) async throws {
        let targets = tables.compactMap { plans[$0.name]?.target }
        try await applier.run { try Preflight.checkEmpty(targets, on: $0) }
    }

    /// Under the stream's origin: a stream that leaves the target again must not take it for a
    /// change made there, and empty the source.
    func empty(_ tables: [SourceTable], by plans: [TableName: RelationPlan]) async throws {
        try await empty(tables.compactMap { plans[$0.name]?.target })
    }

    /// - Parameter targets: In any order: those that refer to others go first, where that matters.
    func empty(_ targets: [TargetTable]) async throws {
        let byName = Dictionary(
            targets.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let ordered = try await levels(targets.map(\.name)).reversed().joined()
            .compactMap { byName[$0] }
        try await applier.markOrigin()
        try await applier.run { try Preflight.empty(ordered, on: $0) }
    }

    /// What is said at every start, because nobody should find it out by rows that differ, or by
    /// a stream that does not keep up.
    func tell(
        of tables: [SourceTable], ways: Preflight.Ways
    ) async throws {
        tellUnsent(tables)
        tellMasks(tables)
        try await tellZones(of: ways)
        tellScans(of: tables, by: ways.plans)
        for (_, halt) in ways.later.sorted(by: { $0.key < $1.key }) {
            logger.warning("the stream will stop at its first such change: \(halt)")
        }
    }

    private func tellMasks(_ tables: [SourceTable]) {
        let texts = tables.flatMap { table in
            table.columns.compactMap { column in
                table.masks.columns[column.number].map {
                    MaskRule(table.name, column: column.name, function: $0.function).text
                }
            }
        }
        guard !texts.isEmpty else { return }
        let list = NameList.text(texts.map(PrintedText.line), all: "leat status")
        logger.info("masking", metadata: ["columns": "\(list)"])
    }
}
