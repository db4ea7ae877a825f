internal import LeatCore
internal import Logging
internal import PGClient
internal import PGWire
internal import Synchronization

/// Compares what the publications send now with what the stream began with.
///
/// Nothing in the stream tells that a publication has changed: changes just stay away.
final class PublicationWatch: Sendable {
    private let configuration: SourceConfiguration
    private let publicationOIDs: [String]
    private let viaRoot: [String: Bool]
    private let followed: [RelationID: SourceTable]
    private let logger: Logger
    private let told = Mutex<Set<RelationID>>([])

    init(
        configuration: SourceConfiguration, publicationOIDs: [String], viaRoot: [String: Bool],
        tables: [SourceTable], logger: Logger
    ) {
        self.configuration = configuration
        self.logger = logger
        self.publicationOIDs = publicationOIDs
        self.viaRoot = viaRoot
        followed = Dictionary(
            tables.map { ($0.relation.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// - Throws: ``Halt`` if changes were, or will be, left out.
    /// - Returns: What is published now.
    @discardableResult
    func check(_ connection: Connection) async throws -> [RelationID: SourceTable] {
        let configuration = configuration
        let (identities, roots, tables) = try await connection.run { session in
            let publication = Publication(session: session, configuration: configuration)
            return (
                try publication.identities(), try publication.viaRoot(),
                try SourceCatalog(session: session)
                    .publishedTables(of: configuration.publicationNames)
            )
        }
        try PublicationWatch.compare(publicationOIDs, identities)
        try compareRoots(roots)
        let now = Dictionary(
            tables.map { ($0.relation.id, $0) }, uniquingKeysWith: { first, _ in first })
        for (id, table) in followed {
            guard let current = now[id] else {
                try checkRemade(table, tables)
                tell(id, "table is no longer published: its changes stop here", table.name)
                continue
            }
            guard current.membership == table.membership else {
                throw PublicationWatch.rejoined(table.name)
            }
            guard current.unsentKinds == table.unsentKinds else {
                throw PublicationWatch.sendsOther(current)
            }
            if current.name != table.name {
                tell(id, "table was renamed on the source to \(current.name)", table.name)
            }
        }
        return now
    }

    /// Tables in the stream that are not followed: not yet, or because they took the place of
    /// one that is.
    func tell(_ unfollowed: [RelationID: TableName], _ connection: Connection) async throws {
        let now = try await check(connection)
        for (id, name) in unfollowed.sorted(by: { $0.value < $1.value }) {
            guard let table = now[id], configuration.wants(table.name) else {
                logger.debug("changes of a table that is gone", metadata: ["table": "\(name)"])
                continue
            }
            tell(
                id, "table is published but not followed; it is copied at the next start",
                table.name)
        }
    }

    private func tell(_ id: RelationID, _ message: Logger.Message, _ table: TableName) {
        guard told.withLock({ $0.insert(id).inserted }) else { return }
        logger.warning(message, metadata: ["table": "\(table)"])
    }

    private func compareRoots(_ now: [String: Bool]) throws {
        guard let flipped = now.first(where: { viaRoot[$0.key] ?? $0.value != $0.value }) else {
            return
        }
        throw Halt(
            .positionMismatch,
            """
            publish_via_partition_root of publication \(flipped.key) was changed: partitions and \
            their roots take each other's place in the stream.
            """,
            advice: """
                Start again with --truncate: the tables that changed places are copied anew, the \
                others go on.
                """)
    }

    private func checkRemade(_ table: SourceTable, _ now: [SourceTable]) throws {
        guard now.contains(where: { $0.name == table.name }) else { return }
        throw Halt(
            .stoppedOnChange,
            """
            Table \(table.name) was dropped and made again on the source, or another table was \
            given its name: the target still has the rows of the old one.
            """, advice: PublicationWatch.copyAnew)
    }

    private static let copyAnew = """
        Start again with --truncate: this table is copied anew, the others go on.
        """

    static func compare(_ stored: [String], _ now: [String]) throws {
        guard stored != now else { return }
        let changed = Set(stored).subtracting(now).sorted()
            .map(Publication.name)
        guard !changed.isEmpty else { return }
        throw Halt(
            .positionMismatch,
            """
            Publication \(changed.joined(separator: ", ")) was dropped, or dropped and made \
            again: changes from between were not sent.
            """,
            advice: """
                Run "leat cleanup" for this stream and start it again with --truncate, which \
                copies the tables anew.
                """)
    }

    private static func sendsOther(_ table: SourceTable) -> Halt {
        let unsent = table.unsentKinds.joined(separator: ", ")
        return Halt(
            .positionMismatch,
            """
            The publications of table \(table.name) were altered to send other kinds of changes: \
            \(unsent.isEmpty ? "all" : "no \(unsent)") from now on.
            """, advice: copyAnew)
    }

    private static func rejoined(_ table: TableName) -> Halt {
        Halt(
            .positionMismatch,
            """
            Table \(table) was taken out of its publication and put back, or its column list or \
            row filter was changed: changes from between were not sent, or not as before.
            """, advice: copyAnew)
    }
}
