internal import LeatCore
internal import Logging
internal import PGClient
internal import PGWire

/// The sink that is a PostgreSQL database: the applier, and what it takes to keep it in step with
/// a source whose tables change.
struct TargetSink: BatchSink {
    let configuration: SyncConfiguration
    let servers: SyncRun.Servers
    let prepared: StreamPreparation.Prepared
    let logger: Logger

    /// Begins at the stored position.
    func start() async throws {
        tell(
            try await servers.applier.start(
                at: prepared.position, prepared.sourceForm, prepared.followed))
    }

    /// A stream that leads back from this target would take our changes for its own.
    private func tell(_ mark: OriginMark.State) {
        switch mark {
        case .set: break
        case .notPermitted:
            logger.info(
                "changes are not marked with a replication origin: the role may not use any")
        case .noneFree:
            logger.warning(
                """
                changes are not marked with a replication origin: none is free on the target \
                (max_replication_slots; 18: max_active_replication_origins)
                """)
        }
    }

    // MARK: Batches

    func apply(_ batch: Batch) async throws -> Applied {
        let refused = try await TableRenames(servers: servers)
            .refusals(in: batch, prepared.followed)
        let applied = try await apply(batch, refused)
        tell(applied.conflicts)
        return applied
    }

    private func apply(_ batch: Batch, _ refused: [RelationID: Halt]) async throws -> Applied {
        do {
            return try await servers.applier.apply(batch, refusing: refused)
        } catch let new as Applier.NewDefinition {
            // Nothing of the batch was applied.
            try await learn(new, from: batch)
            return try await apply(batch, refused)
        } catch let halt as Halt {
            throw await SchemaGaps(servers: servers, tables: prepared.tables).explain(halt)
        }
    }

    private func learn(_ new: Applier.NewDefinition, from batch: Batch) async throws {
        try await SettledCatalog(source: servers.source).wait(for: batch)
        let publications = configuration.publicationNames
        let (types, tables) = try await servers.source.run { session in
            (
                try session.typeCatalog(),
                try SourceCatalog(session: session).publishedTables(of: publications)
            )
        }
        try await servers.applier.learn(
            types,
            Dictionary(
                tables.map { ($0.relation.id, $0.columns) },
                uniquingKeysWith: { first, _ in first }), for: new, described: batch.types)
    }

    /// One line a table, kind and batch: `leat.conflicts` has each.
    private func tell(_ conflicts: [ConflictCount]) {
        for conflict in conflicts {
            logger.warning(
                "conflicts resolved",
                metadata: [
                    "table": "\(conflict.table)", "kind": "\(conflict.kind.rawValue)",
                    "policy": "\(conflict.policy.rawValue)", "count": "\(conflict.count)",
                    "first_lsn": "\(conflict.firstLSN)",
                ])
        }
    }

    // MARK: Positions

    func store(_ wanted: LSN) async throws -> LSN? {
        try await servers.applier.store(wanted)
    }

    func rollBack() async throws {
        try await servers.applier.rollBack()
    }
}
