internal import LeatArchive
internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import Logging
internal import PGClient
internal import PGWire

/// Steps 2 to 5 of a ``ReplayRun``: decides how to start, and copies the base.
struct ReplayPreparation {
    let run: ReplayRun
    let applier: Applier
    let archive: ArchiveSource

    /// What the flow starts with.
    struct Prepared: Sendable {
        var position: LSN
        var tables: [SourceTable]
        var followed: FollowedTables
        var form: Applier.SourceForm
        /// Of tables with masked columns.
        var masks: [RelationID: TableMasks]
        /// Of the archive, at the start.
        var archiveEnd: LSN
        /// Under which name the archive keeps the position; nil: it cannot be written to.
        var reader: String?
        /// Where what is to be replayed ends: behind it rows may be others than the source's.
        var limit: ArchiveDoubt?
    }

    var configuration: ReplayConfiguration { run.configuration }
    var logger: Logger { run.logger }
    var onTarget: TargetPreparation {
        TargetPreparation(
            applier: applier, stream: configuration.stream, configuredRole: configuration.role,
            copiesTables: configuration.beginning != .noCopy, logger: logger)
    }

    /// The archive and the target that a run has met.
    struct Met: Sendable {
        var stored: ArchivePosition
        var found: ArchiveFacts.Found
        var target: DatabaseIdentity
    }

    /// Makes schema `leat`, once the target is known not to be what was recorded.
    func ensureSchema() async throws -> Met {
        let folder = ArchiveFacts(configuration.archive)
        let stored = try folder.position()
        let found = try folder.read(stored, until: configuration.until)
        let target = try await applier.run { try DatabaseIdentity($0) }
        try checkIsNotSource(of: found.description, on: target)
        try await applier.run { try LeatSchema.ensure($0) }
        return Met(stored: stored, found: found, target: target)
    }

    func prepare(_ met: Met) async throws -> Prepared {
        let (stored, found, target) = (met.stored, met.found, met.target)
        // Before anything is emptied.
        if try await run.rewind.mayBegin(by: applier, of: configuration.stream) {
            let anew = try ReplayDecision(facts(of: nil, stored: stored, found: found))
            _ = try ReplayDoubts(configuration, logger: logger).limit(from: anew.position)
        }
        try await run.rewind.run(by: applier, on: onTarget)
        let progress = try await applier.progress()
        try progress?.checkTarget(target, option: nil)
        progress?.tellRenames(source: nil, to: target, logger: logger)
        let decision = try ReplayDecision(facts(of: progress, stored: stored, found: found))
        try await checkIsNotBeyond(decision)
        let position = decision.position
        let limit = try ReplayDoubts(configuration, logger: logger).limit(from: position)
        let reader = await register(at: position, on: target, of: found.description)
        try await keepTarget(of: progress, as: target)
        let base = found.bases.first { $0.lsn == position }
        // The oldest that is known: what the archive says of later comes behind it.
        if let base { archive.definitions.add(base.description.catalog) }
        let opening = try await archive.open(after: position)
        try await applier.run { [opening] session in
            try session.setClientEncoding(opening.description.encoding)
        }
        if case .resume = decision {
            try await TableRenames(source: archive.definitions, applier: applier)
                .follow(configuration.stream, logger: logger)
        }
        if case .copy = decision, let base { try await createSchema(base) }
        let recorded = self.tables(for: decision, from: base)
        guard !recorded.isEmpty else {
            throw Halt(
                .preflight, "The archive's publications have no table at \(position).",
                advice: "Record more, or another publication.")
        }
        let tables = try await RoutedTables(
            onTarget: onTarget, types: archive.definitions.typeCatalog,
            sequences: base.map(ReplayPreparation.sequences) ?? []
        ).checked(recorded)
        let ways = try await check(tables)
        let plans = ways.plans
        if case .copy = decision, let base { try await checkSequences(base) }
        try await begin(
            by: decision, tables, with: plans, describing: opening.description, on: target)
        try await copy(from: base, tables, by: plans, at: position)
        try await makePending()
        var prepared = try await prepared(
            at: position, tables: tables, by: ways, from: opening, reader: reader)
        prepared.limit = limit
        return prepared
    }

