internal import LeatCatalogs
public import LeatCore
public import PGClient
public import PGWire

/// Moves a slot forward with `pg_replication_slot_advance`: its reader will not get what lies
/// between.
///
/// The server confirms at the end, in one step: cancelled or killed before, the slot stands where
/// it stood. It writes the new position at its next checkpoint; after a crash before that the slot
/// is back at the old one, and nothing is lost by it.
public struct SlotAdvance: Sendable {
    public enum Destination: Sendable, Equatable {
        /// The end of the server's WAL as it is at that moment.
        case now
        case lsn(LSN)
    }

    /// What would be done.
    public struct Plan: Sendable {
        public var slot: ServerSlot
        public var from: LSN
        public var to: LSN
        public var stream: SlotStream?
        /// The destination was beyond the end of the WAL, which is as far as a slot can go.
        public var isCut: Bool
        /// Only `--yes` lets it happen.
        public var refusal: Halt?

        public var skippedBytes: Int { from.distance(to: to) }

        /// What is run on the server.
        public var statement: String {
            """
            select end_lsn from pg_catalog.pg_replication_slot_advance(\
            \(SQLText.literal(slot.name)), \(SQLText.literal("\(to)")))
            """
        }
    }

    public var name: SlotName
    public var destination: Destination
    /// `--yes`.
    public var isForced: Bool
    public var command = "leat slot advance"

    public init(name: SlotName, to destination: Destination, isForced: Bool) {
        (self.name, self.destination, self.isForced) = (name, destination, isForced)
    }

    /// Changes nothing.
    ///
    /// - Throws: ``Halt``, for what no `--yes` can make possible.
    public func plan(_ source: Conninfo, streams: SlotStreams.Known) async throws -> Plan {
        try await Connection.with(source, peer: .source, command: command) { session in
            try plan(on: session, among: streams)
        }
    }

    /// - Returns: Where the slot stands then.
    /// - Throws: ``Halt``: with exit code 130 after a stop, when the slot has not moved.
    public func run(_ plan: Plan, on source: Conninfo, until stopped: @escaping StopWish)
        async throws -> LSN
    {
        try await Connection.halting(as: .source) {
            let connection = try await Connection.open(source, peer: .source, command: command)
            return try await closing(connection) {
                try await advance(plan, on: connection, until: stopped)
            }
        }
    }

    private func advance(
        _ plan: Plan, on connection: Connection, until stopped: @escaping StopWish
    ) async throws -> LSN {
        let cancel = try await connection.run { $0.cancelRequest }
        let limit = TimeLimit()
        do {
            return try await limit.run(
                within: nil, until: stopped, atEnd: { cancel?.sendInBackground() }
            ) {
                try await connection.query(plan.statement).lsn()
            }
        } catch let error as ConnectionError
            where error.sqlState == .queryCanceled && limit.end != nil
        {
            throw Halt(.interrupted, "Slot \(name) was not advanced: interrupted.")
        } catch let error as ConnectionError where error.sqlState == .insufficientPrivilege {
            throw SlotPrivilege.halt(error)
        }
    }
}

// MARK: Plan

extension SlotAdvance {
    private func plan(on session: Session, among streams: SlotStreams.Known) throws -> Plan {
        guard let slot = try SlotCatalog.read(session, names: [name.text]).first else {
            throw SlotStreams.noSlot(name.text)
        }
        let from = try position(slot)
        try checkUse(of: slot, on: session)
        let end = try SourceEnd.complete(session)
        let own = try streams.of(session)
        let wanted: LSN =
            switch destination {
            case .now: max(end, from)
            // A server that stands at a page's start names the end of the page's header.
            case .lsn(let lsn): SourceEnd.isWithinHeader(lsn, after: end) ? max(end, from) : lsn
            }
        guard wanted >= from else {
            throw Halt(
                .preflight,
                """
                Slot \(name) is confirmed up to \(from), which is beyond \(wanted): a slot only \
                moves forward.
                """)
        }
        let stream = own.stream(of: slot)
        let refusals = [
            beyondEnd(wanted, end: end), beyondStream(min(wanted, end), of: stream),
            own.isKnown || stream != nil ? nil : unknownStream(slot),
        ]
        return Plan(
            slot: slot, from: from, to: max(min(wanted, end), from), stream: stream,
            isCut: wanted > end, refusal: isForced ? nil : refusals.lazy.compactMap { $0 }.first)
    }

    private func position(_ slot: ServerSlot) throws -> LSN {
        guard !slot.isLost else {
            throw Halt(
                .positionMismatch,
                """
                Slot \(name) cannot be advanced: it was invalidated \
                (\(slot.invalidationReason ?? "wal_removed")).
                """, advice: "leat slot drop \(name), and begin its reader anew.")
        }
        guard let position = slot.confirmedFlushLSN ?? slot.restartLSN else {
            throw Halt(
                .source, "Slot \(name) cannot be advanced: it was never used and has no position.")
        }
        return position
    }

    private func checkUse(of slot: ServerSlot, on session: Session) throws {
        guard !slot.isActive else {
            let user = try ReplicationSlot(session: session, name: slot.name).user()
            throw Halt(
                .source, "Slot \(name) is in use by \(user), so it cannot be advanced.",
                advice: "Stop that process first.")
        }
        let database = try session.query("select pg_catalog.current_database()").text()
        guard let own = slot.database, !own.isSameName(as: database) else { return }
        throw Halt(
            .configuration,
            "Slot \(name) is of database \(own), and --source leads to \(database).",
            advice: "Give --source with \(Conninfo.setting("dbname", to: own)).")
    }

    private func beyondEnd(_ wanted: LSN, end: LSN) -> Halt? {
        guard wanted > end else { return nil }
        return Halt(
            .preflight, "\(wanted) is beyond the end of the source's WAL, \(end).",
            advice: """
                Is it of another server? A slot cannot be advanced past the end; --yes advances \
                it to the end, as "now" does.
                """)
    }

    private func beyondStream(_ to: LSN, of stream: SlotStream?) -> Halt? {
        guard let stream else { return nil }
        guard stream.state == "creating" || to > stream.position else { return nil }
        return Halt(
            .preflight,
            """
            Stream \(stream.stream) has stored everything up to \(stream.position): advancing its \
            slot to \(to) loses the changes between, \
            \(Units.bytes(stream.position.distance(to: to))) of WAL.
            """,
            advice: """
                \(stream.position) is as far as it can go without a loss. With --yes the stream \
                has to be begun anew: it refuses a slot that is ahead of it.
                """)
    }

    private func unknownStream(_ slot: ServerSlot) -> Halt? {
        SlotStreams.streamName(of: slot).map { stream in
            Halt(
                .preflight,
                """
                Slot \(slot.name) looks like that of stream \(stream), whose position cannot be \
                seen without its target.
                """, advice: "Give --target, or --yes to advance it all the same.")
        }
    }
}
