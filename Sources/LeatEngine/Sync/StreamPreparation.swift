internal import LeatCatalogs
internal import LeatCore
internal import Logging
internal import PGClient
internal import PGWire

/// Steps 2 to 4 of a ``SyncRun``: decides how to start, creates what is missing, copies tables.
struct StreamPreparation {
    let run: SyncRun
    let servers: SyncRun.Servers

    /// What the streaming phase starts with.
    struct Prepared: Sendable {
        var position: LSN
        var confirmed: LSN
        /// What is compared of the source's history on the way to the position.
        var history: KnownHistory?
        var tables: [SourceTable]
        var followed: FollowedTables
        var publications: [PublicationIdentity]
        /// `publish_via_partition_root` of each publication.
        var viaRoot: [String: Bool]
        var definitions: [RelationID: DefinitionWatch.Table]
        var suspicions: [RelationID: DefinitionWatch.Suspicion]
        /// Of tables with masked columns.
        var masks: [RelationID: TableMasks]
        /// Tables that are published no longer, and since when.
        var leaving: [TableName: LSN]
        var sourceTypes: TypeCatalog
        var isBinary: Bool
        var sourceVersion: Int
        var walSenderTimeout: Duration
        var transfer: TransferForm

        /// Tables of which it was not kept how they were published: nothing is known of the time
        /// from their copy until now.
        var unknown: Set<RelationID>

        var watched: PublicationWatch.Beginning {
            let (followed, unknown) = (followed, unknown)
            return PublicationWatch.Beginning(
                publications: publications, viaRoot: viaRoot, tables: tables,
                copied: { unknown.contains($0) ? nil : followed[$0]?.snapshot })
        }

        var sourceForm: Applier.SourceForm {
            Applier.SourceForm(
                types: sourceTypes,
                columns: Dictionary(
                    tables.map { table in
                        let seen = definitions[table.relation.id]?.definitions.seen
                        return (table.relation.id, table.columns(seen))
                    },
                    uniquingKeysWith: { first, _ in first }),
                definitions: definitions.mapValues(\.definitions.seen), isBinary: isBinary,
                transfer: transfer)
        }
    }

    var configuration: SyncConfiguration { run.configuration }
    var logger: Logger { run.logger }
    var onTarget: TargetPreparation {
        TargetPreparation(
            applier: servers.applier, stream: configuration.stream,
            configuredRole: configuration.role, copiesTables: configuration.copiesTables,
            truncatesTables: configuration.truncatesTables,
            dump: SchemaCommand(source: configuration.source, target: configuration.target),
            logger: logger)
    }

    func prepare() async throws -> Prepared {
        let system = try await servers.receiver.run { try $0.identifySystem() }
        let progress = try await keeper.read()
        try await checkTarget(progress)
        let (spool, facts) = try decideSpool(
            given: try await slots.facts(
                of: system, progress, in: keeper, copiesTables: configuration.copiesTables),
            since: progress)
        let decision = try await slots.decide(by: facts)
        progress?.tellRenames(source: facts.databaseKey, to: servers.target, logger: logger)
        if case .resume = decision {
            try await checkPublicationsAreTheSame(progress)
            let published = try await published()
            try await TableRenames(source: run.definitions(servers), applier: servers.applier)
                .follow(
                    configuration.stream, logger: logger,
                    published: Set(published.map(\.relation.id)),
                    selection: configuration.selection)
        }
        if configuration.origin == .none { try await servers.applier.requireMark() }
        let sourceTypes = try await servers.source.run { try $0.typeCatalog() }
        let selected = try await publish(
            NewStream(on: system, by: decision, given: facts), after: decision, since: progress,
            sourceTypes: sourceTypes)
        let tables = selected.tables
        var found = FoundDefinitions()
        var joining: Set<TableName> = []
        if case .resume = decision {
            joining = Set(try await listPlan(tables).added.map(\.table))
            found = try await lookAtDefinitions(of: tables.filter { !joining.contains($0.name) })
        }
        var ways = try await onTarget.ways(
            of: tables, sourceTypes, looked: found.known, copying: joining)
        var doubtful: [TableName: Halt] = [:]
        if case .resume(let position) = decision {
            doubtful = try await settle(&found, by: ways, at: position)
            let again = tables.filter { doubtful[$0.name] != nil }
            let anew = try await onTarget.ways(
                of: again, sourceTypes, copying: Set(again.map(\.name)))
            ways.plans.merge(anew.plans) { _, new in new }
            for name in doubtful.keys {
                ways.later[name] = nil
                // Its copy begins with what is there now.
                found.known[name] = nil
            }
        }
        try await onTarget.checkPublications(tables)
        try await onTarget.tell(of: tables, ways: ways)
        try await onTarget.tellRole(onTarget.checkRole(tables.map(\.target)))
        let isBinary = try usesBinary(by: ways)
        if case .resume = decision {
            try await checkLate(tables, with: ways.plans, doubtful: doubtful)
        }
        let start = try await begin(
            by: decision, spool: spool, given: facts,
            formed(tables, by: ways), with: ways.plans, on: system,
            doubtful: Set(doubtful.keys))
        try await tell(selected)
        try await keepDatabases(facts)
        return try await prepared(
            start, tables: tables, with: ways.plans, isBinary: isBinary, on: system,
            sourceTypes: ways.sourceTypes, looked: found)
    }

    // MARK: What is followed, and what is not

