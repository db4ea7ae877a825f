internal import LeatArchive
internal import LeatCatalogs
internal import LeatCore
internal import Logging
internal import PGClient

extension RecordPreparation {
    /// Makes sure that the publications exist, and returns the tables that they send.
    ///
    /// - Parameters:
    ///   - file: Of an earlier start: a publication of the stream's own was made then, or may have
    ///     been.
    ///   - creating: Called when all checks are done, before anything is created.
    func publish(
        after file: StreamFile?, _ decision: StartDecision, creating: () throws -> Void
    ) async throws -> [SourceTable] {
        let configuration = configuration.reading
        if configuration.ownsPublication {
            try await publishOwn(after: file, deciding: decision, creating: creating)
        } else {
            try await servers.source.run { session in
                let publication = Publication(session: session, configuration: configuration)
                try publication.checkAllExist()
                try publication.checkColumnLists()
            }
            try await checkReadable()
            try creating()
        }
        let tables = try await published()
        if tables.isEmpty {
            logger.warning(
                "nothing is recorded: the publications send no table",
                metadata: [
                    "publications": "\(configuration.publicationNames.joined(separator: ", "))"
                ])
        }
        try await tell(tables.map(\.name))
        return tables
    }

    private func tell(_ tables: [TableName]) async throws {
        let reading = configuration.reading
        let names = tables.map(\.description)
        logger.info(
            "following",
            metadata: ["tables": "\(NameList.text(names, all: "leat archive info"))"])
        logger.tell(
            try await servers.source.run { session in
                try UnsentObjects(session: session, configuration: reading).find(beside: tables)
            }, all: nil)
    }

    /// What of the selected tables can be recorded. A new one of a later start that cannot must not
    /// keep the others from being recorded.
    private static func fit(
        _ tables: [SourceCatalog.Candidate], with file: StreamFile?,
        by configuration: SourceConfiguration, on session: Session
    ) throws -> (tables: [SourceCatalog.Candidate], leftOut: [LeftOut]) {
        let publication = Publication(session: session, configuration: configuration)
        let check = { (tables: [SourceCatalog.Candidate]) in
            try SourceCatalog(session: session).checkIdentities(of: tables)
            try publication.checkMayPublish(tables) { name in
                "leat record as before, with --publication \(ShellText.word(name))"
            }
        }
        guard let file, file.state == .streaming, !configuration.isStrict else {
            try check(tables)
            return (tables, [])
        }
        let known = Set(file.tables.map { TableName(schema: $0.schema, name: $0.name) })
        let new = tables.filter {
            !known.contains($0.name) && !configuration.selection.names($0.name)
        }
        var leftOut: [TableName: LeftOut] = [:]
        for table in new {
            do {
                try check([table])
            } catch let halt as Halt {
                leftOut[table.name] = LeftOut(table.name, halt: halt)
            }
        }
        let fit = tables.filter { leftOut[$0.name] == nil }
        try check(fit)
        return (fit, leftOut.sorted { $0.key < $1.key }.map(\.value))
    }

    private func publishOwn(
        after file: StreamFile?, deciding decision: StartDecision, creating: () throws -> Void
    ) async throws {
        if case .adopt = decision {
            throw Halt(
                .configuration, "Slot \(configuration.slotName) exists: name its publication too.",
                advice: "Add --publication with the publication that it was made for.")
        }
        let configuration = configuration.reading
        let before = Set(file?.selection ?? [])
        let (selected, exists) = try await servers.source.run { session in
            let publication = Publication(session: session, configuration: configuration)
            let selected = try publication.selectedTables(
                matchedBefore: before, isResumed: decision.isResume)
            let fit = try RecordPreparation.fit(
                selected.tables, with: file, by: configuration, on: session)
            return (
                SelectedTables(
                    tables: fit.tables, leftOut: fit.leftOut, unmatched: selected.unmatched),
                try !publication.identities().isEmpty
            )
        }
        selected.tellProblems(logger)
        let wanted = selected.tables
        guard file?.ownsPublication == true || !exists else {
            throw configuration.foreignPublication(for: "archive")
        }
        try creating()
        try await servers.source.run { session in
            let publication = Publication(session: session, configuration: configuration)
            try exists ? publication.alter(wanted) : publication.create(wanted)
        }
        try await checkReadable()
    }

    /// A base reads the tables; the stream alone needs no right to.
    private func checkReadable() async throws {
        guard self.configuration.base != .none else { return }
        let tables = try await published()
        let all = configuration.ownsPublication && configuration.selection.tables.isEmpty
        try await servers.source.run { session in
            try Preflight.checkReadable(tables, on: session)
            try SequenceSync.checkReadable(session, tables: tables.map(\.name), all: all)
        }
    }

    private func published() async throws -> [SourceTable] {
        let configuration = configuration.reading
        return try await servers.source.run { session in
            try ArchiveCatalogReader(session: session, configuration: configuration).tables()
        }
    }
}
