internal import LeatCatalogs
internal import LeatCore
internal import Logging
internal import PGClient
internal import PGWire
internal import Synchronization

/// Compares what the publications send now with what the stream began with.
///
/// Nothing in the stream tells that a publication has changed: changes just stay away.
final class PublicationWatch: Sendable {
    /// What the stream began with.
    struct Beginning: Sendable {
        var publications: [PublicationIdentity]
        /// `publish_via_partition_root` of each publication, by name.
        var viaRoot: [String: Bool]
        var tables: [SourceTable]
        /// Until where changes of a table do not count, because it was copied later: what the
        /// catalog said was compared before that copy, and has been the same since. Nothing for a
        /// table of which that is not so.
        var copied: @Sendable (RelationID) -> LSN? = { _ in nil }
    }

    let configuration: SourceConfiguration
    let beginning: Beginning
    let logger: Logger
    private let followed: Mutex<[RelationID: SourceTable]>
    private let told = Mutex<Set<RelationID>>([])

    init(_ configuration: SourceConfiguration, from beginning: Beginning, logger: Logger) {
        self.configuration = configuration
        self.beginning = beginning
        self.logger = logger
        followed = Mutex(
            Dictionary(
                beginning.tables.map { ($0.relation.id, $0) },
                uniquingKeysWith: { first, _ in first }))
    }

    /// What the source's catalog says.
    struct Found: Sendable {
        /// Those that have a name or an OID of the stream's.
        var publications: [PublicationIdentity]
        var viaRoot: [String: Bool]
        var tables: [SourceTable]
    }

    func found(_ connection: Connection) async throws -> Found {
        let (configuration, known) = (configuration, beginning.publications)
        return try await connection.run { session in
            let publication = Publication(session: session, configuration: configuration)
            return Found(
                publications: try publication.known(known), viaRoot: try publication.viaRoot(),
                tables: try SourceCatalog(session: session)
                    .publishedTables(of: configuration.publicationNames))
        }
    }

    /// - Throws: ``Halt`` if changes were, or will be, left out.
    /// - Returns: What is published now.
    @discardableResult
    func check(_ connection: Connection) async throws -> [RelationID: SourceTable] {
        let found = try await found(connection)
        try PublicationWatch.compare(
            beginning.publications, with: found.publications, by: configuration)
        try compareRoots(found.viaRoot)
        let now = Dictionary(
            found.tables.map { ($0.relation.id, $0) }, uniquingKeysWith: { first, _ in first })
        for (id, table) in followed.withLock({ $0 }) {
            guard let current = now[id] else {
                try checkRemade(table, among: found.tables)
                tell(
                    of: id, message: "table is no longer published: its changes stop here",
                    table: table.name)
                continue
            }
            try compare(table, with: current)
            if current.name != table.name {
                tell(
                    of: id, message: "table was renamed on the source to \(current.name)",
                    table: table.name)
            }
        }
        return now
    }

    private func compare(_ table: SourceTable, with now: SourceTable) throws {
        if let gap = table.publishing.gap(to: now.publishing) {
            throw PublicationWatch.leftOut(from: table, to: now, gap: gap)
        }
        guard PublicationWatch.tell(from: table.publishing, to: now, logger: logger) else { return }
        followed.withLock { $0[now.relation.id]?.publishing = now.publishing }
    }

    /// Tables in the stream that are not followed: not yet, or because they took the place of
    /// one that is.
    func tell(of unfollowed: [RelationID: TableName], on connection: Connection) async throws {
        let now = try await check(connection)
        for (id, name) in unfollowed.sorted(by: { $0.value < $1.value }) {
            guard let table = now[id], configuration.wants(table.name) else {
                logger.debug("changes of a table that is gone", metadata: ["table": "\(name)"])
                continue
            }
            tell(
                of: id,
                message: "table is published but not followed; it is copied at the next start",
                table: table.name)
        }
    }

    private func tell(of id: RelationID, message: Logger.Message, table: TableName) {
        guard told.withLock({ $0.insert(id).inserted }) else { return }
        logger.warning(message, metadata: ["table": "\(table)"])
    }

    /// Nothing that was sent before is left out; but what was not is still missing.
    ///
    /// - Returns: Whether there was anything to tell.
    @discardableResult
    static func tell(from before: Publishing, to table: SourceTable, logger: Logger) -> Bool {
        if let kinds = before.addedKinds(to: table.publishing) {
            logger.warning(
                """
                the publications send \(kinds.joined(separator: ", ")) of this table from now on; \
                those from before were not sent, so rows that had any are not as on the source. If \
                there were any, copy it anew: \(copyOne)
                """, metadata: ["table": "\(table.name)"])
        } else if let doubt = before.doubt(to: table.publishing) {
            logger.warning(
                "\(doubt). If so, copy it anew: \(copyOne)", metadata: ["table": "\(table.name)"])
        } else {
            return false
        }
        return true
    }

    static let copyOne = "start once with --exclude, then as before with --truncate"

    private func compareRoots(_ now: [String: Bool]) throws {
        let viaRoot = beginning.viaRoot
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

    private func checkRemade(_ table: SourceTable, among now: [SourceTable]) throws {
        guard now.contains(where: { $0.name == table.name }) else { return }
        throw Halt(
            .stoppedOnChange,
            """
            Table \(table.name) was dropped and made again on the source, or another table was \
            given its name: the target still has the rows of the old one.
            """, advice: PublicationWatch.copyAnew)
    }

    static let copyAnew = """
        Start again with --truncate: this table is copied anew, the others go on.
        """

    private static func leftOut(from table: SourceTable, to now: SourceTable, gap: String) -> Halt {
        let unsent = now.publishing.kindsText
        let kinds =
            unsent.isEmpty || unsent == table.publishing.kindsText
            ? "" : " It sends no \(unsent) from now on."
        return Halt(
            .positionMismatch,
            """
            Changes of table \(table.name) may not have been sent: \(gap).\(kinds)
            """, advice: copyAnew)
    }
}