    /// At every start, and kept for `leat status`.
    private func tell(_ selected: SelectedTables<SourceTable>) async throws {
        let (configuration, names) = (configuration, selected.tables.map(\.name))
        let list = NameList.text(names.map(\.description), all: "leat status")
        logger.info("following", metadata: ["tables": "\(list)"])
        selected.tellProblems(logger)
        let unsent = try await servers.source.run { session in
            try UnsentObjects(session: session, configuration: configuration.reading)
                .find(beside: names)
        }
        logger.tell(unsent, all: "leat status")
        let former = try await servers.applier.run { session in
            try LeftOutStore(session: session, stream: configuration.stream).former()
        }
        let there = try await servers.source.run { session in
            try SourceCatalog(session: session).candidates().map(\.name.joined)
        }
        let stillThere = Set(former).intersection(there).subtracting(names.map(\.joined))
        try await servers.applier.run { session in
            try LeftOutStore(session: session, stream: configuration.stream)
                .replace(selected.leftOut + unsent, former: stillThere.sorted())
            try ProgressStore(session: session, stream: configuration.stream)
                .setSelection(configuration.selection.options.map(\.text))
        }
    }

    // MARK: Facts

    private func checkTarget(_ progress: Progress?) async throws {
        guard let progress else { return }
        guard configuration.acceptsTarget else {
            return try progress.checkTarget(servers.target, option: "--accept-target")
        }
        let (stream, target) = (configuration.stream, servers.target)
        try await servers.applier.run { try progress.accept(target, of: stream, on: $0) }
    }

    private func keepDatabases(_ facts: StartFacts) async throws {
        let (stream, target) = (configuration.stream, servers.target)
        try await servers.applier.run { session in
            try ProgressStore(session: session, stream: stream)
                .keepDatabases(source: facts.databaseKey, target)
        }
    }

    var keeper: TargetKeeper { TargetKeeper(configuration: configuration, servers: servers) }

    var slots: SlotPreparation {
        SlotPreparation(
            configuration: configuration.reading, receiver: servers.receiver,
            source: servers.source, showsValues: configuration.showsValues, logger: logger)
    }

    // MARK: The result

    func prepared(
        _ start: Start, tables: [SourceTable], with plans: [TableName: RelationPlan],
        isBinary: Bool, on system: SystemIdentity, sourceTypes: TypeCatalog,
        looked: FoundDefinitions
    ) async throws -> Prepared {
        let (configuration, encoding) = (configuration, servers.encoding)
        let server = try await slots.server()
        let ids = Dictionary(
            tables.map { ($0.name, $0.relation.id) }, uniquingKeysWith: { first, _ in first })
        let (stored, unknown) = try await servers.applier.run { session in
            try ProgressStore(session: session, stream: configuration.stream).setSession(
                timeline: system.timeline, format: isBinary ? "binary" : "text",
                encoding: encoding)
            let store = TableStore(session: session, stream: configuration.stream)
            let unknown = try store.read().filter { $0.publishing.sending == nil }
            try store.keepIdentities(of: tables, by: plans)
            let rows = try store.keepMasks(
                of: tables, in: store.learnColumns(of: tables, from: plans))
            return (
                try StreamPreparation.keepDefinitions(
                    in: store, of: rows, with: plans, looked: looked.known),
                Set(unknown.compactMap { ids[$0.table] })
            )
        }
        return Prepared(
            position: start.position, confirmed: start.confirmed, history: start.history,
            tables: tables,
            followed: FollowedTables(
                stored: stored, ids: ids, by: configuration.applying.renames),
            publications: server.publications, viaRoot: server.viaRoot,
            definitions: StreamPreparation.watched(
                stored, ids: ids, by: configuration.applying.renames),
            suspicions: looked.suspicions,
            masks: MaskTransform.tables(
                stored, now: tables, by: configuration.masks, types: sourceTypes),
            leaving: Dictionary(
                stored.compactMap { row in row.leavingLSN.map { (row.table, $0) } },
                uniquingKeysWith: { first, _ in first }), sourceTypes: sourceTypes,
            isBinary: isBinary, sourceVersion: server.version,
            walSenderTimeout: server.walSenderTimeout, transfer: run.transfer, unknown: unknown)
    }

    /// - Parameter looked: What this start has found; a table that was just copied has it already.
    static func keepDefinitions(
        in store: TableStore, of stored: [TablePlan.Stored], with plans: [TableName: RelationPlan],
        looked: [TableName: KnownDefinitions]
    ) throws -> [TablePlan.Stored] {
        var rows = stored
        var changed: [TableName: KnownDefinitions] = [:]
        for index in rows.indices where rows[index].state == .ready {
            let row = rows[index]
            guard var known = looked[row.table] ?? row.definitions else { continue }
            if let plan = plans[row.table] { known.agree(on: plan.target, row.columns) }
            guard known != row.definitions else { continue }
            rows[index].definitions = known
            changed[row.table] = known
        }
        try store.keep(changed)
        return rows
    }

    static func watched(
        _ stored: [TablePlan.Stored], ids: [TableName: RelationID], by rules: RenameRules
    ) -> [RelationID: DefinitionWatch.Table] {
        var tables: [RelationID: DefinitionWatch.Table] = [:]
        for row in stored where row.state == .ready {
            guard let id = ids[row.table], let definitions = row.definitions else { continue }
            tables[id] = DefinitionWatch.Table(
                id: id, name: row.table, columns: row.columns, definitions: definitions,
                route: rules.route(of: row.table, formerly: row.former))
        }
        return tables
    }
}
