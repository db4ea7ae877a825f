internal import LeatCatalogs
internal import LeatCore
internal import Logging
internal import PGClient
internal import PGWire

extension StreamPreparation {
    func checkCopy(
        of tables: [SourceTable], with plans: [TableName: RelationPlan], isFollowed: Bool = false
    ) async throws {
        guard configuration.copiesTables, !tables.isEmpty else { return }
        try await servers.source.run { try Preflight.checkReadable(tables, on: $0) }
        try await onTarget.checkUnvalidated(of: tables, on: servers.source)
        guard !configuration.truncatesTables else { return }
        do {
            try await onTarget.checkEmpty(tables, by: plans)
        } catch var halt as Halt where isFollowed {
            // Not --no-copy: what the stream knows is not what is there.
            halt.advice = """
                This empties and copies them, and leaves the others as they are:
                \(configuration.command(["--truncate"]))
                """
            throw halt
        }
    }

    /// - Parameter refilled: Tables that are emptied without being asked for: the stream has
    ///   filled them itself.
    func emptyTargets(
        of tables: [SourceTable], with plans: [TableName: RelationPlan],
        refilled: Set<TableName> = []
    ) async throws {
        let all = configuration.copiesTables && configuration.truncatesTables
        let emptied = all ? tables : tables.filter { refilled.contains($0.name) }
        try await onTarget.empty(emptied, by: plans)
    }

    /// Before a later start changes anything: what it is going to copy can be copied.
    ///
    /// `--no-copy` says that the target holds the rows. Of a table that the stream knows it does
    /// not: changes of it were left out, or its copy did not end. Such a one is copied all the same
    /// if it is empty there, and refused else.
    ///
    /// - Parameter doubtful: Tables to be emptied and copied anew.
    func checkLate(
        _ tables: [SourceTable], with plans: [TableName: RelationPlan],
        doubtful: [TableName: Halt]
    ) async throws {
        let stored = try await storedTables()
        let plan = try await listPlan(tables, doubtful: Set(doubtful.keys))
        for (table, halt) in doubtful.sorted(by: { $0.key < $1.key }) {
            logger.warning(
                "table is copied anew: \(halt.message)", metadata: ["table": "\(table)"])
        }
        let refilled = tables.filter { plan.refilled.contains($0.name) }
        try await servers.source.run { try Preflight.checkReadable(refilled, on: $0) }
        let late = lateTables(among: tables, by: plan).filter { !plan.refilled.contains($0.name) }
        tellReasons(of: plan, over: stored)
        for table in tables {
            guard plan.ready[table.name] != nil, let row = stored[table.name] else { continue }
            PublicationWatch.tell(from: row.publishing, to: table, logger: logger)
        }
        guard !configuration.copiesTables else {
            return try await checkCopy(of: late, with: plans, isFollowed: !stored.isEmpty)
        }
        let empty = try await emptyOnTarget(among: late, with: plans)
        let filled = late.filter { stored[$0.name] != nil && !empty.contains($0.name) }
        guard filled.isEmpty else { throw notTaken(among: filled, by: plan, over: stored) }
        let copied = late.filter { empty.contains($0.name) }
        try await servers.source.run { try Preflight.checkReadable(copied, on: $0) }
        try await onTarget.checkUnvalidated(of: copied, on: servers.source)
    }

    private func tellReasons(of plan: TablePlan, over stored: [TableName: TablePlan.Stored]) {
        for table in plan.added {
            guard let reason = stored[table.table]?.reasonToCopy(table) else { continue }
            logger.warning(
                "table has to be copied anew: \(reason)", metadata: ["table": "\(table.table)"])
        }
    }

    private func notTaken(
        among tables: [SourceTable], by plan: TablePlan, over stored: [TableName: TablePlan.Stored]
    ) -> Halt {
        let published = Dictionary(
            plan.added.map { ($0.table, $0) }, uniquingKeysWith: { first, _ in first })
        let list = tables.map { table in
            let reason = published[table.name].flatMap { stored[table.name]?.reasonToCopy($0) }
            return "\(table.name): \(reason ?? "its copy did not end")"
        }
        return Halt(
            .preflight,
            """
            --no-copy takes these tables for complete, and they are not: \
            \(NameList.text(list, separator: "; ")).
            """,
            advice: """
                Nothing was changed. This empties and copies them, and leaves the others as they are:
                \(configuration.command(["--truncate"]))
                """)
    }

