internal import LeatCatalogs
internal import LeatCore
internal import Logging
internal import PGClient
internal import PGWire

extension StreamPreparation {
    /// Makes sure that the publications exist, and returns the tables to follow.
    func publish(
        _ stream: NewStream, after decision: StartDecision, since progress: Progress?,
        sourceTypes: TypeCatalog
    ) async throws -> SelectedTables<SourceTable> {
        let configuration = configuration
        let known = try await known(decision)
        let new = known.map { known in
            NewTables(
                source: servers.source, onTarget: onTarget, configuration: configuration,
                sourceTypes: sourceTypes, known: known)
        }
        // Also those of tables that are gone, and of which something is still to come.
        let stored = known?.tables.map(\.table) ?? []
        let ofStored = configuration.selection.options.filter { option in
            stored.contains { option.pattern.matches($0) }
        }
        let matchedBefore = (known?.options ?? []).union(ofStored.map(\.text))
        if configuration.ownsPublication {
            return try await publishOwn(
                stream, after: decision, since: progress, sourceTypes: sourceTypes, with: new,
                matchedBefore: matchedBefore)
        }
        try await servers.source.run { session in
            let publication = Publication(session: session, configuration: configuration.reading)
            try publication.checkAllExist()
            try publication.checkColumnLists()
        }
        let (published, unmatched) = try await servers.source.run { session in
            let published = try SourceCatalog(session: session)
                .publishedTables(of: configuration.publicationNames)
            let unmatched = try SelectionCheck(
                session: session, selection: configuration.selection, matchedBefore: matchedBefore
            ).check(among: published.map(\.name))
            return (published, unmatched)
        }
        var selected = SelectedTables(
            tables: published.filter { configuration.wants($0.name) }, unmatched: unmatched)
        if let new { (selected.tables, selected.leftOut) = try await new.fit(selected.tables) }
        selected.tables = try await routes(sourceTypes).checked(selected.tables)
        try checkSelectsAny(selected, of: published.map(\.name), by: decision)
        try await checkSequences(of: selected.tables, by: decision)
        return selected
    }

    private func routes(_ types: TypeCatalog) -> RoutedTables {
        RoutedTables(onTarget: onTarget, types: types, source: servers.source)
    }

    private func checkSequences(of tables: [SourceTable], by decision: StartDecision) async throws {
        let job = SequenceJob(
            configuration: configuration, source: servers.source, applier: servers.applier,
            logger: logger)
        let routes = tables.map(\.route)
        switch decision {
        case .create, .recreate, .adopt: try await job.check(routes)
        case .resume: try await job.warn(routes)
        }
    }

    /// One that has begun goes on without any, as it does when one of several leaves.
    private func checkSelectsAny(
        _ selected: SelectedTables<SourceTable>, of published: [TableName],
        by decision: StartDecision
    ) throws {
        guard selected.tables.isEmpty else { return }
        guard decision.isResume || published.isEmpty else {
            throw Halt(
                .preflight, "The publications publish no table that is selected.",
                advice: configuration.reading.selectionAdvice(among: published))
        }
        let names = configuration.publicationNames.joined(separator: ", ")
        logger.warning(
            "nothing is followed: the publications send no table that is selected",
            metadata: ["publications": "\(names)"])
    }

    /// What earlier starts have seen; nil for a stream that begins.
    private func known(_ decision: StartDecision) async throws -> NewTables.Known? {
        guard case .resume = decision else { return nil }
        let stream = configuration.stream
        return try await servers.applier.run { session in
            NewTables.Known(
                tables: try TableStore(session: session, stream: stream).read(),
                former: Set(try LeftOutStore(session: session, stream: stream).former()),
                options: try ProgressStore(session: session, stream: stream).selection())
        }
    }

    func published() async throws -> [SourceTable] {
        let names = configuration.publicationNames
        return try await servers.source.run { session in
            try SourceCatalog(session: session).publishedTables(of: names)
        }
    }

