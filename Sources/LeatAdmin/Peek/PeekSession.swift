internal import LeatCatalogs
internal import LeatCore
internal import PGClient
internal import PGWire

/// One reading of a temporary copy of a slot, on the connection's own thread.
///
/// Never a position is confirmed, not even the copy's. `written` is told truthfully, though: a
/// server that is being stopped waits until its walsenders' readers have got everything, and
/// where no flushed position was ever named the written one counts.
struct PeekSession {
    let session: Session
    let request: SlotPeek.Request
    let plan: PeekPlan

    /// The server ends a connection that is silent for `wal_sender_timeout`, a minute by default.
    private static let statusInterval: Duration = .seconds(10)
    /// After so long without a message the server is asked how far it is.
    private static let patience: Duration = .milliseconds(500)
    /// As `wal_receiver_timeout`: a server that does not even answer is gone.
    private static let silenceLimit: Duration = .seconds(60)
    private static let progressInterval: Duration = .milliseconds(200)

    func read(
        telling progress: (LSN, LSN) -> Void, giving event: (PeekAssembler.Event) throws -> Bool
    ) throws -> SlotPeek.Report {
        try session.prepareReading()
        let (copy, confirmed) = try copySlot()
        try start(copy)
        var state = State(
            assembler: PeekAssembler(
                decoder: MessageDecoder(protocolVersion: protocolVersion), tables: request.tables,
                end: plan.end, showsChanges: request.showsChanges),
            pace: ReadPace(session.gathering), heard: confirmed)
        do { try follow(&state, telling: progress, giving: event) } catch { throw explained(error) }
        var slot = plan.slot
        slot.confirmedFlushLSN = confirmed
        return SlotPeek.Report(
            slot: slot, publications: plan.publications, end: plan.end,
            isStopped: state.isStopped, inProgress: state.assembler.inProgress,
            warnings: warnings())
    }

    // MARK: The copy

    /// - Returns: Its name and confirmed position, which is the slot's at this moment.
    private func copySlot() throws -> (name: String, confirmed: LSN) {
        let pid = try session.execute("select pg_catalog.pg_backend_pid()").int()
        let name = "leat_peek_\(pid)"
        do {
            let copied = try session.execute(
                """
                select lsn from pg_catalog.pg_copy_logical_replication_slot(
                  \(SQLText.literal(plan.slot.name)), \(SQLText.literal(name)), true, 'pgoutput')
                """)
            return (name, try copied.lsn())
        } catch {
            // configuration_limit_exceeded
            guard error.sqlState == .configurationLimitExceeded else { throw error }
            throw Halt(
                .source,
                """
                The source has no free replication slot, and a slot is looked into by way of a \
                temporary copy.
                """, advice: "Drop a slot that nobody needs, or raise max_replication_slots.")
        }
    }

    /// Protocol 2 with `streaming`: a large transaction then comes as it was made, instead of
    /// being kept in files by the server, and one that never commits shows.
    private var protocolVersion: Int { request.showsChanges ? 1 : 2 }

    private func start(_ copy: String) throws {
        let names = plan.publications.map(SQLText.listed).joined(separator: ",")
        var options = [
            (name: "proto_version", value: "\(protocolVersion)"),
            (name: "publication_names", value: names),
            (name: "messages", value: "true"),
        ]
        if !request.showsChanges { options.append((name: "streaming", value: "on")) }
        try session.startReplication(slot: copy, from: .zero, options: options)
    }

    // MARK: The stream

    private struct State {
        var assembler: PeekAssembler
        var pace: ReadPace
        /// How far the server has read, as far as it said so.
        var heard: LSN
        var isDone = false
        var isStopped = false
        var replyWanted = false
        var newest: PostgresTimestamp?
        var commitTime: PostgresTimestamp?
        var statusSent = ContinuousClock.now
        var progressTold = ContinuousClock.now
        var silentSince: ContinuousClock.Instant?
    }

    private func follow(
        _ state: inout State, telling progress: (LSN, LSN) -> Void,
        giving event: (PeekAssembler.Event) throws -> Bool
    ) throws {
        while true {
            let taken = try session.takePayloads { payload in
                try take(payload, state: &state, giving: event)
                return !state.isDone
            }
            if state.isDone { return }
            guard taken != .ended else { throw PeekSession.endedEarly }
            if let newest = state.newest {
                state.pace.received(sendTime: newest, commitTime: state.commitTime)
                state.newest = nil
            }
            try tell(&state, telling: progress)
            if try readMore(&state) {
                state.silentSince = nil
            } else {
                try askForWord(&state)
            }
        }
    }