    private func lateTables(among tables: [SourceTable], by plan: TablePlan) -> [SourceTable] {
        let pending = Set(plan.pending)
        return tables.filter { pending.contains($0.name) }
    }

    func storedTables() async throws -> [TableName: TablePlan.Stored] {
        let stream = configuration.stream
        return try await servers.applier.run { session in
            Dictionary(
                try TableStore(session: session, stream: stream).read().map { ($0.table, $0) },
                uniquingKeysWith: { first, _ in first })
        }
    }

    private func emptyOnTarget(
        among tables: [SourceTable], with plans: [TableName: RelationPlan]
    ) async throws -> Set<TableName> {
        let targets = tables.compactMap { table in plans[table.name].map { (table.name, $0.target) }
        }
        return try await servers.applier.run { session in
            let stored = try TargetTables.withStorage(targets.map(\.1.name), on: session)
            return Set(
                try targets.filter { name, table in
                    try !stored.contains(table.name) || TargetTables.isEmpty(table, on: session)
                }.map(\.0))
        }
    }

    /// Tables that a crash left unfinished, or that are new: under a snapshot of their own, from
    /// a temporary slot, before the stream goes on.
    func copyLate(
        _ tables: [SourceTable], by plan: TablePlan, with plans: [TableName: RelationPlan]
    ) async throws {
        var late = lateTables(among: tables, by: plan)
        guard !late.isEmpty else { return }
        let name = configuration.stream.objectName + "_copy"
        if !configuration.copiesTables {
            // Those that are filled are new: see checkLate.
            let empty = try await emptyOnTarget(among: late, with: plans).union(plan.refilled)
            try await adoptLate(late.filter { !empty.contains($0.name) }, under: name)
            late.removeAll { !empty.contains($0.name) }
            guard !late.isEmpty else { return }
            let names = NameList.text(late.map { "\($0.name)" }, all: "leat status")
            logger.warning(
                "these tables are empty on the target, and copied all the same",
                metadata: ["tables": "\(names)"])
        }
        try await emptyTargets(of: late, with: plans, refilled: plan.refilled)
        try await copy(late, in: slots.makeTemporary(name))
        try await slots.dropTemporary(name)
    }

    /// `--no-copy` for tables that are new: they hold the rows as of now, says the operator.
    private func adoptLate(_ tables: [SourceTable], under name: String) async throws {
        guard !tables.isEmpty else { return }
        let slot = try await slots.makeTemporary(name)
        try await slots.dropTemporary(name)
        let stream = configuration.stream
        try await servers.applier.run { session in
            let store = TableStore(session: session, stream: stream)
            try session.transaction { try store.adopt(tables, snapshot: slot.consistentPoint) }
        }
        let names = NameList.text(tables.map { "\($0.name)" }, all: "leat status")
        logger.warning(
            """
            --no-copy: these new tables are taken as they are on the target, which must have been \
            all of their rows as of this LSN; later changes follow
            """, metadata: ["tables": "\(names)", "lsn": "\(slot.consistentPoint)"])
    }

    /// - Parameter held: Called when the slot's snapshot is held, and shows the tables as they are.
    func copy(
        _ tables: [SourceTable], in slot: CreatedSlot,
        held: () async throws -> Void = {}
    ) async throws {
        logger.info(
            "copying tables",
            metadata: ["tables": "\(tables.count)", "lsn": "\(slot.consistentPoint)"])
        do {
            try await InitialCopy(
                configuration: configuration, clientEncoding: servers.encoding,
                status: run.status, logger: logger
            ).run(
                onTarget.copyLevels(tables), snapshot: slot.snapshotName,
                point: slot.consistentPoint
            ) { definitions in
                try await keep(definitions)
                try await held()
            }
        } catch let halt as Halt {
            throw await SchemaGaps(
                source: run.definitions(servers), applier: servers.applier, tables: tables
            ).explain(halt)
        }
        try await syncSequences(tables)
    }

    /// What the tables are in the copy's snapshot: what happens to them later is noticed.
    private func keep(_ definitions: [TableName: TableDefinition]) async throws {
        let stream = configuration.stream
        let known = definitions.mapValues { KnownDefinitions($0) }
        try await servers.applier.run { session in
            try TableStore(session: session, stream: stream).keep(known)
        }
    }

    func syncSequences(_ tables: [SourceTable]) async throws {
        try await SequenceJob(
            configuration: configuration, source: servers.source, applier: servers.applier,
            logger: logger
        )
        .run(tables.map(\.route))
    }
}
