internal import LeatCatalogs
internal import LeatCore
internal import Logging
internal import PGClient
internal import PGWire

/// What a start finds out about rows that have changed on the source without being sent, since the
/// last look: see ``DefinitionWatch``.
struct FoundDefinitions: Sendable {
    /// Of the tables that go on, as it is to be stored.
    var known: [TableName: KnownDefinitions] = [:]
    /// Tables whose rows may be others than those that were sent.
    var doubts: [TableName: Halt] = [:]
    /// Tables that may have been unlogged, unless the stream has something to say of it.
    var suspicions: [RelationID: DefinitionWatch.Suspicion] = [:]
    /// Tables that may have been unlogged, which nothing can tell any more.
    var hidden: Set<TableName> = []

    /// Looks at a table as the last run has left off.
    ///
    /// - Parameters:
    ///   - stored: Nil for a stream of an earlier version, which knows nothing yet.
    ///   - doubt: Why its rows may be others, as was found before.
    ///   - end: Of the source's WAL.
    ///   - more: What else there is to find: see ``DefinitionKeeper``.
    mutating func look(
        at table: SourceTable, stored: KnownDefinitions?, doubt: String?, until end: LSN,
        on source: Connection, more: [DefinitionChange.Finding] = []
    ) async throws {
        if let doubt { doubts[table.name] = Halt.doubtful(table.name, because: doubt) }
        guard var known = stored else {
            return self.known[table.name] = KnownDefinitions(table.definition)
        }
        let now = table.definition
        let change = DefinitionChange(from: known.seen, to: now, sent: table)
        if DefinitionChange(from: known.base, to: now, sent: table).hidesUnlogged {
            hidden.insert(table.name)
        }
        let returned = known.returned(to: now, sent: table.columns.map(\.name))
        let standing = try await source.run { session in
            try SourceCatalog(session: session).standing(change.findings + returned + more)
        }
        let hard = (standing ?? []).filter { !$0.mayBeTruncate }
        if !hard.isEmpty { doubts[table.name] = Halt.doubtful(table.name, by: hard) }
        let soft = (standing ?? []).filter(\.mayBeTruncate)
        if hard.isEmpty, !soft.isEmpty {
            suspicions[table.relation.id] = .init(doubts: soft, definition: now, end: end)
        }
        if standing?.isEmpty == true { _ = known.look(now, at: end) }
        self.known[table.name] = known
    }
}

extension Logger {
    /// It is not doubtful enough to stop at each such ALTER; but nobody is to find it out by rows
    /// that are missing.
    func tellHidden(
        _ table: TableName, because reason: String = DefinitionChange.hiddenReason
    ) {
        warning(
            """
            table may have rows that were not sent: \(reason). If so, copy \
            it anew: \(PublicationWatch.copyOne)
            """, metadata: ["table": "\(table)"])
    }
}
