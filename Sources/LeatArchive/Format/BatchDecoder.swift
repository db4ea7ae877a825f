public import LeatCore
public import PGWire

/// Makes batches of frames: the reverse of ``FrameEncoder``.
///
/// Give it the frames that a reader brings, in their order. Each becomes a batch as the slot's
/// receiver makes them: whole transactions in commit order, or a piece of a large one.
///
///     var decoder = BatchDecoder(tables: followed, position: stored)
///     while case .frame(let frame)? = try reader.next() {
///         if frame.header.kind == .changes { apply(try decoder.batch(of: frame)) }
///     }
///
/// It keeps one thing from frame to frame: whether an earlier piece of the transaction at a
/// frame's beginning went out in a batch. A fresh one may begin at any frame, but reads only the
/// rest of a transaction that goes on there.
public struct BatchDecoder: ~Copyable {
    private let tables: FollowedTables
    private let position: LSN
    private let keepsMessages: Bool
    private let keepsLargeValues: Bool
    private let decompressor = ZstdDecompressor()
    /// Some of the transaction that goes on was handed out.
    private var hasGivenPiece = false

    /// - Parameters:
    ///   - tables: Changes of others are left out.
    ///   - position: Transactions that end at or before it are left out.
    ///   - keepsMessages: Whether logical messages count as changes.
    ///   - keepsLargeValues: Whether the values of a large frame's change are wanted; else they are
    ///     proven to be there, and empty in the batch.
    public init(
        tables: FollowedTables = .everything, position: LSN = .zero, keepsMessages: Bool = true,
        keepsLargeValues: Bool = true
    ) {
        self.keepsLargeValues = keepsLargeValues
        self.tables = tables
        self.position = position
        self.keepsMessages = keepsMessages
    }

    /// The catalog of a frame of kind `.catalog`.
    public func catalog(of frame: Frame) throws(ArchiveError) -> ArchivedCatalog {
        precondition(frame.header.kind == .catalog, "a frame of changes holds no catalog")
        return try JSONContent.decode(
            ArchivedCatalog.self, from: try content(of: frame), what: "catalog of the source")
    }

    /// The changes of a frame of kind `.changes`; no transactions if none is of interest.
    ///
    /// - Throws: ``ArchiveError``; nothing of the frame was taken then.
    public mutating func batch(of frame: Frame) throws(ArchiveError) -> Batch {
        precondition(frame.header.kind == .changes, "a catalog holds no changes")
        var assembler = TransactionAssembler(
            decoder: MessageDecoder(protocolVersion: 1), tables: tables, position: position,
            keepsMessages: keepsMessages)
        var count = FrameCount(frame.header)
        try read(frame, into: &assembler, count: &count)
        try count.finish(frame.header, isOpen: assembler.isTransactionOpen)
        var batch = assembler.takeBatch()
        if frame.header.isLarge, keepsLargeValues { try LargeContent(frame).complete(&batch) }
        hasGivenPiece =
            frame.header.endsWithin
            && (batch.transactions.last.map { !$0.isComplete } ?? false
                || hasGivenPiece && count.transactions == 0)
        return batch
    }

    /// No writer keeps transactions in blocks: what is in an archive has committed.
    private static func streamed(_ message: RawSpan, at lsn: LSN) -> ArchiveError {
        var fields = FieldReader(message)
        let kind = MessageKind(rawValue: fields.integer()) ?? .streamStart
        return ArchiveError(.content(StreamError(.outOfOrder(kind), at: lsn)))
    }

    private func content(of frame: Frame) throws(ArchiveError) -> [UInt8] {
        try decompressor.decompress(
            frame.payload.span.bytes, size: Int(frame.header.contentBytes))
    }

    private func read(
        _ frame: Frame, into assembler: inout TransactionAssembler, count: inout FrameCount
    ) throws(ArchiveError) {
        guard !frame.header.isLarge else {
            let continues = hasGivenPiece
            return try LargeContent(frame).read { (message, lsn) throws(ArchiveError) in
                try BatchDecoder.take(
                    message, at: lsn, into: &assembler, count: &count, continues: continues)
            }
        }
        let content = try content(of: frame)
        var records = RecordReader(content.span.bytes)
        while let record = try records.next() {
            try BatchDecoder.take(
                content.span.bytes.extracting(record.range), at: record.lsn, into: &assembler,
                count: &count,
                continues: hasGivenPiece)
        }
    }

