internal import LeatCatalogs
internal import LeatCore
internal import PGClient
internal import PGWire

/// Where a stream keeps what the tables of its source were: with the data that it speaks of.
protocol DefinitionKeeper: Sendable {
    /// Whether all of a table that joins is sent, so that what it is counts from its first look on.
    var takesNewTables: Bool { get }

    /// What else would make rows others than what is kept, beside what nobody learns from a stream.
    ///
    /// - Parameter source: A session of the source.
    func findings(
        from known: KnownDefinitions, to table: SourceTable, _ source: Connection
    ) async throws -> [DefinitionChange.Finding]

    /// Whether a table or a partition that is empty on the source, and has another file than it
    /// had, has lost no row that was sent.
    ///
    /// - Parameters:
    ///   - definition: What the source's table is.
    ///   - source: A session of the source.
    /// - Returns: Nil if that cannot be found out now.
    func hasLostNone(
        _ file: UInt32, of table: DefinitionWatch.Table, as definition: TableDefinition,
        on source: Connection
    ) async throws -> Bool?

    /// - Parameter truncates: Those that are no longer needed.
    /// - Returns: False if it cannot be reached now.
    func keep(
        _ tables: [DefinitionWatch.Table], forgetting truncates: [AppliedTruncate]
    ) async throws -> Bool

    /// Truncates that were applied, and may be newer than what is kept of their tables; nil if it
    /// cannot be reached now.
    func truncates() async throws -> [AppliedTruncate]?

    /// Keeps that tables were published no longer when the source's WAL ended there.
    ///
    /// - Returns: False if it cannot be reached now.
    func leave(_ tables: [DefinitionWatch.Table], at end: LSN) async throws -> Bool

    /// Forgets tables of which nothing more comes.
    ///
    /// - Returns: False if it cannot be reached now.
    func giveUp(_ tables: [TableName]) async throws -> Bool

    /// Keeps that rows of a table may be others than those that were sent.
    ///
    /// - Parameters:
    ///   - end: Of the source's WAL when that was noticed.
    ///   - isFoundAgain: Whether the next look finds it too.
    func doubt(
        _ table: TableName, because reason: String, at end: LSN, isFoundAgain: Bool
    ) async throws

    /// Whatever was changed without being sent, it was after this.
    func looked(upTo position: LSN) async throws

    /// The stream has told all that it can of what was seen of a table: what it goes into must have
    /// followed.
    ///
    /// - Returns: False if it has not.
    func follow(_ table: inout DefinitionWatch.Table) async throws -> Bool
}

/// In `leat.tables`, by a session of its own for a moment: the applier's may be within a
/// transaction that is rolled back.
struct TargetDefinitions: DefinitionKeeper {
    let target: OwnTargetSession
    let stream: StreamName

    var takesNewTables: Bool { false }

    /// The target's table is compared with the source's where the stream describes it anew.
    func findings(
        from known: KnownDefinitions, to table: SourceTable, _ source: Connection
    ) async throws -> [DefinitionChange.Finding] { [] }

    /// What was lost is on the target still. Rows that the source has got since are told from that
    /// by nothing: when in doubt they are suspected.
    func hasLostNone(
        _ file: UInt32, of table: DefinitionWatch.Table, as definition: TableDefinition,
        on source: Connection
    ) async throws -> Bool? {
        let base = table.definitions.base
        let isNamedAlike = definition.columns.allSatisfy {
            base[$0.number]?.name.isSameName(as: $0.name) ?? false
        }
        var rows = "true"
        if isNamedAlike, file != table.id.rawValue {
            rows = try await source.run { try SourceCatalog(session: $0).rows(ofPartition: file) }
        }
        let there = TargetDefinitions.table(of: table, as: definition)
        let question = "select not exists (select from \(there) where \(rows))"
        do {
            return try await target.run { session in
                // The applier may hold a lock, and wait for this.
                try session.waitingForLocks(atMost: .seconds(1)) {
                    try session.query(question).bool()
                }
            }
        } catch let error as ConnectionError where error.sqlState == .lockNotAvailable {
            return nil
        } catch let error as ConnectionError
            where error.sqlState?.rawValue.hasPrefix("42") == true
        {
            // The target's table has other columns: nobody can tell.
            return false
        }
    }

