internal import LeatArchive
internal import LeatCore
internal import Logging
internal import PGClient

extension RecordPreparation {
    /// Makes sure that the publications exist, and returns the tables that they send.
    ///
    /// - Parameters:
    ///   - isOurs: A publication of the stream's own was made before, or may have been.
    ///   - creating: Called when all checks are done, before anything is created.
    func publish(
        isOurs: Bool, _ decision: StartDecision, creating: () throws -> Void
    ) async throws -> [SourceTable] {
        let configuration = configuration.reading
        if configuration.ownsPublication {
            try await publishOwn(isOurs: isOurs, decision, creating)
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
        guard !tables.isEmpty else {
            throw Halt(
                .preflight, "The publications publish no table.",
                advice: "Check --publication, --tables and --exclude.")
        }
        return tables
    }

    private func publishOwn(
        isOurs: Bool, _ decision: StartDecision, _ creating: () throws -> Void
    ) async throws {
        if case .adopt = decision {
            throw Halt(
                .configuration, "Slot \(configuration.slotName) exists: name its publication too.",
                advice: "Add --publication with the publication that it was made for.")
        }
        let configuration = configuration.reading
        let (wanted, exists) = try await servers.source.run { session in
            let publication = Publication(session: session, configuration: configuration)
            return (try publication.wantedTables(), try !publication.identities().isEmpty)
        }
        guard isOurs || !exists else { throw foreignPublication }
        try creating()
        try await servers.source.run { session in
            let publication = Publication(session: session, configuration: configuration)
            try exists ? publication.alter(wanted) : publication.create(wanted)
        }
        try await checkReadable()
    }

    private var foreignPublication: Halt {
        let name = configuration.publicationNames[0]
        return Halt(
            .preflight, "Publication \(name) exists, but not for this archive.",
            advice: """
                Use it with --publication \(name), drop it, or choose another --stream.
                """)
    }

    /// A base reads the tables; the stream alone needs no right to.
    private func checkReadable() async throws {
        guard self.configuration.base != .none else { return }
        let tables = try await published()
        try await servers.source.run { try Preflight.checkReadable(tables, $0) }
    }

    private func published() async throws -> [SourceTable] {
        let configuration = configuration.reading
        return try await servers.source.run { session in
            try ArchiveCatalogReader(session: session, configuration: configuration).tables()
        }
    }
}
