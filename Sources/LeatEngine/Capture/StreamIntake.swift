internal import LeatArchive
internal import LeatCatalogs
internal import LeatCore
internal import LeatFlow
internal import PGClient
internal import PGWire

/// What is done with each message of a stream: batches of its changes, notes of its positions
/// (``MessageIntake``), and files of what is kept until a commit.
///
/// A struct, which ``SlotReceiver`` takes out of itself for as long as it works through what was
/// received: a property of an object is copied, or checked for exclusive access, at every message.
struct StreamIntake {
    var messages: MessageIntake
    var pace: ReadPace
    private let spool: ChangesFiles
    private var replay: (reader: ChangesFileReader, transaction: TransactionID)?
    private var limit = BatchLimit()

    init(_ stream: SlotReceiver.Stream, gathering: Session.Gathering) throws {
        let assembler = TransactionAssembler(
            decoder: MessageDecoder(
                protocolVersion: stream.protocolVersion, parallelStreaming: false),
            tables: stream.tables, position: stream.position, history: stream.history,
            skipsTransactionsWithOrigin: stream.skipsTransactionsWithOrigin,
            keepsMessages: stream.keepsMessages, piecesAtOnce: stream.piecesAtOnce,
            // Of an archive each frame describes its tables anew.
            tellsRepetitions: !stream.keepsMessages)
        messages = MessageIntake(assembler, positions: stream.positions)
        pace = ReadPace(gathering)
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
        if let newest = messages.newest {
            pace.received(sendTime: newest, commitTime: messages.assembler.commitTime)
        }
        messages.newest = nil
        pace.ended(messages.commits, at: .now)
        messages.commits = 0
        return taken
    }

    /// Whether the batch may grow.
    mutating func isFull() -> Bool { !limit.allows(messages.assembler.batch) }

    private mutating func hasRoom() -> Bool {
        !messages.assembler.hasReady && !isFull()
    }

    private mutating func take(_ payload: RawSpan) throws {
        if payload.byteCount > StreamIntake.largeBytes { try Memory.require(payload.byteCount) }
        switch try messages.take(payload) {
        case .none:
            break
        case .keep(let transaction, let lsn):
            try spool.append(XLogData.body(of: payload), at: lsn, to: transaction)
            FailPoint.midStream.reached()
        case .discard(let transaction):
            spool.discard(transaction)
        case .replay(let transaction):
            replay = (try spool.reader(transaction), transaction)
        }
    }

    private mutating func replayNext(_ reader: ChangesFileReader) throws -> Bool {
        try reader.next { body, lsn in try messages.replay(body, at: lsn) }
    }

    private mutating func finishReplay(_ transaction: TransactionID) throws {
        replay = nil
        spool.discard(transaction)
        try messages.finishReplay()
    }
}
