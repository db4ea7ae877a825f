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
        var tables: [SourceTable]
        /// Each followed table with the LSN of the snapshot it was copied at.
        var snapshots: [TableName: LSN]
        var publicationOIDs: [String]
        var sourceTypes: TypeCatalog
        var isBinary: Bool
        var sourceVersion: Int
        var walSenderTimeout: Duration

        var sourceForm: Applier.SourceForm {
            Applier.SourceForm(
                types: sourceTypes, isBinary: isBinary, serverVersion: sourceVersion)
        }
    }

    private var configuration: SyncConfiguration { run.configuration }
    private var logger: Logger { run.logger }

    func prepare() async throws -> Prepared {
        let system = try await servers.receiver.run { try $0.identifySystem() }
        let progress = try await readProgress()
        try checkTarget(progress)
        try checkPublicationNames(progress)
        let facts = try await startFacts(system, progress?.stored)
        let decision = try StartDecision(facts)
        try await servers.source.run { session in
            try Preflight.checkDecoding(session, needsSlot: decision == .create)
        }
        let sourceTypes = try await servers.source.run { try $0.typeCatalog() }
        let tables = try await publish(decision, progress, system, sourceTypes)
        let (plans, later) = try await plans(tables, sourceTypes)
        for halt in later {
            logger.warning("the stream will stop at its first such change: \(halt)")
        }
        let isBinary = try await usesBinary(plans, sourceTypes)
        let start = try await begin(decision, facts, tables, plans, system)
        return try await prepared(start, tables, isBinary, system, sourceTypes)
    }

    // MARK: Facts

    private func readProgress() async throws -> Progress? {
        let stream = configuration.stream
        return try await servers.applier.run { session in
            try session.transaction {
                try ProgressStore(session: session, stream: stream).readForUpdate()
            }
        }
    }

    /// A target that was made from a copy of another one has its rows, but not its history.
    private func checkTarget(_ progress: Progress?) throws {
        guard let progress else { return }
        guard progress.targetSystemIdentifier == servers.target.systemIdentifier,
            progress.targetDatabase == servers.target.database
        else {
            throw Halt(
                .positionMismatch,
                """
                The position on the target was stored in database \(progress.targetDatabase) of \
                another system: this target is a copy of it.
                """,
                advice: """
                    Point --target at the original, or delete this stream's rows from \
                    leat.progress and leat.tables here and start anew.
                    """)
        }
    }

    private func startFacts(
        _ system: SystemIdentity, _ stored: StartFacts.Stored?
    ) async throws -> StartFacts {
        let name = configuration.slotName
        let slot = try await servers.source.run {
            try ReplicationSlot(session: $0, name: name).facts()
        }
        var branch: LSN?
        if let stored, !stored.isCreating, stored.timeline != system.timeline {
            branch = try await branchPoint(of: stored.timeline, system)
        }
        return StartFacts(
            stored: stored, slot: slot, slotName: name, systemIdentifier: system.systemIdentifier,
            database: system.database, timeline: system.timeline, walEnd: system.walEnd,
            branchPoint: branch, copiesTables: configuration.copiesTables)
    }

    private func branchPoint(of timeline: UInt32, _ system: SystemIdentity) async throws -> LSN? {
        guard timeline < system.timeline else { return nil }
        let content = try await servers.receiver.run { session in
            try session.execute("TIMELINE_HISTORY \(system.timeline)").rows.first?.last ?? nil
        }
        return content.flatMap { TimelineHistory($0).end(of: timeline) }
    }

    // MARK: Publications

    private func checkPublicationNames(_ progress: Progress?) throws {
        guard let progress, !progress.stored.isCreating else { return }
        let stored = Set(progress.publicationOIDs.map(Publication.name)).sorted()
        guard stored != Set(configuration.publicationNames).sorted() else { return }
        throw Halt(
            .configuration,
            "This stream reads publication \(stored.joined(separator: ", ")).",
            advice: progress.ownsPublication
                ? "Leave out --publication, or choose another --stream."
                : "Start it with the same --publication, or choose another --stream.")
    }

    /// Makes sure that the publications exist, and returns the tables to follow.
    private func publish(
        _ decision: StartDecision, _ progress: Progress?, _ system: SystemIdentity,
        _ sourceTypes: TypeCatalog
    ) async throws -> [SourceTable] {
        let configuration = configuration
        try await checkPublicationsAreTheSame(progress, decision)
        if configuration.ownsPublication {
            try await publishOwn(decision, progress, system, sourceTypes)
        } else {
            try await servers.source.run { session in
                try Publication(session: session, configuration: configuration).checkAllExist()
            }
        }
        let published = try await servers.source.run { session in
            try SourceCatalog(session: session)
                .publishedTables(of: configuration.publicationNames)
                .filter { configuration.wants($0.name) }
        }
        guard !published.isEmpty else {
            throw Halt(
                .preflight, "The publications publish no table that is selected.",
                advice: "Check --publication, --tables and --exclude.")
        }
        return published
    }

    /// A stream that goes on must read from the very publications it began with.
    private func checkPublicationsAreTheSame(
        _ progress: Progress?, _ decision: StartDecision
    ) async throws {
        guard case .resume = decision, let progress else { return }
        let configuration = configuration
        let now = try await servers.source.run {
            try Publication(session: $0, configuration: configuration).identities()
        }
        try SourceMonitor.compare(progress.publicationOIDs, now)
    }

    /// All checks come before the row `creating`, and that before anything that is created.
    private func publishOwn(
        _ decision: StartDecision, _ progress: Progress?, _ system: SystemIdentity,
        _ sourceTypes: TypeCatalog
    ) async throws {
        let configuration = configuration
        let (wanted, tables, exists) = try await servers.source.run { session in
            let publication = Publication(session: session, configuration: configuration)
            let wanted = try publication.wantedTables()
            return (
                wanted, try SourceCatalog(session: session).tables(wanted),
                try !publication.identities().isEmpty
            )
        }
        guard progress?.ownsPublication == true || !exists else { throw foreignPublication }
        let (plans, _) = try await plans(tables, sourceTypes)
        _ = try await usesBinary(plans, sourceTypes)
        switch decision {
        case .create, .recreate:
            try await checkCopy(tables, plans)
            try await writeCreating(system)
        case .adopt:
            throw Halt(
                .configuration, "Slot \(configuration.slotName) exists: name its publication too.",
                advice: "Add --publication with the publication that it was made for.")
        case .resume:
            break
        }
        try await servers.source.run { session in
            let publication = Publication(session: session, configuration: configuration)
            try exists ? publication.alter(wanted) : publication.create(wanted)
        }
    }

    private var foreignPublication: Halt {
        let name = configuration.publicationNames[0]
        return Halt(
            .preflight, "Publication \(name) exists, but not for this stream.",
            advice: """
                Use it with --publication \(name), drop it, or choose another --stream.
                """)
    }

    private func writeCreating(_ system: SystemIdentity) async throws {
        let (configuration, target) = (configuration, servers.target)
        try await servers.applier.run { session in
            try ProgressStore(session: session, stream: configuration.stream).insertCreating(
                configuration, source: system, target: target)
        }
    }

    private func plans(
        _ tables: [SourceTable], _ sourceTypes: TypeCatalog
    ) async throws -> (plans: [TableName: RelationPlan], later: [Halt]) {
        let stream = configuration.stream
        return try await servers.applier.run { session in
            let ready = try TableStore(session: session, stream: stream).read()
                .filter { $0.state == .ready }
            return try Preflight.plans(
                tables, sourceTypes: sourceTypes, target: session,
                followed: Set(ready.map(\.table)))
        }
    }

    private func usesBinary(
        _ plans: [TableName: RelationPlan], _ sourceTypes: TypeCatalog
    ) async throws -> Bool {
        let wanted = configuration.binary
        let version = try await servers.source.run { $0.serverVersion }
        let form = Applier.SourceForm(types: sourceTypes, isBinary: true, serverVersion: version)
        return try await servers.applier.run { session in
            try Preflight.usesBinary(
                wanted, plans, form.safety(session, targetTypes: session.typeCatalog()))
        }
    }

    // MARK: Beginning

    private struct Start {
        var position: LSN
        var confirmed: LSN
    }

    private func begin(
        _ decision: StartDecision, _ facts: StartFacts, _ tables: [SourceTable],
        _ plans: [TableName: RelationPlan], _ system: SystemIdentity
    ) async throws -> Start {
        switch decision {
        case .create, .recreate:
            return try await beginNew(decision, tables, plans, system)
        case .adopt(let position):
            logger.info("taking over slot", metadata: ["slot": "\(configuration.slotName)"])
            try await storeBeginning(at: position, tables, adopting: system)
            return Start(position: position, confirmed: position)
        case .resume(let position):
            let plan = try await listTables(tables)
            try await copyLate(tables.filter { plan.pending.contains($0.name) }, plans)
            return Start(
                position: position, confirmed: facts.slot?.confirmedFlushLSN ?? position)
        }
    }

    private func beginNew(
        _ decision: StartDecision, _ tables: [SourceTable],
        _ plans: [TableName: RelationPlan], _ system: SystemIdentity
    ) async throws -> Start {
        try await checkCopy(tables, plans)
        try await writeCreating(system)
        try await emptyTargets(tables, plans)
        let slotName = configuration.slotName
        if decision == .recreate {
            logger.info("dropping a slot that was never read", metadata: ["slot": "\(slotName)"])
            try await servers.source.run { try ReplicationSlot(session: $0, name: slotName).drop() }
        }
        while true {
            let slot = try await createSlot(slotName, isTemporary: false)
            FailPoint.slotCreated.reached()
            do {
                let point = slot.consistentPoint
                try await storeBeginning(at: point, tables, adopting: nil)
                if configuration.copiesTables {
                    try await copy(tables, slot)
                }
                return Start(position: point, confirmed: point)
            } catch let rewritten as SnapshotHolder.Rewritten {
                try await forget(slotName, rewritten)
            }
        }
    }

    /// A table was rewritten while the slot was made: its snapshot shows it empty.
    private func forget(_ slotName: String, _ rewritten: SnapshotHolder.Rewritten) async throws {
        logger.warning(
            "a table was rewritten while the slot was made; making it anew",
            metadata: ["tables": "\(rewritten.tables.map(\.description))"])
        let stream = configuration.stream
        try await servers.applier.run { session in
            _ = try session.query(
                "update leat.progress set state = 'creating' where stream = $1", [stream.text])
        }
        try await servers.source.run { try ReplicationSlot(session: $0, name: slotName).drop() }
    }

    /// Position, publications and the list of tables, in one transaction.
    ///
    /// - Parameter system: For a slot that is taken over. Its row is made here, so that there is
    ///   never a `creating` that would drop a slot that is not ours.
    private func storeBeginning(
        at position: LSN, _ tables: [SourceTable], adopting system: SystemIdentity?
    ) async throws {
        let (configuration, target) = (configuration, servers.target)
        let identities = try await servers.source.run { session in
            try Publication(session: session, configuration: configuration).identities()
        }
        let plan = try await listPlan(tables)
        try await servers.applier.run { session in
            let progress = ProgressStore(session: session, stream: configuration.stream)
            let store = TableStore(session: session, stream: configuration.stream)
            try session.transaction {
                if let system {
                    try progress.insertCreating(configuration, source: system, target: target)
                }
                try progress.begin(
                    at: position, ownsSlot: system == nil, publicationOIDs: identities)
                try store.apply(plan)
                if !configuration.copiesTables {
                    for table in tables { try store.adopt(table.name, snapshot: position) }
                }
            }
        }
    }

    private func listPlan(_ tables: [SourceTable]) async throws -> TablePlan {
        let stream = configuration.stream
        let published = tables.map {
            TablePlan.Published(table: $0.name, membership: $0.membership)
        }
        return try await servers.applier.run { session in
            TablePlan(
                published: published,
                stored: try TableStore(session: session, stream: stream).read())
        }
    }

    private func listTables(_ tables: [SourceTable]) async throws -> TablePlan {
        let plan = try await listPlan(tables)
        let stream = configuration.stream
        try await servers.applier.run { session in
            try session.transaction { try TableStore(session: session, stream: stream).apply(plan) }
        }
        for table in plan.removed {
            logger.info("table is no longer followed", metadata: ["table": "\(table)"])
        }
        return plan
    }

    // MARK: Copying

    private func checkCopy(
        _ tables: [SourceTable], _ plans: [TableName: RelationPlan]
    ) async throws {
        guard configuration.copiesTables, !tables.isEmpty else { return }
        try await servers.source.run { try Preflight.checkReadable(tables, $0) }
        guard !configuration.truncatesTables else { return }
        let targets = tables.compactMap { plans[$0.name]?.target }
        try await servers.applier.run { try Preflight.checkEmpty(targets, $0) }
    }

    /// Under the stream's origin: a stream that leaves the target again must not take it for a
    /// change made there, and empty the source.
    private func emptyTargets(
        _ tables: [SourceTable], _ plans: [TableName: RelationPlan]
    ) async throws {
        guard configuration.copiesTables, configuration.truncatesTables else { return }
        let targets = tables.compactMap { plans[$0.name]?.target }
        try await servers.applier.markOrigin()
        try await servers.applier.run { try Preflight.empty(targets, $0) }
    }

    /// Tables that a crash left unfinished, or that are new: under a snapshot of their own, from
    /// a temporary slot, before the stream goes on.
    private func copyLate(
        _ tables: [SourceTable], _ plans: [TableName: RelationPlan]
    ) async throws {
        guard !tables.isEmpty else { return }
        let name = configuration.stream.objectName + "_copy"
        guard configuration.copiesTables else { return try await adoptLate(tables, name) }
        try await checkCopy(tables, plans)
        try await emptyTargets(tables, plans)
        while true {
            let slot = try await createSlot(name, isTemporary: true)
            do {
                try await copy(tables, slot)
                return try await dropTemporary(name)
            } catch is SnapshotHolder.Rewritten {
                try await dropTemporary(name)
            }
        }
    }

    /// `--no-copy` for tables that are new: they hold the rows as of now, says the operator.
    private func adoptLate(_ tables: [SourceTable], _ name: String) async throws {
        let slot = try await createSlot(name, isTemporary: true)
        try await dropTemporary(name)
        let stream = configuration.stream
        try await servers.applier.run { session in
            let store = TableStore(session: session, stream: stream)
            for table in tables { try store.adopt(table.name, snapshot: slot.consistentPoint) }
        }
    }

    private func dropTemporary(_ name: String) async throws {
        try await servers.receiver.run { _ = try $0.execute("DROP_REPLICATION_SLOT \"\(name)\"") }
    }

    private func createSlot(_ name: String, isTemporary: Bool) async throws -> CreatedSlot {
        try await SlotWait(configuration: configuration, logger: logger).reporting {
            try await servers.receiver.run { try $0.createSlot(name, isTemporary: isTemporary) }
        }
    }

    private func copy(_ tables: [SourceTable], _ slot: CreatedSlot) async throws {
        logger.info(
            "copying tables",
            metadata: ["tables": "\(tables.count)", "lsn": "\(slot.consistentPoint)"])
        try await InitialCopy(
            configuration: configuration, clientEncoding: servers.target.encoding,
            status: run.status, logger: logger
        ).run(tables, snapshot: slot.snapshotName, point: slot.consistentPoint)
        try await syncSequences(tables)
    }

    private func syncSequences(_ tables: [SourceTable]) async throws {
        try await SequenceJob(configuration: configuration, servers: servers, logger: logger)
            .run(tables.map(\.name))
    }

    // MARK: The result

    private func prepared(
        _ start: Start, _ tables: [SourceTable], _ isBinary: Bool, _ system: SystemIdentity,
        _ sourceTypes: TypeCatalog
    ) async throws -> Prepared {
        let (configuration, encoding) = (configuration, servers.target.encoding)
        let (version, timeout, identities) = try await servers.source.run { session in
            (
                session.serverVersion,
                try session.query(
                    "select setting from pg_catalog.pg_settings where name = 'wal_sender_timeout'"
                ).scalar.flatMap(Int.init) ?? 60_000,
                try Publication(session: session, configuration: configuration).identities()
            )
        }
        let stored = try await servers.applier.run { session in
            try ProgressStore(session: session, stream: configuration.stream).setSession(
                timeline: system.timeline, format: isBinary ? "binary" : "text",
                encoding: encoding)
            return try TableStore(session: session, stream: configuration.stream).read()
        }
        let followed = Set(tables.map(\.name))
        let snapshots = stored.filter { $0.state == .ready && followed.contains($0.table) }
        return Prepared(
            position: start.position, confirmed: start.confirmed, tables: tables,
            snapshots: Dictionary(
                snapshots.map { ($0.table, $0.snapshotLSN ?? .zero) }, uniquingKeysWith: max),
            publicationOIDs: identities, sourceTypes: sourceTypes, isBinary: isBinary,
            sourceVersion: version,
            walSenderTimeout: timeout == 0 ? .seconds(60) : .milliseconds(timeout))
    }
}
