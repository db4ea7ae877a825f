internal import LeatArchive
internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import Logging
internal import PGClient
internal import PGWire

/// The sink that is an archive: batches become frames, and the position a file.
///
/// What a crash at each step leaves stands at the head of ``ArchiveWriter``. Its thread waits for
/// the disk, so it is one of its own.
actor ArchiveSink: BatchSink {
    private nonisolated let executor = ConnectionExecutor(label: "leat.archive")
    private let writer: ArchiveWriter
    private let folder: ArchiveFolder
    private let configuration: SourceConfiguration
    /// For queries about the source's catalog.
    private let source: Connection
    private let logger: Logger
    /// Nil where the archive is one by itself.
    private let spool: TargetSpool?
    private let definitions: Definitions?
    /// As the archive describes them by now.
    private var described: [RelationID: Relation] = [:]
    private var isHeldTold = false
    /// The transaction that was taken last, in whole or in part.
    private var last: TransactionID?

    /// The watch over what the source's tables are, and where that is kept.
    struct Definitions {
        let watch: DefinitionWatch
        let keeper: ArchivedDefinitions
    }

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    /// - Throws: ``Halt`` if the archive cannot be gone on with.
    init(
        in folder: ArchiveFolder, under lock: WriterLock,
        describing description: ArchiveDescription,
        configuration: SourceConfiguration, source: Connection,
        segmentBytes: Int = ArchiveWriter.segmentBytes, spool: TargetSpool? = nil,
        definitions: Definitions? = nil, logger: Logger
    ) throws {
        self.folder = folder
        self.configuration = configuration
        self.source = source
        self.spool = spool
        self.definitions = definitions
        self.logger = logger
        writer = try ArchiveWriter(
            in: folder, under: lock, describing: description, segmentBytes: segmentBytes
        ) { step in
            switch step {
            case .appended: FailPoint.archiveAppended.reached()
            case .synchronised: FailPoint.archiveSynchronised.reached()
            case .segmentMade: FailPoint.archiveSegmentMade.reached()
            case .positionWritten: FailPoint.archivePositionWritten.reached()
            }
        }
        for table in description.catalog.tables {
            described[RelationID(rawValue: table.oid)] = table.relation
        }
    }

    /// What the archive's description says of the catalog may be newer than what it said last.
    func begin(_ catalog: ArchivedCatalog) throws {
        let newest = try folder.header(of: writer.position.segment).header.description
        guard newest.catalog != catalog else { return }
        try writer.append(catalog)
    }

    // MARK: Batches

    func apply(_ batch: Batch) async throws -> Applied {
        guard let limit = spool?.limit else { return try await take(batch) }
        guard writer.isWithinTransaction else {
            try await limit.waitForRoom()
            return try await take(batch)
        }
        // The rest of a transaction makes room: before it is whole, nobody can take it.
        guard limit.isFull, batch.transactions.count > 1 else { return try await take(batch) }
        let first = try await take(batch.prefix(1))
        try await limit.waitForRoom()
        var applied = try await take(batch.dropFirst(1))
        applied.end = applied.end ?? first.end
        applied.commitTime = applied.commitTime ?? first.commitTime
        applied.changes += first.changes
        applied.transactions += first.transactions
        return applied
    }

    private func take(_ batch: Batch) async throws -> Applied {
        if batch.relations.contains(where: { described[$0.id] != $0 }) {
            try await describe(batch)
        }
        let before = writer.appendedBytes
        definitions?.keeper.note(batch)
        definitions?.watch.noteApplied(batch)
        try writer.append(batch)
        last = batch.transactions.last?.xid ?? last
        spool?.limit?.appended(writer.appendedBytes - before)
        var applied = Applied()
        applied.changes = batch.changes.count
        for transaction in batch.transactions where transaction.isComplete {
            applied.end = transaction.endLSN
            applied.transactions += 1
            if transaction.xid.rawValue != 0 { applied.commitTime = transaction.commitTime }
        }
        return applied
    }

    /// A table was changed, or has joined: the archive says what the catalog is now.
    ///
    /// That may be newer than the stream. Each frame has the descriptions of its own rows, so
    /// what is too new here misleads nobody about them.
    private func describe(_ batch: Batch) async throws {
        try await SettledCatalog(source: source).wait(for: batch)
        let configuration = configuration
        try await look(batch.relations)
        var catalog = try await source.run { session in
            try ArchiveCatalogReader(session: session, configuration: configuration).catalog()
        }
        if let definitions { catalog.keepMissingValues(of: definitions.keeper.seen) }
        for relation in batch.relations { described[relation.id] = relation }
        try writer.append(catalog)
    }

    /// What the tables are now, before it is said what they are.
    private func look(_ relations: [Relation]) async throws {
        guard let definitions else { return }
        definitions.keeper.describe(relations)
        let (source, publications) = (source, configuration.publicationNames)
        try await definitions.watch.look(source) {
            try await ServerDefinitions(source: source, publications: publications).tables()
        }
    }

    // MARK: Positions

    func store(_ wanted: LSN) async throws -> LSN? {
        try definitions?.keeper.write()
        let stored = try writer.store(wanted)
        definitions?.keeper.stored(but: writer.isWithinTransaction ? last : nil)
        return stored
    }

    func rollBack() async throws {
        try writer.rollBack()
    }

    // MARK: Retention

    /// Removes what may go.
    func prune(_ retention: Retention) throws {
        if spool?.limit?.isFull == true { try writer.closeSegment() }
        let readers = try ArchiveReaders(folder.path).all()
        let sizes = try folder.sizes()
        // Of a spool all may go that its target has. Without word of it, nothing.
        if try spool?.isRead(by: readers) ?? true {
            try prune(
                retention.decide(
                    sizes.filter { $0.name >= writer.position.beginning },
                    readers: readers.map { $0.end ?? .zero }), keptBy: readers)
        }
        guard let spool else { return }
        let bytes = try folder.sizes().reduce(0) { $0 + $1.bytes }
        // A segment's header, which may be large, is there in any case.
        let least =
            try spool.limit?.isFull == true
            ? folder.header(of: writer.position.segment).length : 0
        spool.measured(bytes, least: least, end: writer.position.end)
    }

    private func prune(
        _ decision: Retention.Decision?, keptBy readers: [ArchiveReaders.Reader]
    ) throws {
        guard let decision else { return }
        if decision.beginning > writer.position.beginning {
            let before = writer.position.beginning
            try writer.prune(before: decision.beginning)
            try folder.removeBases(before: decision.beginning.first)
            // In a spool they come and go.
            logger.log(
                level: spool == nil ? .info : .debug, "segments removed",
                metadata: ["from": "\(before.first)", "to": "\(decision.beginning.first)"])
        }
        if spool == nil { tellHeld(decision, by: readers) }
    }

    private func tellHeld(_ decision: Retention.Decision, by readers: [ArchiveReaders.Reader]) {
        guard let held = decision.heldBy else {
            isHeldTold = false
            return
        }
        guard !isHeldTold else { return }
        isHeldTold = true
        let names = readers.filter { $0.end ?? .zero <= held }.map(\.name)
        logger.warning(
            "the archive is larger or older than it is to be: a reader still needs what would go",
            metadata: ["reader": "\(names.joined(separator: ", "))", "position": "\(held)"])
    }
}
