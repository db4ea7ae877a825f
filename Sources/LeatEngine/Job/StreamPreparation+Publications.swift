internal import LeatCore
internal import Logging
internal import PGClient
internal import PGWire

extension StreamPreparation {
    func checkPublicationNames(_ progress: Progress?) throws {
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
    func publish(
        _ decision: StartDecision, _ progress: Progress?, _ system: SystemIdentity,
        _ sourceTypes: TypeCatalog
    ) async throws -> [SourceTable] {
        let configuration = configuration
        try await checkPublicationsAreTheSame(progress, decision)
        if configuration.ownsPublication {
            try await publishOwn(decision, progress, system, sourceTypes)
        } else {
            try await servers.source.run { session in
                let publication = Publication(
                    session: session, configuration: configuration.reading)
                try publication.checkAllExist()
                try publication.checkColumnLists()
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
    func checkPublicationsAreTheSame(
        _ progress: Progress?, _ decision: StartDecision
    ) async throws {
        guard case .resume = decision, let progress else { return }
        let configuration = configuration
        let now = try await servers.source.run {
            try Publication(session: $0, configuration: configuration.reading).identities()
        }
        try PublicationWatch.compare(progress.publicationOIDs, now)
    }

    /// All checks come before the row `creating`, and that before anything that is created.
    func publishOwn(
        _ decision: StartDecision, _ progress: Progress?, _ system: SystemIdentity,
        _ sourceTypes: TypeCatalog
    ) async throws {
        let configuration = configuration
        let (wanted, tables, exists) = try await servers.source.run { session in
            let publication = Publication(session: session, configuration: configuration.reading)
            let wanted = try publication.wantedTables()
            return (
                wanted, try SourceCatalog(session: session).tables(wanted),
                try !publication.identities().isEmpty
            )
        }
        guard progress?.ownsPublication == true || !exists else { throw foreignPublication }
        let ways = try await onTarget.ways(of: tables, sourceTypes)
        _ = try await onTarget.checkRole(tables.map(\.name))
        _ = try usesBinary(ways, sourceTypes)
        switch decision {
        case .create, .recreate:
            try await checkCopy(tables, ways.plans)
            try await writeCreating(system)
        case .adopt:
            throw Halt(
                .configuration, "Slot \(configuration.slotName) exists: name its publication too.",
                advice: "Add --publication with the publication that it was made for.")
        case .resume:
            break
        }
        try await servers.source.run { session in
            let publication = Publication(session: session, configuration: configuration.reading)
            try exists ? publication.alter(wanted) : publication.create(wanted)
        }
    }

    var foreignPublication: Halt {
        let name = configuration.publicationNames[0]
        return Halt(
            .preflight, "Publication \(name) exists, but not for this stream.",
            advice: """
                Use it with --publication \(name), drop it, or choose another --stream.
                """)
    }

    func writeCreating(_ system: SystemIdentity) async throws {
        let (configuration, target) = (configuration, servers.target)
        try await servers.applier.run { session in
            try ProgressStore(session: session, stream: configuration.stream).insertCreating(
                configuration, source: system, target: target)
        }
    }

    func usesBinary(_ ways: Preflight.Ways, _ sourceTypes: TypeCatalog) throws -> Bool {
        guard run.transfer.mayBeBinary else { return false }
        return try Preflight.usesBinary(
            run.transfer.wanted, ways.plans,
            BinarySafety(sourceTypes: sourceTypes, targetTypes: ways.targetTypes))
    }
}
