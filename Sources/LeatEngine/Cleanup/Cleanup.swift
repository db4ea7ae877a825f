internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
public import Logging
internal import PGClient

/// Removes a stream: its slot and publication if they are its own, its origin, its rows in
/// schema `leat`, its state folder. Triggers that it has disabled are enabled again. The tables
/// and their rows stay.
///
/// The target's rows go last: whatever ends it before that, a second try finds what is left.
public struct Cleanup: Sendable {
    /// Which servers are there.
    public enum Reach: Sendable {
        case both
        /// No source was named: a stream that reads an archive needs none.
        case noSource
        /// The source is gone, or is not to be asked.
        case targetOnly
    }

    /// What there is to remove.
    public struct Plan: Sendable {
        public var slot: String?
        public var publication: String?
        public var keptSlot: String?
        public var keptPublications: [String]
        /// Triggers that the stream has disabled, each `trigger of schema.table`.
        public var triggers: [String]
        /// What stays and is for the operator to remove, one line each; as far as it is known
        /// beforehand.
        public var left: [String] = []

        /// One line each, for a question.
        public var lines: [String] {
            var lines: [String] = []
            if let slot { lines.append("source: slot \(slot)") }
            if let publication { lines.append("source: publication \(publication)") }
            lines += triggers.map { "target: trigger \($0) is enabled again" }
            lines.append("target: this stream's rows in schema leat")
            return lines
        }
    }

    private let configuration: SyncConfiguration
    private let reach: Reach
    private let logger: Logger

    /// - Parameter reach: Whether the configuration's source is one.
    public init(_ configuration: SyncConfiguration, reach: Reach, logger: Logger) {
        self.configuration = configuration
        self.reach = reach
        self.logger = logger
    }

    /// - Parameter confirm: Asked once, with what will go.
    /// - Returns: What stays after all, one line each; nil if there is nothing of this stream, or it
    ///   was not confirmed.
    /// - Throws: ``Halt``.
    public func run(confirm: (Plan) -> Bool) async throws -> [String]? {
        let applier = Applier(stream: configuration.stream)
        let source = Connection(label: "leat.source")
        do {
            return try await closing(source, applier) {
                try await run(applier, on: source, confirm: confirm)
            }
        } catch {
            guard case .halt(let halt) = Failure(ofJob: error, wasConnected: false) else {
                throw Halt(.internalError, "\(error)")
            }
            throw halt
        }
    }

    private func run(
        _ applier: Applier, on source: Connection, confirm: (Plan) -> Bool
    ) async throws -> [String]? {
        let stream = configuration.stream
        try await applier.connect(configuration.target)
        let progress = try await applier.run { session -> Progress? in
            guard try LeatSchema.isPresent(session) else { return nil }
            try TrustedSchema.check(session)
            return try session.transaction {
                try ProgressStore(session: session, stream: stream).readForUpdate()
            }
        }
        guard let progress else { return nil }
        let asksSource = !progress.isReplay && reach != .targetOnly
        if asksSource { try await open(source, of: progress) }
        let triggers = try await applier.run { session in
            try TriggerJournal(session: session, stream: stream).entries()
        }
        var plan =
            asksSource
            ? try await plan(for: progress, on: source, triggers: triggers)
            : Plan(keptPublications: [], triggers: triggers.map { "\($0.trigger) of \($0.table)" })
        plan.left = try await left(by: progress, on: applier) + leftOnSource(by: plan, of: progress)
        guard confirm(plan) else { return nil }
        if asksSource { try await remove(plan, on: source) }
        try await applier.run { session in
            _ = try TriggerJournal(session: session, stream: stream).restore()
            try OriginMark(session: session, stream: stream).drop()
            try session.transaction {
                try ProgressStore(session: session, stream: stream).delete()
                try PendingSchema(session: session, stream: stream).forget()
                try RequestStore(session: session, stream: stream).forget()
            }
        }
        return plan.left + leftHere(progress)
    }

    /// A replay has no state folder, so one of the stream's name is somebody else's.
    private func leftHere(_ progress: Progress) -> [String] {
        let (path, stream) = (configuration.stateDirectory, configuration.stream)
        guard !progress.isReplay, let why = StateFolder.remove(at: path, of: stream, logger: logger)
        else {
            return []
        }
        return ["state folder \(path): \(why)"]
    }

