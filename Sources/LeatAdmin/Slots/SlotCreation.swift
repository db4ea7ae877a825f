public import LeatCatalogs
public import LeatCore
public import PGClient
public import PGWire

/// Makes a logical slot with `pg_create_logical_replication_slot`.
///
/// The server keeps the slot to itself until every transaction that ran at its start has ended.
/// What is there then is whole; what is there before goes with the session:
///
/// - Stopped, or out of time: the statement is cancelled and its answer read. If the slot was made
///   in the same moment, it is dropped again, so that nothing is left in either case.
/// - Killed: the server looks once a second whether its client still lives
///   (`client_connection_check_interval`), also while it waits, and ends the session. Without it
///   the slot would be made hours later, with nobody to know of it.
public struct SlotCreation: Sendable {
    public var name: SlotName
    public var plugin = "pgoutput"
    /// As long as the session: see ``run(_:stop:created:)``.
    public var isTemporary = false
    public var isTwoPhase = false
    /// 17 and newer.
    public var isFailover = false
    /// A slot of that name that fits is as good.
    public var mayExist = false
    /// Nil: for as long as it takes.
    public var timeLimit: Duration?
    public var showsValues = false
    public var command = "leat slot create"

    public struct Outcome: Sendable, Equatable {
        /// Where the slot begins; of one that was there already, its confirmed position.
        public var consistentPoint: LSN?
        public var existed = false
    }

    public init(name: SlotName) {
        self.name = name
    }

    /// What is run on the server.
    public var statement: String {
        let options = [
            ("temporary", isTemporary), ("twophase", isTwoPhase), ("failover", isFailover),
        ].filter(\.1).map { ", \($0.0) => true" }.joined()
        return """
            select lsn from pg_catalog.pg_create_logical_replication_slot(\
            \(SQLText.literal(name.text)), \(SQLText.literal(plugin))\(options))
            """
    }

    /// Looks whether the server can make it, and changes nothing.
    ///
    /// - Returns: The outcome, if there is nothing to do.
    /// - Throws: ``Halt``.
    public func check(_ source: Conninfo) async throws -> Outcome? {
        try await Connection.with(source, peer: .source, command: command) { try check($0) }
    }

    /// - Parameters:
    ///   - waiting: Called once a second with those it waits for.
    ///   - created: Called when the slot is there. A temporary one goes when `run` returns, which
    ///     is at the stop.
    /// - Throws: ``Halt``: with exit code 130 after a stop, when nothing is left of the slot.
    public func run(
        _ source: Conninfo, until stopped: @escaping StopWish,
        waiting: @escaping @Sendable ([BlockingTransaction]) -> Void,
        created: @Sendable (Outcome) -> Void
    ) async throws {
        try await Connection.halting(as: .source) {
            let connection = try await Connection.open(source, peer: .source, command: command)
            try await closing(connection) {
                try await make(
                    on: connection, source, until: stopped, waiting: waiting, created: created)
            }
        }
    }
}

extension SlotCreation {
    private func check(_ session: Session) throws -> Outcome? {
        if isFailover, session.serverVersion < 170_000 {
            throw Halt(
                .source,
                """
                The source runs PostgreSQL \(session.serverVersion / 10_000), which has no \
                failover slots: they came with 17.
                """, advice: "Leave out --failover.")
        }
        if let slot = try SlotCatalog.read(session, names: [name.text]).first {
            return try existing(slot, on: session)
        }
        try session.checkDecoding(needsSlot: true, takesStandbys: true)
        return nil
    }

    private func existing(_ slot: ServerSlot, on session: Session) throws -> Outcome {
        guard mayExist else {
            throw Halt(
                .source, "Slot \(name) exists already.",
                advice: "Choose another name, or add --if-not-exists.")
        }
        guard !slot.isBeingCreated else {
            throw Halt(
                .source,
                """
                Slot \(name) is being created by process \
                \(slot.holder.map { "\($0.pid)" } ?? "?"), which waits for other transactions.
                """, advice: "Wait for it, or choose another name.")
        }
        let database = try session.query("select pg_catalog.current_database()").text()
        guard !slot.isLost, slot.plugin == plugin, slot.database == database,
            slot.isTemporary == isTemporary, (slot.isTwoPhase ?? false) == isTwoPhase,
            !isFailover || slot.isFailover == true
        else {
            let kind = slot.plugin.map { "\($0) in database \(slot.database ?? "?")" } ?? "physical"
            throw Halt(
                .source, "Slot \(name) exists, and is not what is asked for: it is \(kind).",
                advice: "leat slot list \(name) shows what it is.")
        }
        return Outcome(consistentPoint: slot.confirmedFlushLSN, existed: true)
    }

    private func make(
        on connection: Connection, _ source: Conninfo, until stopped: @escaping StopWish,
        waiting: @escaping @Sendable ([BlockingTransaction]) -> Void,
        created: @Sendable (Outcome) -> Void
    ) async throws {
        if let outcome = try await connection.run({ try check($0) }) { return created(outcome) }
        let creator = try await connection.run { session in
            // Where the server cannot do it (not on Linux), a kill leaves what it leaves.
            _ = try? session.execute("set client_connection_check_interval = '1s'")
            let pid = try session.query("select pg_catalog.pg_backend_pid()").int()
            return (pid: pid, cancel: session.cancelRequest)
        }
        let wait = SlotWait(
            source: source, command: command, backend: "w.pid = \(creator.pid)",
            showsValues: showsValues, interval: .seconds(1))
        let limit = TimeLimit()
        let point: LSN?
        do {
            point = try await limit.run(
                within: timeLimit, until: stopped,
                atEnd: { creator.cancel?.sendInBackground() }
            ) {
                try await wait.reporting(waiting) {
                    try await connection.query(statement).optionalLSN()
                }
            }
        } catch let error as ConnectionError
            where error.sqlState == .queryCanceled && limit.end != nil
        {
            throw ended(limit.end)
        } catch let error as ConnectionError where error.sqlState == .insufficientPrivilege {
            throw SlotPrivilege.halt(error)
        }
        if let end = limit.end {
            // It was made in the moment of the cancel.
            try await connection.run { try dropAgain($0) }
            throw ended(end)
        }
        created(Outcome(consistentPoint: point))
        if isTemporary { try await hold(connection, until: stopped) }
    }

    /// A cancel that was still on its way may hit the drop instead.
    private func dropAgain(_ session: Session) throws {
        for attempt in 1... {
            do {
                return try ReplicationSlot(session: session, name: name.text).drop()
            } catch let error as ConnectionError
                where error.sqlState == .queryCanceled && attempt < 20
            {
                continue
            }
        }
    }

    private func ended(_ end: TimeLimit.End?) -> Halt {
        switch end {
        case .stop, nil:
            Halt(.interrupted, "Slot \(name) was not created: interrupted. Nothing is left of it.")
        case .time:
            Halt(
                .source,
                "Slot \(name) was not created in time. Nothing is left of it.",
                advice: """
                    It waits for the transactions that ran when it began: end them, or give it \
                    more time with --timeout.
                    """)
        }
    }

    /// Until the stop; a session that is lost takes the slot with it.
    private func hold(
        _ connection: Connection, until stopped: @escaping StopWish
    ) async throws {
        var isStopped = false
        while !isStopped {
            try await connection.query("select null")
            isStopped = try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    await stopped()
                    return true
                }
                group.addTask {
                    try await Task.sleep(for: .seconds(1))
                    return false
                }
                defer { group.cancelAll() }
                return try await group.next() ?? true
            }
        }
        // The session's end would do it too, but a moment after ours.
        try await connection.run { try dropAgain($0) }
    }
}
