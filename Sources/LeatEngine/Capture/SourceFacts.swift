internal import LeatCatalogs
internal import LeatCore
internal import PGClient
internal import PGWire

/// What a start has to know of the source, whatever takes the stream.
struct SourceFacts {
    let configuration: SourceConfiguration
    let receiver: SlotReceiver
    let source: Connection

    /// What does not change while a stream flows, and what is compared with later.
    struct Server: Sendable {
        var version: Int
        var walSenderTimeout: Duration
        var publications: [PublicationIdentity]
        /// `publish_via_partition_root` of each publication.
        var viaRoot: [String: Bool]
    }

    func start(
        of system: SystemIdentity, stored: StartFacts.Stored?, keeper: PositionKeeper,
        copiesTables: Bool
    ) async throws -> StartFacts {
        let name = configuration.slotName
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
            branchPoint: branch, copiesTables: copiesTables, keeper: keeper)
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

    func server() async throws -> Server {
        let configuration = configuration
        return try await source.run { session in
            let publication = Publication(session: session, configuration: configuration)
            let timeout = try session.query(
                "select setting from pg_catalog.pg_settings where name = 'wal_sender_timeout'"
            ).int()
            return Server(
                version: session.serverVersion,
                walSenderTimeout: timeout == 0 ? .seconds(60) : .milliseconds(timeout),
                publications: try publication.identities(), viaRoot: try publication.viaRoot())
        }
    }
}
