internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import Logging
internal import PGClient
internal import PGWire

/// A start with other publications than the last one.
///
/// Which publications there are, and what they send, is decided by the server with the catalog as it
/// was when a change was made. So the other ones can be asked for only from a place where they are
/// sure to have been there. Until then the stream is read as before:
///
/// 1. The catalog is read: what the others send. Then E, the end of the WAL.
/// 2. The stream goes on with those of the last start, under the names that they had, to E. One that
///    was renamed is asked for by its new name from where the server does not find it any more.
/// 3. In one transaction: `leat.progress` names the others, and `leat.tables` what they send of the
///    tables that were followed without a gap.
/// 4. A start like any other: tables that joined are copied, tables that are gone are given up.
///
/// A crash before 3 begins at 1 again; after it, the start finds nothing changed.
struct PublicationSwitch {
    let run: SyncRun
    let servers: SyncRun.Servers

    struct Change: Sendable {
        /// Those of the last start that are still there.
        var before: [(stored: PublicationIdentity, now: PublicationIdentity)]
        var later: [PublicationIdentity]
        /// What the two lists send.
        var tablesBefore: [SourceTable]
        var tablesLater: [SourceTable]
        var end: LSN
    }

    private var configuration: SyncConfiguration { run.configuration }

    /// Nil if the stream reads the same as before, or is new.
    ///
    /// - Throws: ``Halt`` if the change cannot be followed.
    func change() async throws -> Change? {
        guard let progress = try await servers.applier.progress(), !progress.stored.isCreating,
            !progress.isReplay,
            Set(progress.publications.map(\.name)) != Set(configuration.publicationNames)
        else { return nil }
        guard !configuration.ownsPublication || progress.ownsPublication else {
            let names = progress.publications.map(\.name).joined(separator: ", ")
            throw Halt(
                .configuration, "This stream reads publication \(names).",
                advice: "Start it with --publication, or choose another --stream.")
        }
        let known = try await known(progress.publications)
        // One that has another name is there: first, for the source has none of the name given.
        try checkNames(of: progress, among: known)
        let later = try await later()
        if run.spool != nil { throw PublicationSwitch.spooled(progress.publications) }
        let before = progress.publications.compactMap { stored in
            known.first { $0.oid == stored.oid }.map { (stored, $0) }
        }
        let (tablesBefore, tablesLater) = try await servers.source.run { session in
            let catalog = SourceCatalog(session: session)
            return (
                try catalog.publishedTables(of: before.map(\.1.name)),
                try catalog.publishedTables(of: later.map(\.name))
            )
        }
        return Change(
            before: before, later: later, tablesBefore: tablesBefore, tablesLater: tablesLater,
            end: try await servers.source.run { try SourceEnd.flushed($0) })
    }

    private func known(_ stored: [PublicationIdentity]) async throws -> [PublicationIdentity] {
        let configuration = configuration.reading
        return try await servers.source.run { session in
            try Publication(session: session, configuration: configuration).known(stored)
        }
    }

    private func later() async throws -> [PublicationIdentity] {
        let configuration = configuration.reading
        return try await servers.source.run { session in
            let publication = Publication(session: session, configuration: configuration)
            try publication.checkAllExist()
            return try publication.identities()
        }
    }

    /// A name in both lists must stand for the same publication.
    private func checkNames(of progress: Progress, among known: [PublicationIdentity]) throws {
        let names = Set(configuration.publicationNames)
        let kept = progress.publications.filter { names.contains($0.name) }
        try PublicationWatch.compare(kept, with: known, by: configuration.reading)
    }

    private static func spooled(_ publications: [PublicationIdentity]) -> Halt {
        let names = publications.map(\.name).joined(separator: ", ")
        return Halt(
            .configuration,
            "The spool records publication \(names), and the list cannot be changed with a spool.",
            advice: """
                Let the target catch up with the same publications (--spool with --endpos now), \
                start once without --spool and with the others (--endpos now), then with both.
                """)
    }

    func tell(_ change: Change) {
        let (before, later) = (change.before.map(\.stored.name), change.later.map(\.name))
        run.logger.info(
            "the publications are others than at the last start; reading on with those first",
            metadata: [
                "before": "\(before.joined(separator: ", "))",
                "later": "\(later.joined(separator: ", "))", "until": "\(change.end)",
            ])
    }

    // MARK: Taking the others

    /// - Returns: To begin anew with.
    func take(_ change: Change) async throws -> Restart {
        FailPoint.publicationsReached.reached()
        let stream = configuration.stream
        let columns = Dictionary(
            change.tablesBefore.map { ($0.relation.id, $0) },
            uniquingKeysWith: { first, _ in first })
        let tables = change.tablesLater.filter { table in
            columns[table.relation.id].map { $0.isSentWhole(by: table) } ?? false
        }
        try await servers.applier.run { session in
            let store = TableStore(session: session, stream: stream)
            try session.transaction {
                try ProgressStore(session: session, stream: stream).setPublications(change.later)
                try store.goOn(tables, from: change.tablesBefore)
            }
        }
        FailPoint.publicationsTaken.reached()
        return PublicationSwitch.restart(change.later)
    }

    /// - Returns: To begin anew with.
    func takeNames(_ change: Change) async throws -> Restart {
        let (stream, names) = (configuration.stream, change.before.map(\.now))
        try await servers.applier.run { session in
            try session.transaction {
                try ProgressStore(session: session, stream: stream).setPublications(names)
            }
        }
        return PublicationSwitch.restart(names)
    }

    private static func restart(_ publications: [PublicationIdentity]) -> Restart {
        let names = publications.map(\.name).joined(separator: ", ")
        return Restart(reason: "From here on the stream reads publication \(names)")
    }
}

extension SourceTable {
    /// Whether nothing of what was sent of this table is left out by other publications.
    fileprivate func isSentWhole(by other: SourceTable) -> Bool {
        let sent = Set(relation.columns.map(\.name))
        return other.rowFilter == nil && rowFilter == nil
            && sent == Set(other.relation.columns.map(\.name))
            && other.unsentKinds.allSatisfy(unsentKinds.contains)
    }
}
