internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import Logging
internal import PGClient
internal import PGWire

/// One run of a stream, from taking it to the loss of a connection or its end.
///
/// The order, and what a crash after each step leaves:
///
/// 1. Connect, take the stream's lock, read its row `for update`. Nothing is changed.
/// 2. Decide how to start (``StartDecision``).
/// 3. New stream: row `creating`; publication; slot; row `streaming` at the slot's consistent
///    point together with `leat.tables`.
///    - After `creating`: no slot, or one that nobody has read: it is dropped and made again.
///    - After `streaming`: the tables are `init`; they are copied under a temporary slot's
///      snapshot S2, and changes that end at or before S2 are skipped for them.
/// 4. Copy; each table becomes `ready` in the transaction that brings its rows.
/// 5. Stream from the stored position. Nothing is confirmed that is not stored.
///
/// With a spool, that is begun (``TargetSpool``) once the row is `streaming` and the snapshot is
/// held, before the copy; step 5 streams from it.
struct SyncRun {
    var configuration: SyncConfiguration
    let stop: StopSignal
    let status: JobStatus
    let logger: Logger
    let ownBackend: OwnBackend
    let inProgress: InProgressHandling
    let transfer: TransferForm
    /// Between slot and target; nil: the slot is read directly.
    var spool: TargetSpool?

    /// The connections of a run. All end together.
    struct Servers {
        let applier: Applier
        /// Beside the applier.
        let sides: SideSessions
        let ahead: StagingAhead
        let receiver: SlotReceiver
        let source: Connection
        let target: DatabaseIdentity
        /// In which text travels.
        let encoding: String
        let desk: RequestDesk
    }

    /// - Parameter connected: Called once both servers were reached.
    func run(connected: () -> Void) async throws -> StreamEnding {
        let applier = Applier(
            stream: configuration.stream, handling: configuration.handling,
            silence: .telling(logger, limit: configuration.answerTimeout))
        let receiver = SlotReceiver()
        let source = Connection(label: "leat.source")
        return try await closing(receiver, source, applier) {
            // Each takes a server some milliseconds, or one that is away its time.
            async let opened: Void = source.open(
                configuration.source,
                options: .init(peer: .source, applicationName: configuration.stream.objectName))
            async let receiving: Void = receiver.open(
                configuration.source, stream: configuration.stream)
            try await applier.connect(configuration.target, own: ownBackend)
            let target = try await applier.run { try DatabaseIdentity($0) }
            try await opened
            let spooled = try spool?.encoding()
            let encoding = try await source.run { session in
                let encoding =
                    try spooled
                    ?? TransferEncoding.between(session.serverEncoding(), and: target.encoding)
                try session.prepare(clientEncoding: encoding)
                return encoding
            }
            try await applier.run { try $0.setClientEncoding(encoding) }
            try await receiving
            try await receiver.prepare(clientEncoding: encoding)
            connected()
            let sides = SideSessions(configuration.target, beside: applier, encoding: encoding)
            let ahead = StagingAhead(configuration.target, beside: applier, encoding: encoding)
            let servers = Servers(
                applier: applier, sides: sides, ahead: ahead, receiver: receiver, source: source,
                target: target, encoding: encoding,
                desk: RequestDesk(
                    target: configuration.target, stream: configuration.stream, status: status,
                    logger: logger))
            return try await closing(sides, ahead) { try await run(servers) }
        }
    }

    private func run(_ servers: Servers) async throws -> StreamEnding {
        try await checkDifferentDatabases(servers)
        let stream = configuration.stream
        try await servers.applier.run { session in
            try LeatSchema.ensure(session)
            try HaltNote.clear(of: stream, on: session)
        }
        return try await servers.desk.open(beside: servers.applier) {
            guard let change = try await PublicationSwitch(run: self, servers: servers).change()
            else { return try await follow(servers) }
            return try await readOn(after: change, on: servers)
        }
    }

    private func follow(_ servers: Servers) async throws -> StreamEnding {
        let prepared = try await StreamPreparation(run: self, servers: servers).prepare()
        guard !configuration.stopsAfterCopy else { return .copied }
        do {
            return try await StreamPhase(run: self, servers: servers, prepared: prepared).run()
        } catch let halt as Halt where !halt.copiesAnew.isEmpty && configuration.onRewrite == .copy
        {
            // The next start finds it, too.
            throw Restart(reason: halt.message)
        }
    }

    /// As until now, to where the other publications are known to send all that they do; then with
    /// those.
    private func readOn(
        after change: PublicationSwitch.Change, on servers: Servers
    ) async throws -> StreamEnding {
        let publications = PublicationSwitch(run: self, servers: servers)
        publications.tell(change)
        guard !change.before.isEmpty else { throw try await publications.take(change) }
        var first = self
        first.configuration.reading.publications = change.before.map(\.now.name)
        first.configuration.reading.namesInStream = change.before.map(\.stored.name)
        first.configuration.stopsAfterCopy = false
        let isOurs = configuration.reading.end.map { $0 > change.end } ?? true
        if isOurs { first.configuration.reading.end = .lsn(change.end) }
        do {
            let ending = try await first.follow(servers)
            guard isOurs, ending == .endReached, !stop.isRequested else { return ending }
        } catch is PublicationWatch.RenamedHere {
            throw try await publications.takeNames(change)
        }
        throw try await publications.take(change)
    }

    func definitions(_ servers: Servers) -> ServerDefinitions {
        ServerDefinitions(source: servers.source, publications: configuration.publicationNames)
    }

    private func checkDifferentDatabases(_ servers: Servers) async throws {
        let stream = configuration.stream
        // The lock that this process holds on the target is seen on the source.
        let lock = try await servers.applier.run { session in
            try StreamLock(session: session, stream: stream).coordinates()
        }
        let isSame = try await servers.source.run { try StreamLock.isVisible(lock, on: $0) }
        guard !isSame else {
            throw Halt(
                .configuration, "Source and target are the same database.",
                advice: "Check --source and --target.")
        }
    }
}