    /// The target's table, with the source's names of columns.
    private static func table(
        of table: DefinitionWatch.Table, as definition: TableDefinition
    ) -> String {
        guard !table.route.renamed.isEmpty else { return table.route.target.quoted }
        let columns = definition.columns.map { column in
            "\(SQLText.identifier(table.route.column(column.name))) as "
                + SQLText.identifier(column.name)
        }
        return "(select \(columns.joined(separator: ", ")) from \(table.route.target.quoted)) v"
    }

    func keep(
        _ tables: [DefinitionWatch.Table], forgetting truncates: [AppliedTruncate]
    ) async throws -> Bool {
        let stream = stream
        let definitions = Dictionary(
            tables.map { ($0.name, $0.definitions) }, uniquingKeysWith: { first, _ in first })
        let kept: Void? = try await target.run { session in
            try session.transaction {
                try TableStore(session: session, stream: stream).keep(definitions)
                try TruncateStore(session: session, stream: stream).forget(truncates)
            }
        }
        return kept != nil
    }

    func truncates() async throws -> [AppliedTruncate]? {
        let stream = stream
        return try await target.run { try TruncateStore(session: $0, stream: stream).read() }
    }

    func leave(_ tables: [DefinitionWatch.Table], at end: LSN) async throws -> Bool {
        let stream = stream
        let tables = Dictionary(
            tables.map { ($0.name, end) }, uniquingKeysWith: { first, _ in first })
        let kept: Void? = try await target.run { session in
            try TableStore(session: session, stream: stream).leave(tables)
        }
        return kept != nil
    }

    func giveUp(_ tables: [TableName]) async throws -> Bool {
        let stream = stream
        let kept: Void? = try await target.run { session in
            try session.transaction {
                try TableStore(session: session, stream: stream).giveUp(tables)
                try LeftOutStore(session: session, stream: stream).addFormer(tables)
            }
        }
        return kept != nil
    }

    func doubt(
        _ table: TableName, because reason: String, at end: LSN, isFoundAgain: Bool
    ) async throws {
        guard !isFoundAgain else { return }
        let stream = stream
        _ = try await target.run { session in
            try TableStore(session: session, stream: stream).doubt(table, because: reason)
        }
    }

    func looked(upTo position: LSN) async throws {}

    func follow(_ table: inout DefinitionWatch.Table) async throws -> Bool {
        guard let target = try await target(table.route.target) else { return true }
        let (base, seen) = (table.definitions.base, table.definitions.seen)
        let sent = seen.columns.filter { $0.generation == .none }
        let has = sent.allSatisfy { column in
            guard base[column.number] == nil else { return table.isNamed(column, on: target) }
            return target.columns.contains { found in
                found.name.isSameName(as: table.route.column(column.name))
                    && !table.holdsAnother(found, than: column)
            }
        }
        let retyping = Retyping(from: base, to: seen)
        let isRetyped = retyping.numbers.allSatisfy { number in
            let found = table.columns[number].flatMap { known in
                target.columns.first { $0.number == known.targetNumber }
            }
            return found.map { TableDefinition.TargetType($0) } != retyping.targets[number]
        }
        guard has, isRetyped else { return false }
        table.definitions.follow(on: target, by: table.columns)
        return true
    }

    /// Nil if it cannot be reached now, or has no such table.
    private func target(_ table: TableName) async throws -> TargetTable? {
        try await target.run { session in
            try TargetTables.resolve([table], on: session)[table]?.get()
        } ?? nil
    }
}