    // MARK: Facts

    private func facts(
        of progress: Progress?, stored: ArchivePosition, found: ArchiveFacts.Found
    ) -> ReplayFacts {
        var until: LSN?
        if case .lsn(let lsn)? = configuration.until { until = lsn }
        var facts = ReplayFacts(
            stored: progress?.stored,
            archive: StreamInput.archive("\(found.description.archive)").stored,
            systemIdentifier: found.description.systemIdentifier,
            database: found.description.database, beginning: stored.beginning.first,
            end: stored.end,
            bases: found.bases.map { base in
                .init(point: base.lsn, isBeforeEnd: !found.laterBases.contains(base.lsn))
            }, wanted: configuration.beginning, until: until)
        facts.isSpool = progress?.spool?.archive == "\(found.description.archive)"
        return facts
    }

    /// The archive's own source is no staging: its tables would be emptied.
    private func checkIsNotSource(
        of description: ArchiveDescription, on target: DatabaseIdentity
    ) throws {
        guard
            (description.systemIdentifier, description.database)
                == (target.systemIdentifier, target.database)
        else { return }
        throw Halt(
            .configuration, "The target is the database that was recorded.",
            advice: "Check --target.")
    }

    /// A time has no place in the archive before it is read, but the target knows the time of its
    /// last commit.
    private func checkIsNotBeyond(_ decision: ReplayDecision) async throws {
        guard case .resume(let position) = decision, case .time(let time)? = configuration.until
        else { return }
        let stream = configuration.stream
        let isBeyond = try await applier.run { session in
            try session.query(
                """
                select commit_time > '1970-01-01 00:00:00+00'::pg_catalog.timestamptz
                  + $2::pg_catalog.int8 * '1 microsecond'::pg_catalog.interval as is_beyond
                from leat.progress where stream = $1
                """, with: [stream.text, "\(time.unixMicroseconds)"]
            ).firstRecord?.optionalBool("is_beyond") == true
        }
        guard isBeyond else { return }
        throw Halt(
            .configuration,
            "The target is at \(position) already, beyond --until \(time.rfc3339).",
            advice: "Only --rewind goes back.")
    }

    /// Before anything is copied: what is needed must stay.
    private func register(
        at position: LSN, on target: DatabaseIdentity, of description: ArchiveDescription
    ) async -> String? {
        let name = ReaderName.text(stream: configuration.stream, target)
        do {
            try await archive.register(name, at: position)
            return name
        } catch {
            logger.warning(
                """
                the archive does not know of this reader: retention may remove what it still \
                needs: \(error)
                """)
            return nil
        }
    }

    /// Under the name that the target had before, nobody reads any more.
    private func keepTarget(of progress: Progress?, as target: DatabaseIdentity) async throws {
        guard let progress else { return }
        let stream = configuration.stream
        var former = target
        former.database = progress.targetDatabase.name
        let (old, new) = (
            ReaderName.text(stream: stream, former), ReaderName.text(stream: stream, target)
        )
        if old != new { try? await archive.forget(old) }
        try await applier.run { session in
            try ProgressStore(session: session, stream: stream).keepDatabases(source: nil, target)
        }
    }

    // MARK: Tables

    /// As the base has them, or as the archive says at the position.
    private func tables(for decision: ReplayDecision, from base: BaseManifest?) -> [SourceTable] {
        if case .copy = decision, let base { return base.description.catalog.sourceTables }
        return archive.definitions.catalog.sourceTables
    }

    private func check(_ tables: [SourceTable]) async throws -> Preflight.Ways {
        let ways = try await onTarget.ways(of: tables, archive.definitions.typeCatalog)
        try await onTarget.checkPublications(tables)
        try await onTarget.tell(of: tables, ways: ways)
        try await onTarget.tellRole(onTarget.checkRole(tables.map(\.target)))
        return ways
    }

