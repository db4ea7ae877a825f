internal import LeatArchive
internal import LeatCatalogs
internal import LeatCore
internal import Logging
internal import PGClient
internal import PGWire

extension StreamPreparation {
    /// How the spool, if there is one, goes on, and what the start is compared with then.
    ///
    /// - Throws: ``Halt`` if changes are only in a spool that was not given.
    func decideSpool(
        given facts: StartFacts, since progress: Progress?
    ) throws -> (SpoolDecision?, StartFacts) {
        guard let spool = run.spool else {
            try progress?.spool?.checkUnneeded(facts)
            return (nil, facts)
        }
        let decision = try spool.decide(
            given: facts, mark: progress?.spool, reader: spoolReader, former: formerReader(progress)
        )
        return (decision, decision.bridged(facts))
    }

    private var spoolReader: String {
        ReaderName.text(stream: configuration.stream, servers.target)
    }

    private func formerReader(_ progress: Progress?) -> String? {
        guard let progress else { return nil }
        var former = servers.target
        former.systemIdentifier = progress.targetSystemIdentifier
        former.database = progress.targetDatabase.name
        return ReaderName.text(stream: configuration.stream, former)
    }

    /// Begins the spool, or goes on with it; without one, forgets that there was one. The target's
    /// row is there by now. From here on the recording runs.
    func openSpool(
        by decision: SpoolDecision?, of stream: NewStream, at confirmed: LSN,
        for tables: [SourceTable], slotBeginning: LSN? = nil
    ) async throws {
        guard let spool = run.spool, let decision else {
            guard try await mark(nil) else { return }
            return logger.info("the spool is not used any more: the target has all that was in it")
        }
        switch decision {
        case .goOn:
            try spool.keepReader(spoolReader)
            _ = try await mark(spool.mark())
        case .begin:
            let (reading, encoding) = (configuration.reading, servers.encoding)
            var file = StreamFile(creating: stream, by: reading)
            let archive = file.archive
            let (description, publications) = try await servers.source.run { session in
                (
                    try ArchiveCatalogReader(session: session, configuration: reading)
                        .description(of: archive, system: stream.system, encoding: encoding),
                    try Publication(session: session, configuration: reading).identities()
                )
            }
            file.publications = publications.map(\.text)
            file.tables = tables.map(StreamFile.Table.init)
            file.spoolReader = spoolReader
            file.slotBeginning = slotBeginning.map { "\($0)" }
            try await spool.begin(at: confirmed, file, describing: description) {
                _ = try await mark($0)
            }
            logger.info(
                "spool begun",
                metadata: ["spool": "\(spool.folder.path)", "position": "\(confirmed)"])
        }
        spool.agree()
    }

    /// Before the recording begins: tables that are still to be copied have nothing to lose.
    func tellSpool(_ tables: [SourceTable]) async throws {
        guard let spool = run.spool else { return }
        let stream = configuration.stream
        let stored = try await servers.applier.run { session in
            try TableStore(session: session, stream: stream).read()
        }
        let plan = TablePlan(published: tables.map(\.listed), stored: stored)
        let unknown = Set(stored.filter { $0.publishing.sending == nil }.map(\.table))
        var copied: [RelationID: LSN] = [:]
        for table in tables {
            let snapshot = unknown.contains(table.name) ? nil : plan.ready[table.name]
            copied[table.relation.id] =
                plan.pending.contains(table.name) ? LSN(rawValue: .max) : snapshot
        }
        spool.setCopied(copied)
    }

    /// By a synchronous commit: the session's own, until the stream starts.
    ///
    /// - Returns: Whether that is new.
    private func mark(_ mark: SpoolMark?) async throws -> Bool {
        let stream = configuration.stream
        return try await servers.applier.run { session in
            try ProgressStore(session: session, stream: stream).setSpool(mark)
        }
    }
}
