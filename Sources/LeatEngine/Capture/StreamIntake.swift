internal import LeatArchive
internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import PGClient
internal import PGWire

/// What is done with each message of a stream: batches of its changes, notes of its positions.
///
/// A struct, which ``SlotReceiver`` takes out of itself for as long as it works through what was
/// received: a property of an object is copied, or checked for exclusive access, at every message.
struct StreamIntake {
    var assembler: TransactionAssembler
    var pace: ReadPace
    private let positions: SharedPosition
    private let spool: ChangesFiles
    private var replay: (reader: ChangesFileReader, transaction: TransactionID)?
    private var keepalives = KeepalivePolicy()
    private var commits = 0
    /// Nothing that is named lies behind it.
    private var furthest = LSN.zero
    private var limit = BatchLimit()
    /// When the server sent the newest message, by its clock; nil once the pace was told.
    private var newest: PostgresTimestamp?

    init(_ stream: SlotReceiver.Stream, _ gathering: Session.Gathering) throws {
        assembler = TransactionAssembler(
            decoder: MessageDecoder(
                protocolVersion: stream.protocolVersion, parallelStreaming: false),
            tables: stream.tables, position: stream.position, history: stream.history,
            skipsTransactionsWithOrigin: stream.skipsTransactionsWithOrigin,
            keepsMessages: stream.keepsMessages, piecesAtOnce: stream.piecesAtOnce,
            // Of an archive each frame describes its tables anew.
            tellsRepetitions: !stream.keepsMessages)
        pace = ReadPace(gathering)
        positions = stream.positions
        spool = try ChangesFiles(folder: stream.spoolFolder)
    }

    /// What may find no memory.
    private static let largeBytes = 16 << 20

    /// Works through what libpq holds until the batch is full.
    mutating func takeAll(of session: Session) throws -> Session.Taken {
        while let replay, hasRoom() {
            guard try replayNext(replay.reader) else {
                try finishReplay(replay.transaction)
                continue
            }
        }
        guard hasRoom() else { return .some }
        let taken = try session.takePayloads(stopsAtNotices: true) { payload in
            try take(payload)
            return hasRoom() && replay == nil
        }
        if let newest { pace.received(sendTime: newest, commitTime: assembler.commitTime) }
        newest = nil
        pace.ended(commits, at: .now)
        commits = 0
        return taken
    }

    /// Whether the batch may grow.
    mutating func isFull() -> Bool { !limit.allows(assembler.batch) }

    private mutating func hasRoom() -> Bool {
        !assembler.hasReady && !isFull()
    }

    private mutating func take(_ payload: RawSpan) throws {
        if payload.byteCount > StreamIntake.largeBytes { try Memory.require(payload.byteCount) }
        let decoded: ReplicationPayload
        do { decoded = try ReplicationPayload(decoding: payload) } catch {
            throw StreamError(.malformed(error), at: .zero)
        }
        switch decoded {
        case .keepalive(let keepalive):
            try take(keepalive)
        case .xLogData(let data):
            newest = data.sendTime
            try check(data.walStart)
            try take(XLogData.body(of: payload), at: data.walStart)
        }
    }

    /// Refuses a place where no source can be by now.
    private mutating func check(_ place: LSN) throws {
        guard place > furthest else { return }
        let known = positions.sourceEnd
        furthest = SourceBound.furthest(known: known)
        guard place <= furthest else {
            throw StreamError(.beyondEnd(place, written: known), at: place)
        }
    }

    private mutating func take(_ keepalive: Keepalive) throws {
        try check(keepalive.walEnd)
        try assembler.keepaliveReceived(walEnd: keepalive.walEnd)
        positions.hear { $0.keepaliveReceived(walEnd: keepalive.walEnd) }
        guard keepalive.replyRequested else { return }
        positions.wantReply()
        let hasUnconfirmed = positions.with { $0.hasUnconfirmed }
        let isUrgent = keepalives.replyRequested(
            walEnd: keepalive.walEnd, hasUnconfirmed: hasUnconfirmed, at: .now)
        if isUrgent {
            throw Restart(
                reason:
                    "the source asks again and again for what is not stored yet, as in a shutdown")
        }
    }

    private mutating func take(_ body: RawSpan, at lsn: LSN) throws {
        switch try assembler.receive(body, at: lsn) {
        case .none:
            break
        case .began:
            positions.with { $0.transactionBegan() }
        case .committed(let end, let isEmpty):
            try committed(end: end, isEmpty: isEmpty)
        case .spool(let transaction):
            try spool.append(body, at: lsn, to: transaction)
            FailPoint.midStream.reached()
        case .discard(let transaction):
            spool.discard(transaction)
        case .replay(let transaction):
            positions.with { $0.transactionBegan() }
            replay = (try spool.reader(transaction), transaction)
        }
    }

    private mutating func replayNext(_ reader: ChangesFileReader) throws -> Bool {
        try reader.next { body, lsn in try assembler.replay(body, at: lsn) }
    }

    private mutating func finishReplay(_ transaction: TransactionID) throws {
        replay = nil
        spool.discard(transaction)
        if case .committed(let end, let isEmpty) = try assembler.finishReplay() {
            try committed(end: end, isEmpty: isEmpty)
        }
    }

    private mutating func committed(end: LSN, isEmpty: Bool) throws {
        try check(end)
        guard !isEmpty else { return positions.hear { $0.emptyCommitReceived(end: end) } }
        commits += 1
        positions.with { $0.commitReceived(end: end) }
    }
}
