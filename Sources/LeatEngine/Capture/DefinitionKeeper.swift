internal import LeatCore
internal import PGClient
internal import PGWire

/// Where a stream keeps what the tables of its source were: with the data that it speaks of.
protocol DefinitionKeeper: Sendable {
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
    func leave(_ tables: [TableName: LSN]) async throws -> Bool

    /// Forgets tables of which nothing more comes.
    ///
    /// - Returns: False if it cannot be reached now.
    func giveUp(_ tables: [TableName]) async throws -> Bool

    /// Keeps that rows of a table may be others than those that were sent.
    func doubt(_ table: TableName, _ reason: String) async throws

    /// The table that has the rows; nil if it cannot be reached now, or has no columns to follow.
    func target(_ table: TableName) async throws -> TargetTable?
}

/// In `leat.tables`, by a session of its own for a moment: the applier's may be within a
/// transaction that is rolled back.
struct TargetDefinitions: DefinitionKeeper {
    let target: OwnTargetSession
    let stream: StreamName

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

    func leave(_ tables: [TableName: LSN]) async throws -> Bool {
        let stream = stream
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

    func doubt(_ table: TableName, _ reason: String) async throws {
        let stream = stream
        _ = try await target.run { session in
            try TableStore(session: session, stream: stream).doubt(table, reason)
        }
    }

    func target(_ table: TableName) async throws -> TargetTable? {
        try await target.run { session in
            try TargetTables.resolve([table], session)[table]?.get()
        } ?? nil
    }
}
