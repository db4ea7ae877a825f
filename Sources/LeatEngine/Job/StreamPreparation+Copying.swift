internal import LeatCore
internal import Logging
internal import PGClient
internal import PGWire

extension StreamPreparation {
    func checkCopy(
        _ tables: [SourceTable], _ plans: [TableName: RelationPlan]
    ) async throws {
        guard configuration.copiesTables, !tables.isEmpty else { return }
        try await servers.source.run { try Preflight.checkReadable(tables, $0) }
        guard !configuration.truncatesTables else { return }
        try await onTarget.checkEmpty(tables, plans)
    }

    func emptyTargets(
        _ tables: [SourceTable], _ plans: [TableName: RelationPlan]
    ) async throws {
        guard configuration.copiesTables, configuration.truncatesTables else { return }
        try await onTarget.empty(tables, plans)
    }

    /// Tables that a crash left unfinished, or that are new: under a snapshot of their own, from
    /// a temporary slot, before the stream goes on.
    func copyLate(
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
    func adoptLate(_ tables: [SourceTable], _ name: String) async throws {
        let slot = try await createSlot(name, isTemporary: true)
        try await dropTemporary(name)
        let stream = configuration.stream
        try await servers.applier.run { session in
            let store = TableStore(session: session, stream: stream)
            try store.adopt(tables.map(\.name), snapshot: slot.consistentPoint)
        }
    }

    func dropTemporary(_ name: String) async throws {
        try await servers.receiver.run { _ = try $0.execute("DROP_REPLICATION_SLOT \"\(name)\"") }
    }

    func createSlot(_ name: String, isTemporary: Bool) async throws -> CreatedSlot {
        try await SlotWait.creating(
            for: configuration.reading, showsValues: configuration.showsValues, logger: logger
        ) {
            try await servers.receiver.run { try $0.createSlot(name, isTemporary: isTemporary) }
        }
    }

    /// - Parameter held: Called when the slot's snapshot is held, and shows the tables as they are.
    func copy(
        _ tables: [SourceTable], _ slot: CreatedSlot,
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
                point: slot.consistentPoint, held: held)
        } catch let halt as Halt {
            throw await SchemaGaps(
                source: run.definitions(servers), applier: servers.applier, tables: tables
            ).explain(halt)
        }
        try await syncSequences(tables)
    }

    func syncSequences(_ tables: [SourceTable]) async throws {
        try await SequenceJob(configuration: configuration, servers: servers, logger: logger)
            .run(tables.map(\.name))
    }
}