    /// The stream's row and its list of tables.
    private func begin(
        by decision: ReplayDecision, _ tables: [SourceTable], with plans: [TableName: RelationPlan],
        describing description: ArchiveDescription, on target: DatabaseIdentity
    ) async throws {
        switch decision {
        case .copy(let point):
            if configuration.truncatesTables {
                try await onTarget.empty(tables, by: plans)
            } else {
                try await onTarget.checkEmpty(tables, by: plans)
            }
            try await store(point, of: tables, describing: description, on: target, areReady: false)
        case .adopt(let point):
            try await store(point, of: tables, describing: description, on: target, areReady: true)
        case .resume(let position):
            try await list(tables, by: plans, at: position)
        }
        try await onTarget.settleTriggers(tables)
    }

    private func store(
        _ point: LSN, of tables: [SourceTable], describing description: ArchiveDescription,
        on target: DatabaseIdentity, areReady: Bool
    ) async throws {
        let stream = configuration.stream
        try await applier.run { session in
            try session.transaction {
                try ProgressStore(session: session, stream: stream)
                    .beginReplay(of: description, at: point, target)
                try TableStore(session: session, stream: stream)
                    .begin(with: tables, readyAt: areReady ? point : nil)
            }
        }
        FailPoint.replayBegun.reached()
    }

    /// Tables that the archive has come to know of since the last start have all their rows in
    /// it, unless they are not the ones that they were.
    private func list(
        _ tables: [SourceTable], by plans: [TableName: RelationPlan], at position: LSN
    ) async throws {
        let stream = configuration.stream
        let refused = try await applier.run { session -> TableRoute? in
            let store = TableStore(session: session, stream: stream)
            let stored = Dictionary(
                try store.read().map { ($0.table, $0) }, uniquingKeysWith: { first, _ in first })
            for table in tables {
                let row = stored[table.name]
                if let row, row.id == nil || row.id == table.relation.id { continue }
                if row != nil, let there = plans[table.name]?.target,
                    try !TargetTables.isEmpty(there, on: session)
                {
                    return table.route
                }
                try store.join(
                    table.route, as: table.relation.id, at: position, masks: table.masks)
            }
            return nil
        }
        if let refused { throw JoiningTables.madeAgain(refused) }
    }

    // MARK: The result

    private func prepared(
        at position: LSN, tables: [SourceTable], by ways: Preflight.Ways,
        from opening: ArchiveSource.Opening, reader: String?
    ) async throws -> Prepared {
        let stream = configuration.stream
        let ids = Dictionary(
            tables.map { ($0.name, $0.relation.id) }, uniquingKeysWith: { first, _ in first })
        let description = opening.description
        let stored = try await applier.run { session in
            try ProgressStore(session: session, stream: stream).setSession(
                timeline: description.timeline, format: "text", encoding: description.encoding)
            let store = TableStore(session: session, stream: stream)
            try store.keepIdentities(of: tables, by: ways.plans)
            return try store.keepMasks(
                of: tables, in: store.learnColumns(of: tables, from: ways.plans))
        }
        return Prepared(
            position: position, tables: tables,
            followed: FollowedTables(stored: stored, ids: ids, by: onTarget.rules),
            form: Applier.SourceForm(
                types: ways.sourceTypes,
                columns: Dictionary(
                    tables.map { ($0.relation.id, $0.columns) },
                    uniquingKeysWith: { first, _ in first }), isBinary: false),
            masks: MaskTransform.tables(
                stored, now: tables, by: onTarget.masks, types: archive.definitions.typeCatalog),
            archiveEnd: opening.position.end, reader: reader)
    }
}

extension ReplayDecision {
    fileprivate var position: LSN {
        switch self {
        case .copy(let point), .adopt(let point), .resume(let point): point
        }
    }
}

extension ArchivedCatalog {
    /// The tables as a start on a server finds them in its catalog.
    var sourceTables: [SourceTable] {
        tables.compactMap { table in
            guard let relation = table.relation, table.schema != "leat" else { return nil }
            return SourceTable(
                relation: relation, columns: table.sourceColumns,
                isPartitioned: table.isPartitioned,
                publishing: Publishing(
                    membership: TableStore.archiveMembership, unsentKinds: table.unsentKinds,
                    sending: nil),
                rowFilter: table.rowFilter,
                unsentGenerated: table.unsentGenerated.map {
                    SourceColumn(number: 0, name: $0, typeOID: 0, generation: .stored)
                },
                sizeBytes: 0, estimatedRows: 0)
        }
    }
}
