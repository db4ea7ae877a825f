internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import Logging
internal import PGClient
internal import PGWire

/// The sink that is a PostgreSQL database: the applier, and what it takes to keep it in step with
/// a source whose tables change.
struct TargetSink: BatchSink {
    let applier: Applier
    /// The source's catalog.
    let source: any SourceDefinitions
    let tables: [SourceTable]
    let followed: FollowedTables
    let logger: Logger
    /// Where tables may join in the middle of the stream.
    var joining: JoiningTables?
    /// For a source that hands over transactions in progress.
    var inProgress: InProgress?
    /// Where two sessions take turns.
    var ahead: StagingAhead?
    /// Where the source's catalog can be looked at.
    var definitions: Definitions?
    /// What makes tables that are missing.
    var dump: SchemaCommand?
    /// Completes what is told of tables to be copied anew.
    var advisingCopy: @Sendable (Halt) -> Halt = { $0 }

    /// The watch over what the source's tables are, and a session for it to look.
    struct Definitions {
        let watch: DefinitionWatch
        let source: Connection
        /// Whether a start copies tables of which nothing else tells.
        let copiesAnew: Bool
    }

    /// Begins at the stored position.
    func start(at position: LSN, _ form: Applier.SourceForm) async throws {
        tell(try await applier.start(at: position, from: form, following: followed))
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

    var executor: (any TaskExecutor)? { applier.executor }

    func apply(_ batch: Batch) async throws -> Applied {
        let applied =
            if let piece = batch.piece {
                try await apply(piece, of: batch)
            } else {
                try await passing { try await applyWhole(batch) }
            }
        // Before the position moves: whoever compares what is there by then has to know of them.
        definitions?.watch.noteApplied(batch)
        tell(applied.conflicts)
        SpareBatches.shared.keep(batch)
        return applied
    }

    private func applyWhole(_ batch: Batch) async throws -> Applied {
        var refused = try await TableRenames(source: source, applier: applier)
            .refusals(in: batch, followed)
        if let joining {
            refused.merge(try await joining.refusals(in: batch)) { first, _ in first }
        }
        return try await apply(batch, refused: refused)
    }

    private func apply(_ batch: Batch, refused: [RelationID: Halt]) async throws -> Applied {
        do {
            return try await applier.apply(batch, refusing: refused)
        } catch let new as Applier.NewDefinition {
            // Nothing of the batch was applied.
            try await learn(new, from: batch)
            return try await apply(batch, refused: refused)
        } catch let halt as Halt {
            throw await explain(halt)
        }
    }

    func explain(_ halt: Halt) async -> Halt {
        guard halt.copiesAnew.isEmpty else {
            await definitions?.watch.keep(
                halt, isCopied: definitions?.copiesAnew ?? false)
            return advisingCopy(halt)
        }
        if let doubt = await unsent(halt) { return doubt }
        let gaps = SchemaGaps(source: source, applier: applier, tables: tables, dump: dump)
        return await explainGone(await gaps.explain(halt))
    }

    /// Of a table that the source has dropped since, nobody knows what a column that was added gave
    /// to its rows, nor what they were.
    private func explainGone(_ halt: Halt) async -> Halt {
        guard definitions != nil, let id = halt.missed, let table = followed[id]?.name,
            let names = try? await source.names(of: [id]), names.isEmpty
        else { return halt }
        var halt = halt
        halt.advice = [
            halt.advice,
            """
            The source has dropped table \(table) since. This leaves it on the target as it is now: \
            start once with --exclude \(ShellText.word(TablePattern.text(of: table)))
            """,
        ].compactMap { $0 }.joined(separator: "\n")
        return halt
    }

    /// The change may have met rows that were not sent.
    private func unsent(_ halt: Halt) async -> Halt? {
        guard let table = halt.missed, let definitions else { return nil }
        do {
            try await definitions.watch.look(definitions.source) { try await source.tables() }
        } catch let doubt as Halt where !doubt.copiesAnew.isEmpty {
            return doubt
        } catch {
            // What was suspected before is so all the same.
        }
        guard var doubt = try? await definitions.watch.confirm(table) else { return nil }
        doubt.message = "\(halt.message) \(doubt.message)"
        return doubt
    }

    func learn(_ new: Applier.NewDefinition, from batch: Batch) async throws {
        // What is in progress is visible to nobody yet.
        if batch.piece == nil { try await source.settle(for: batch) }
        if new.isRepeated {
            let columns = await applier.columns(of: new.relation.id)
            if try await source.hasColumns(columns, table: new.relation.id) {
                return await applier.takeOver(new.relation)
            }
        }
        let columns = try await columns(for: new.relation)
        try await applier.learn(
            source.types(), columns: columns, definitions: definitions?.watch.known, for: new,
            described: batch.types)
    }

    private func columns(for relation: Relation) async throws -> [RelationID: [SourceColumn]] {
        guard let definitions else { return try await source.columns(for: relation) }
        try await definitions.watch.look(definitions.source) { try await source.tables() }
        return await definitions.watch.columns
    }

    /// One line a table, kind and batch: `leat.conflicts` has each.
    func tell(_ conflicts: [ConflictCount]) {
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
        if let ahead { return try await ahead.store(wanted) }
        return try await applier.store(wanted)
    }

    func durable() async throws -> LSN? {
        try await applier.durable()
    }

    func rollBack() async throws {
        try await inProgress?.sides.rollBack()
        await ahead?.end()
        try await applier.rollBack()
    }
}
