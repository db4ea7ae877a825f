internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import Logging
internal import PGClient
internal import PGWire

/// What every job that reads a slot does before it streams, whatever takes the stream and wherever
/// its position is kept: what is found of slot and source, how to begin, and the slot itself.
///
/// What differs is the ``PositionKeeper``'s, and what the job does between the steps.
struct SlotPreparation {
    let configuration: SourceConfiguration
    let receiver: SlotReceiver
    let source: Connection
    /// Of transactions that a new slot waits for.
    var showsValues = false
    let logger: Logger

    /// What does not change while a stream flows, and what is compared with later.
    struct Server: Sendable {
        var version: Int
        var walSenderTimeout: Duration
        var publications: [PublicationIdentity]
        /// `publish_via_partition_root` of each publication.
        var viaRoot: [String: Bool]
    }

    // MARK: What is found

    /// - Parameter kept: What the keeper has read.
    func facts<Keeper: PositionKeeper>(
        of system: SystemIdentity, _ kept: Keeper.Kept?, in keeper: Keeper, copiesTables: Bool
    ) async throws -> StartFacts {
        let name = configuration.slotName
        let stored = try kept.flatMap(keeper.stored)
        let (slot, database) = try await source.run { session in
            (
                try ReplicationSlot(session: session, name: name).facts(),
                try DatabaseIdentity.databaseOID(session)
            )
        }
        var branch: LSN?
        if let stored, !stored.isCreating, stored.timeline != system.timeline {
            branch = try await branchPoint(of: stored.timeline, system)
        }
        var facts = StartFacts(
            stored: stored, slot: slot, slotName: name, systemIdentifier: system.systemIdentifier,
            database: system.database, timeline: system.timeline, walEnd: system.walEnd,
            branchPoint: branch, copiesTables: copiesTables, keeper: keeper.words)
        facts.databaseOID = database
        facts.isSlotNamed = configuration.slot != nil
        return facts
    }

    private func branchPoint(of timeline: UInt32, _ system: SystemIdentity) async throws -> LSN? {
        guard timeline < system.timeline else { return nil }
        let content = try await receiver.run { session in
            try session.timelineHistory(system.timeline)
        }
        return TimelineHistory(content).end(of: timeline)
    }

    // MARK: The slot

    /// - Throws: ``Halt`` where going on, or beginning, would lose or repeat changes.
    func decide(by facts: StartFacts) async throws -> StartDecision {
        let decision = try StartDecision(facts)
        try await source.run { session in
            try session.checkDecoding(needsSlot: decision == .create)
        }
        return decision
    }

    /// The slot of a stream that begins, and its position: from here on the stream goes on.
    func begin<Keeper: PositionKeeper>(
        _ stream: NewStream, by decision: StartDecision, of tables: [SourceTable],
        in keeper: Keeper
    ) async throws -> (NewStream.Point, Keeper.Begun) {
        let point: NewStream.Point
        if case .adopt(let position) = decision {
            logger.info("taking over slot", metadata: ["slot": "\(configuration.slotName)"])
            point = NewStream.Point(position: position, slot: nil)
        } else {
            let slot = try await make(by: decision)
            point = NewStream.Point(position: slot.consistentPoint, slot: slot)
        }
        return (point, try await keeper.begin(stream, at: point, of: tables))
    }

    /// - Returns: The stream's own slot, anew; nobody has read the one that may be there.
    private func make(by decision: StartDecision) async throws -> CreatedSlot {
        let name = configuration.slotName
        if decision == .recreate {
            logger.info("dropping a slot that was never read", metadata: ["slot": "\(name)"])
            let patience = try await source.run { try $0.walSenderTimeout() }
            let wait = PredecessorWait(patience: patience, logger: logger)
            try await wait {
                try await source.run { try ReplicationSlot(session: $0, name: name).drop() }
            }
        }
        let slot = try await create(name, isTemporary: false)
        FailPoint.slotCreated.reached()
        return slot
    }

    /// For its snapshot and the point of that.
    func makeTemporary(_ name: String) async throws -> CreatedSlot {
        try await create(name, isTemporary: true)
    }

    private func create(_ name: String, isTemporary: Bool) async throws -> CreatedSlot {
        let receiver = receiver
        return try await SlotWait.creating(
            for: configuration, showsValues: showsValues, logger: logger
        ) {
            try await receiver.run { try $0.createSlot(name, isTemporary: isTemporary) }
        }
    }

    func dropTemporary(_ name: String) async throws {
        try await receiver.run { _ = try $0.execute("DROP_REPLICATION_SLOT \"\(name)\"") }
    }

    // MARK: What is compared with later

    func server() async throws -> Server {
        let configuration = configuration
        return try await source.run { session in
            let publication = Publication(session: session, configuration: configuration)
            return Server(
                version: session.serverVersion,
                walSenderTimeout: try session.walSenderTimeout(),
                publications: try publication.identities(), viaRoot: try publication.viaRoot())
        }
    }
}

extension Session {
    /// How long a walsender waits for a client that is gone; where it waits for ever, a minute.
    fileprivate func walSenderTimeout() throws -> Duration {
        let timeout = try query(
            "select setting from pg_catalog.pg_settings where name = 'wal_sender_timeout'"
        ).int()
        return timeout == 0 ? .seconds(60) : .milliseconds(timeout)
    }
}