    /// Folders are not touched: they may be on another machine, and what is in them nowhere else.
    private func left(by progress: Progress, on applier: Applier) async throws -> [String] {
        if let spool = progress.spool {
            return ["spool \(spool.place): remove the folder; a new stream does not begin in it"]
        }
        guard progress.isReplay else { return [] }
        let (target, pending) = try await applier.run { session in
            let isThere = try LeatSchema.isPresent("leat.pending_schema", on: session)
            let pending = PendingSchema(session: session, stream: configuration.stream)
            return (try DatabaseIdentity(session), isThere ? try pending.statements() : [])
        }
        let name = ReaderName.text(stream: configuration.stream, target)
        return [
            """
            \(progress.stored.slot), in which this reader holds what it has not applied: leat \
            archive prune ARCHIVE --forget \(name)
            """
        ] + pending.map { "of the base's schema, not made on the target yet: \($0)" }
    }

    /// What was made for the stream and could not be removed, and what the operator has made.
    private func leftOnSource(by plan: Plan, of progress: Progress) -> [String] {
        guard !progress.isReplay else { return [] }
        let (slot, place) = (progress.stored.slot, "source, database \(progress.stored.database)")
        let names = progress.publications.map(\.name)
        guard reach == .targetOnly else {
            var kept: [String] = []
            if let slot = plan.keptSlot {
                kept.append("slot \(slot), which is not of this stream's making; it keeps WAL")
            }
            if !plan.keptPublications.isEmpty {
                let list = plan.keptPublications.joined(separator: ", ")
                kept.append("publication \(list), which is not of this stream's making")
            }
            return kept
        }
        let dropSlot = "select pg_catalog.pg_drop_replication_slot(\(SQLText.literal(slot)));"
        let own = progress.ownsPublication ? names : []
        let why = progress.ownsSlot ? "" : " (not of this stream's making; it keeps WAL)"
        return ["\(place): \(dropSlot)\(why)"]
            + own.map { "\(place): drop publication if exists \(SQLText.identifier($0));" }
    }

    private func open(_ source: Connection, of progress: Progress) async throws {
        guard reach == .both else {
            throw Halt(
                .configuration, "--source is missing.",
                advice: """
                    Give --source or set LEAT_SOURCE to a libpq URI or conninfo. If the source is \
                    gone: --target-only.
                    """)
        }
        try await source.open(
            configuration.source,
            options: .init(peer: .source, applicationName: configuration.stream.objectName))
        try await source.run { try $0.prepare() }
        try await checkSource(of: progress, on: source)
    }

    /// Another source may have a slot of the same name.
    private func checkSource(of progress: Progress, on source: Connection) async throws {
        let identity = try await source.run { try DatabaseIdentity($0) }
        guard identity.systemIdentifier == progress.stored.systemIdentifier,
            identity.databaseKey.isSame(as: progress.stored.databaseKey)
        else {
            throw Halt(
                .positionMismatch,
                """
                This stream comes from database \(progress.stored.database) of system \
                \(progress.stored.systemIdentifier), not from this source.
                """, advice: "Check --source.")
        }
    }

    private func plan(
        for progress: Progress, on source: Connection, triggers: [TriggerJournal.Entry]
    ) async throws -> Plan {
        let slot = progress.stored.slot
        let (slotExists, found) = try await source.run { session in
            (
                try ReplicationSlot(session: session, name: slot).facts() != nil,
                try ownPublication(of: progress, on: session)
            )
        }
        return Plan(
            slot: progress.ownsSlot && slotExists ? slot : nil,
            publication: found,
            keptSlot: progress.ownsSlot ? nil : slot,
            keptPublications: progress.ownsPublication ? [] : progress.publications.map(\.name),
            triggers: triggers.map { "\($0.trigger) of \($0.table)" })
    }

    /// What the stream's own publication is called now; nil if there is none.
    ///
    /// One that was made after ours was dropped is not ours. Before the stream began, there are no
    /// identities to compare.
    private func ownPublication(of progress: Progress, on session: Session) throws -> String? {
        guard progress.ownsPublication else { return nil }
        let publication = Publication(session: session, configuration: configuration.reading)
        guard !progress.stored.isCreating else { return try publication.identities().first?.name }
        let made = Set(progress.publications.map(\.oid))
        return try publication.known(progress.publications).first { made.contains($0.oid) }?.name
    }

    private func remove(_ plan: Plan, on source: Connection) async throws {
        if let slot = plan.slot {
            let wait = PredecessorWait(patience: .seconds(5), logger: logger)
            try await wait {
                try await source.run { try ReplicationSlot(session: $0, name: slot).drop() }
            }
        }
        try await source.run { session in
            if let publication = plan.publication {
                try session.execute(
                    "drop publication if exists \(SQLText.identifier(publication))")
            }
        }
    }
}