    @inline(__always)
    private static func take(
        _ message: RawSpan, at lsn: LSN, into assembler: inout TransactionAssembler,
        count: inout FrameCount, continues: Bool
    ) throws(ArchiveError) {
        let action: TransactionAssembler.Action
        do { action = try assembler.receive(message, at: lsn) } catch {
            throw ArchiveError(.content(error))
        }
        switch action {
        case .none, .began, .committed: break
        case .spool, .discard, .replay: throw BatchDecoder.streamed(message, at: lsn)
        }
        try count.took(message, action: action, into: &assembler, continues: continues)
    }
}

/// What a frame was found to hold, to compare with what its header says.
private struct FrameCount {
    private(set) var transactions: UInt32 = 0
    private var changes: UInt32 = 0
    private var end: LSN
    private var isFirst = true
    /// The last that ended was a message of no transaction.
    private var endsAlone = false
    private let continues: Bool

    init(_ header: FrameHeader) {
        end = header.previous.end
        continues = header.beginsWithin
    }

    mutating func took(
        _ message: RawSpan, action: TransactionAssembler.Action,
        into assembler: inout TransactionAssembler, continues hasGivenPiece: Bool
    ) throws(ArchiveError) {
        var fields = FieldReader(message)
        let kind = MessageKind(rawValue: fields.integer())
        switch kind {
        case .insert, .update, .delete, .truncate:
            changes &+= 1
        case .message:
            changes &+= 1
            let isTransactional: UInt8 = fields.integer()
            guard isTransactional == 0 else { break }
            try ended(at: fields.lsn())
            endsAlone = true
        case .begin:
            if isFirst, continues, hasGivenPiece { assembler.continueTransaction() }
            isFirst = false
        case .commit:
            guard case .committed(let end, _) = action else { break }
            try ended(at: end)
        default:
            break
        }
    }

    private mutating func ended(at end: LSN) throws(ArchiveError) {
        guard end > self.end else {
            throw ArchiveError(.contentDiffers("its transactions are not in their order"))
        }
        self.end = end
        endsAlone = false
        transactions &+= 1
    }

    /// Recorders have taken the LSN of a message for its beginning, and 8 bytes more for its end.
    private func mayEnd(at end: LSN) -> Bool {
        end == self.end || endsAlone && end.rawValue == self.end.rawValue &+ 8
    }

    func finish(_ header: FrameHeader, isOpen: Bool) throws(ArchiveError) {
        guard changes == header.changes, transactions == header.transactions else {
            throw ArchiveError(
                .contentDiffers("\(transactions) transactions with \(changes) changes"))
        }
        guard isOpen == header.endsWithin, mayEnd(at: header.endLSN) else {
            throw ArchiveError(.contentDiffers("where its last transaction ends"))
        }
    }
}

/// Splits a frame's content into its records.
struct RecordReader: ~Escapable {
    struct Record {
        var range: Range<Int>
        var lsn: LSN
    }

    private let bytes: RawSpan
    private var offset = 0
    private var lastLSN: UInt64 = 0

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan) {
        self.bytes = bytes
    }

    /// Nil at the end.
    mutating func next() throws(ArchiveError) -> Record? {
        guard offset < bytes.byteCount else { return nil }
        let length = try variable()
        let folded = try variable()
        let distance = folded >> 1 ^ (0 &- (folded & 1))
        lastLSN = lastLSN &+ distance
        guard length > 0, length <= UInt64(bytes.byteCount - offset) else {
            throw ArchiveError(.contentDiffers("a message of \(length) bytes"))
        }
        let start = offset
        offset += Int(length)
        return Record(range: start..<offset, lsn: LSN(rawValue: lastLSN))
    }

    private mutating func variable() throws(ArchiveError) -> UInt64 {
        var (value, shift): (UInt64, UInt64) = (0, 0)
        while offset < bytes.byteCount, shift < 64 {
            // SAFETY: in bounds, checked above.
            let byte = bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
            offset += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
            shift += 7
        }
        throw ArchiveError(.contentDiffers("a number without an end"))
    }
}
