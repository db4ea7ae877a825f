internal import LeatCatalogs
public import LeatCore
public import PGClient
internal import PGWire

/// Drops slots, after a look at who needs them.
public struct SlotRemoval: Sendable {
    public var names: [SlotName]
    /// End the walsender that holds a slot, and no other session.
    public var terminates = false
    /// Those that are not there are no error.
    public var mayBeMissing = false
    /// `--yes`: also of a stream that is not finished.
    public var isForced = false
    public var command = "leat slot drop"

    private static let patience: Duration = .seconds(10)

    /// What would be done.
    public struct Plan: Sendable {
        public var slots: [ServerSlot]
        public var missing: [String]
        public var freed: KeptWAL.Freed
        /// What is lost, a line each; empty where nothing is.
        public var losses: [String]
        public var statements: [String]
        /// Of what is lost, only `--yes` says that it may be.
        public var refusal: Halt?
    }

    public init(names: [SlotName]) {
        self.names = names
    }

    /// - Parameter confirm: Asked once, before anything is done, and only if there is something to
    ///   do. What it throws ends it.
    /// - Returns: The plan that was carried out; nil if it was not confirmed.
    /// - Throws: ``Halt``. All names are looked at before the first is dropped.
    public func run(
        _ source: Conninfo, streams: SlotStreams.Known, confirm: @Sendable (Plan) throws -> Bool
    ) async throws -> Plan? {
        try await Connection.with(source, peer: .source, command: command) { session in
            let plan = try plan(on: session, among: streams)
            guard try confirm(plan) else { return nil }
            for slot in plan.slots { try drop(slot, on: session) }
            return plan
        }
    }
}

// MARK: Plan

extension SlotRemoval {
    private func plan(on session: Session, among streams: SlotStreams.Known) throws -> Plan {
        let all = try SlotCatalog.read(session)
        let wanted = names.map(\.text)
        let missing = wanted.filter { name in !all.contains { $0.name == name } }
        if let name = missing.first, !mayBeMissing { throw SlotStreams.noSlot(name) }
        let slots = wanted.compactMap { name in all.first { $0.name == name } }
        let limits = try SlotCatalog.limits(session)
        let own = try streams.of(session)
        for slot in slots { try checkHolder(of: slot, on: session) }
        let kept = try SlotCatalog.keptWAL(by: all, within: limits, on: session)
        return Plan(
            slots: slots, missing: missing,
            freed: kept.freed(dropping: Set(wanted)),
            losses: slots.compactMap { loss(of: $0, own: own, within: limits) },
            statements: slots.flatMap(statements),
            refusal: isForced
                ? nil : slots.lazy.compactMap { refusal(of: $0, own: own, within: limits) }.first)
    }

    private func statements(_ slot: ServerSlot) -> [String] {
        let name = SQLText.literal(slot.name)
        let drop = "select pg_catalog.pg_drop_replication_slot(\(name));"
        guard let holder = slot.holder else { return [drop] }
        return [
            """
            select pg_catalog.pg_terminate_backend(active_pid, 5000) \
            from pg_catalog.pg_replication_slots where slot_name = \(name) \
            and active_pid = \(holder.pid);
            """, drop,
        ]
    }

    private func checkHolder(of slot: ServerSlot, on session: Session) throws {
        guard slot.isActive else { return }
        let user = try ReplicationSlot(session: session, name: slot.name).user()
        if slot.isTemporary {
            throw Halt(
                .source, "Slot \(slot.name) is temporary: it goes with the session of \(user).",
                advice: "End that session.")
        }
        guard terminates else {
            throw Halt(
                .source, "Slot \(slot.name) is in use by \(user), so it cannot be dropped.",
                advice: "Stop that process first, or add --terminate to end its walsender.")
        }
    }

    /// A slot that a stream still needs is not dropped by a yes in passing.
    private func refusal(
        of slot: ServerSlot, own: SlotStreams.Own, within limits: SlotLimits
    ) -> Halt? {
        guard !slot.isLost else { return nil }
        if let stream = own.stream(of: slot) {
            let left = stream.position.distance(to: limits.walEnd)
            guard stream.state == "creating" || left > 0 else { return nil }
            return Halt(
                .preflight,
                """
                Slot \(slot.name) belongs to stream \(stream.stream), which has not stored the \
                last \(Units.bytes(left)) of WAL: its position is \(stream.position).
                """,
                advice: """
                    leat cleanup removes the stream with its slot. --yes drops the slot alone; \
                    the stream then cannot go on.
                    """)
        }
        guard !own.isKnown, let stream = SlotStreams.streamName(of: slot) else { return nil }
        return Halt(
            .preflight,
            """
            Slot \(slot.name) looks like that of stream \(stream), whose position cannot be seen \
            without its target.
            """, advice: "Give --target, or --yes to drop it all the same.")
    }

    private func loss(
        of slot: ServerSlot, own: SlotStreams.Own, within limits: SlotLimits
    ) -> String? {
        if let stream = own.stream(of: slot) {
            return "stream \(stream.stream) at \(stream.position) cannot go on without it"
        }
        guard let lag = slot.lagBytes(at: limits.walEnd), lag > 0 else { return nil }
        return "its reader has not confirmed the last \(Units.bytes(lag)) of WAL"
    }
}

// MARK: Drop

extension SlotRemoval {
    /// A reader that is quick to return may take the slot again before it is dropped.
    private func drop(_ slot: ServerSlot, on session: Session) throws {
        let deadline = ContinuousClock.now + SlotRemoval.patience
        while true {
            do {
                if terminates { try endHolder(of: slot, on: session) }
                return try ReplicationSlot(session: session, name: slot.name).drop()
            } catch let halt as Halt where terminates && halt.kind == .slotInUse {
                guard ContinuousClock.now < deadline else { throw halt }
                try session.query("select pg_catalog.pg_sleep(0.05)")
            } catch let error as ConnectionError where error.sqlState == .insufficientPrivilege {
                throw SlotPrivilege.halt(error)
            }
        }
    }

    /// The process is named by the slot in the same statement, so that no other can be hit.
    private func endHolder(of slot: ServerSlot, on session: Session) throws {
        let found: Record?
        do {
            found = try session.query(
                """
                select s.active_pid,
                  r.pid is not null and pg_catalog.pg_terminate_backend(r.pid, 5000) as is_ended
                from pg_catalog.pg_replication_slots s
                left join pg_catalog.pg_stat_replication r on r.pid = s.active_pid
                where s.slot_name = $1 and s.active_pid is not null
                """, with: [slot.name]
            ).firstRecord
        } catch {
            guard error.sqlState == .insufficientPrivilege else { throw error }
            throw Halt(
                .source,
                "The source role may not end the walsender of slot \(slot.name): \(error).",
                advice: """
                    grant pg_signal_backend to ...; for a superuser's walsender only a superuser \
                    will do.
                    """, kind: .slotInUse)
        }
        guard let found, try !found.bool("is_ended") else { return }
        throw Halt(
            .source,
            """
            Slot \(slot.name) is held by process \(try found.int("active_pid")), which is no walsender or does \
            not end.
            """, advice: "End that session yourself.", kind: .slotInUse)
    }
}