    private func tell(_ state: inout State, telling progress: (LSN, LSN) -> Void) throws {
        let now = ContinuousClock.now
        if now - state.progressTold > PeekSession.progressInterval {
            state.progressTold = now
            progress(state.heard, plan.end)
        }
        if state.replyWanted || now - state.statusSent > PeekSession.statusInterval {
            try sendStatus(&state, asking: false)
        }
    }

    /// The answer says how far the server has read: through much WAL without anything published it
    /// says nothing by itself.
    private func askForWord(_ state: inout State) throws {
        let since = state.silentSince ?? .now
        state.silentSince = since
        guard .now - since < PeekSession.silenceLimit else { throw PeekSession.silent }
        try sendStatus(&state, asking: true)
    }

    /// False if nothing comes.
    private func readMore(_ state: inout State) throws -> Bool {
        guard try session.waitForStream(until: .now + PeekSession.patience) == .readable else {
            state.pace.fellSilent()
            return false
        }
        try session.readStream(at: &state.pace)
        return true
    }

    private func sendStatus(_ state: inout State, asking: Bool) throws {
        state.replyWanted = false
        state.statusSent = .now
        try session.sendStatus(
            StandbyStatusUpdate(
                written: state.heard, flushed: .zero, applied: .zero, sendTime: .now,
                replyRequested: asking))
    }

    private func take(
        _ payload: RawSpan, state: inout State, giving event: (PeekAssembler.Event) throws -> Bool
    ) throws {
        let decoded: ReplicationPayload
        do { decoded = try ReplicationPayload(decoding: payload) } catch {
            throw StreamError(.malformed(error), at: state.heard)
        }
        switch decoded {
        case .keepalive(let keepalive):
            try check(keepalive.walEnd)
            state.assembler.keepaliveReceived(walEnd: keepalive.walEnd)
            state.heard = max(state.heard, keepalive.walEnd)
            if keepalive.replyRequested { state.replyWanted = true }
            // The server has sent all that is before it.
            if keepalive.walEnd >= plan.end { state.isDone = true }
        case .xLogData(let data):
            try check(data.walStart)
            state.newest = data.sendTime
            state.heard = max(state.heard, data.walStart)
            try take(
                state.assembler.receive(XLogData.body(of: payload), at: data.walStart),
                state: &state,
                giving: event)
        }
    }

    /// Refuses a place where no source can be.
    private func check(_ place: LSN) throws {
        guard place <= SourceBound.furthest(known: plan.available) else {
            throw StreamError(.beyondEnd(place, written: plan.available), at: place)
        }
    }

    private func take(
        _ found: PeekAssembler.Event, state: inout State,
        giving event: (PeekAssembler.Event) throws -> Bool
    ) throws {
        switch found {
        case .none: return
        case .passedEnd: state.isDone = true
        case .change, .committed, .message, .rolledBack:
            if case .committed(let transaction) = found {
                state.commitTime = transaction.commitTime
                state.heard = max(state.heard, transaction.endLSN)
            }
            guard try !event(found) else { return }
            state.isDone = true
            state.isStopped = true
        }
    }

    // MARK: Endings

    /// 18 leaves the changes of a publication out that did not exist yet when they were made, and
    /// only warns.
    private func warnings() -> [String] {
        var seen: Set<String> = []
        return session.takeWarnings().map(\.printable).filter { seen.insert($0).inserted }
    }

    /// Before 18 a publication that is younger than a change is an error.
    private func explained(_ error: any Error) -> any Error {
        guard let failure = error as? ConnectionError, failure.sqlState == .undefinedObject else {
            return error
        }
        return Halt(
            .source,
            """
            The source cannot send the next changes: \(failure.server?.printable ?? failure.message). \
            What counts is the catalog of the time when they were made.
            """,
            advice: "Name a publication that is older than the changes: --publication.")
    }

    private static let endedEarly = Halt(
        .source, "The source ended the stream before the end was reached: it is being stopped.",
        advice: "Nothing was consumed. Try again when it is up.")

    private static let silent = Halt(
        .source, "The source has said nothing for \(silenceLimit).",
        advice: "Nothing was consumed. Check the network and the server.")
}