    /// A stream that goes on must read from the very publications it began with, or was told.
    func checkPublicationsAreTheSame(_ progress: Progress?) async throws {
        let configuration = configuration.reading
        guard let progress, configuration.namesInStream == nil else { return }
        let now = try await servers.source.run { session in
            try Publication(session: session, configuration: configuration)
                .known(progress.publications)
        }
        try PublicationWatch.compare(progress.publications, with: now, by: configuration)
    }

    /// All checks come before the row `creating`, and that before anything that is created.
    func publishOwn(
        _ stream: NewStream, after decision: StartDecision, since progress: Progress?,
        sourceTypes: TypeCatalog, with new: NewTables?, matchedBefore: Set<String>
    ) async throws -> SelectedTables<SourceTable> {
        let configuration = configuration
        var (wanted, unmatched) = try await servers.source.run { session in
            try Publication(session: session, configuration: configuration.reading)
                .selectedTables(matchedBefore: matchedBefore, isResumed: decision.isResume)
        }
        var leftOut: [LeftOut] = []
        if let new { (wanted, leftOut) = try await new.fit(wanted) }
        let (unrouted, exists) = try await servers.source.run { [wanted] session in
            try SourceCatalog(session: session).checkIdentities(of: wanted)
            let publication = Publication(session: session, configuration: configuration.reading)
            try publication.checkMayPublish(wanted, start: configuration.commandWith(publication:))
            return (
                try SourceCatalog(session: session).tables(wanted),
                try !publication.identities().isEmpty
            )
        }
        guard progress?.ownsPublication == true || !exists else {
            throw configuration.reading.foreignPublication(for: "stream")
        }
        let tables = try await routes(sourceTypes).checked(unrouted)
        let ways = try await onTarget.ways(of: tables, sourceTypes)
        try await onTarget.checkPublications(tables)
        _ = try await onTarget.checkRole(tables.map(\.target))
        _ = try usesBinary(by: ways)
        try await checkSequences(of: tables, by: decision)
        switch decision {
        case .create, .recreate:
            try await checkCopy(of: tables, with: ways.plans)
            try await keeper.writeCreating(stream)
        case .adopt:
            throw Halt(
                .configuration, "Slot \(configuration.slotName) exists: name its publication too.",
                advice: "Add --publication with the publication that it was made for.")
        case .resume:
            break
        }
        let published = try await servers.source.run { [wanted] session in
            let publication = Publication(session: session, configuration: configuration.reading)
            try exists ? publication.alter(wanted) : publication.create(wanted)
            return try SourceCatalog(session: session)
                .publishedTables(of: configuration.publicationNames)
                .filter { configuration.wants($0.name) }
        }
        let selected = SelectedTables(
            tables: try await routes(sourceTypes).routed(published), leftOut: leftOut,
            unmatched: unmatched)
        try checkSelectsAny(selected, of: wanted.map(\.name), by: decision)
        return selected
    }

    func usesBinary(by ways: Preflight.Ways) throws -> Bool {
        guard run.transfer.mayBeBinary else { return false }
        return try Preflight.usesBinary(
            run.transfer.wanted, for: ways.plans,
            safety: BinarySafety(sourceTypes: ways.sourceTypes, targetTypes: ways.targetTypes))
    }

    /// The tables with the form of their copies, each by itself. As text a `bytea` is twice as long,
    /// and beyond half a gigabyte more than a server can put together.
    func formed(
        _ tables: [SourceTable], by ways: Preflight.Ways
    ) -> [SourceTable] {
        guard configuration.binary != .off else { return tables }
        let safety = BinarySafety(sourceTypes: ways.sourceTypes, targetTypes: ways.targetTypes)
        return tables.map { table in
            var table = table
            table.copiesInBinary =
                !table.columns.isEmpty && table.rowMasks == nil
                && ways.plans[table.name].map { safety.unsafeColumns($0).isEmpty } == true
            return table
        }
    }
}
