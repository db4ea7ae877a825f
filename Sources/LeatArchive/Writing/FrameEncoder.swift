public import PGWire

/// Makes frames of batches: the reverse of ``BatchDecoder``.
///
/// Batches gather in it until there is enough for a frame, or ``finish()`` is called. It touches
/// no file: what becomes of a frame is the caller's.
///
///     let encoder = FrameEncoder(following: archive.link)
///     for frame in encoder.append(batch) + encoder.finish() { segment.append(frame) }
///
/// A transaction may span frames. Each of them begins it anew (its `B` message, and the
/// descriptions of what follows), so that any frame can be read alone; only the last has its `C`.
/// For one thread at a time.
public final class FrameEncoder {
    /// A frame ready to be written: header and payload.
    public struct Encoded: Sendable {
        public var header: FrameHeader
        public var bytes: [UInt8]
    }

    /// A frame is made once its content is so long.
    public static let contentBytes = 1 << 20

    private let compressor: ZstdCompressor
    // SAFETY: stands for the table of columns of a batch that has none; freed in `deinit`.
    private let noColumn = UnsafeMutablePointer<Column>.allocate(capacity: 1)
    private let descriptions = MessageBuffer()
    private let changes = MessageBuffer()
    private var content: [UInt8] = []
    /// Of the last frame that was made.
    public private(set) var link: FrameLink
    private var header: FrameHeader
    /// The transaction that the last batch left open.
    private var open: Transaction?
    /// Whether this frame has its Begin already.
    private var isOpenBegun = false
    /// As the frame describes them so far.
    private var relations: [RelationID: Relation] = [:]
    private var types: [UInt32: TypeDescription] = [:]

    /// - Parameters:
    ///   - link: The last frame's, or where the archive begins.
    ///   - level: zstd's. 1 costs least, and makes about a fifth more than 3.
    public init(following link: FrameLink, level: Int32 = 1) {
        self.link = link
        header = FrameHeader(kind: .changes, previous: link)
        compressor = ZstdCompressor(level: level)
    }

    deinit {
        noColumn.deallocate()
    }

    /// Whether something waits for ``finish()``.
    public var isEmpty: Bool { changes.count == 0 }
    /// Whether a transaction is open: its end is still to come.
    public var isWithinTransaction: Bool { open != nil }

    // MARK: Batches

    /// Takes a batch.
    ///
    /// - Returns: The frames that have become full, in their order.
    /// - Precondition: `batch` goes on where the batch before it ended.
    public func append(_ batch: Batch) -> [Encoded] {
        var full: [Encoded] = []
        let isRedescribed = describe(batch)
        for (index, transaction) in batch.transactions.enumerated() {
            if !isEmpty, isFull || beginsPieces(transaction) {
                full += finish()
                _ = describe(batch)
            }
            let changes = batch.changes(ofTransactions: index...index)
            append(
                transaction, of: batch, range: changes, isRedescribed: isRedescribed, into: &full)
        }
        if isFull { full += finish() }
        return full
    }

    private var isFull: Bool { changes.count >= FrameEncoder.contentBytes }

    /// What is whole does not wait in a frame for the end of one that is not: only where a frame
    /// ends between transactions can a writer go on after a crash.
    private func beginsPieces(_ transaction: Transaction) -> Bool {
        !transaction.isComplete && !transaction.beganEarlier
    }

    private func append(
        _ transaction: Transaction, of batch: Batch, range: Range<Int>, isRedescribed: Bool,
        into full: inout [Encoded]
    ) {
        precondition(
            transaction.beganEarlier == (open != nil), "a transaction without its other pieces")
        open = transaction
        let isAlone = transaction.xid.rawValue == 0
        if isAlone { note(transaction) } else if !isOpenBegun { begin(transaction) }
        batch.columns.withUnsafeBufferPointer { columns in
            batch.bytes.withUnsafeBytes { arena in
                for index in range {
                    // SAFETY: a batch without columns, or without bytes, has no row that reads
                    // any.
                    let columns = columns.baseAddress ?? UnsafePointer(noColumn)
                    let arena = arena.baseAddress ?? UnsafeRawPointer(columns)
                    append(
                        batch.changes[index], of: batch, columns: columns, arena: arena,
                        isRedescribed: isRedescribed, into: &full)
                }
            }
        }
        guard transaction.isComplete else { return }
        if !isAlone {
            changes.append(FieldWriter.commit(transaction), at: transaction.commitLSN)
        }
        header.transactions += 1
        header.endLSN = transaction.endLSN
        (open, isOpenBegun) = (nil, false)
    }

    private func begin(_ transaction: Transaction) {
        note(transaction)
        changes.append(FieldWriter.begin(transaction), at: transaction.commitLSN)
        if let origin = transaction.origin {
            changes.append(FieldWriter.origin(origin), at: transaction.commitLSN)
        }
        isOpenBegun = true
    }

    private func note(_ transaction: Transaction) {
        if isEmpty {
            header.firstLSN = transaction.commitLSN
            header.firstCommitTime = transaction.commitTime
        }
        header.lastCommitTime = transaction.commitTime
    }

    // MARK: Changes

    private func append(
        _ change: Change, of batch: Batch, columns: UnsafePointer<Column>,
        arena: UnsafeRawPointer, isRedescribed: Bool, into full: inout [Encoded]
    ) {
        if header.changes > 0,
            changes.count + bound(of: change, in: batch, columns: columns) > FrameHeader
                .largestShared / 2
        {
            full += split(batch)
        }
        header.changes += 1
        switch change.kind {
        case .insert, .update, .delete:
            let relation = Int(change.relation)
            if isRedescribed { redescribe(batch.relations[relation]) }
            changes.append(change, of: batch.relations[relation].id, columns: columns, arena: arena)
        case .truncate:
            let truncate = batch.truncates[Int(change.relation)]
            if isRedescribed {
                for index in truncate.relations { redescribe(batch.relations[Int(index)]) }
            }
            changes.append(FieldWriter.truncate(truncate, of: batch.relations), at: change.lsn)
        case .message:
            changes.append(
                FieldWriter.message(batch.messages[Int(change.relation)], in: batch.bytes),
                at: change.lsn)
        }
    }

    private func bound(
        of change: Change, in batch: Batch, columns: UnsafePointer<Column>
    ) -> Int {
        switch change.kind {
        case .insert, .update, .delete: MessageBuffer.bound(of: change, columns)
        case .truncate: 0
        case .message: Int(batch.messages[Int(change.relation)].contentLength)
        }
    }

    /// Ends the frame within the open transaction, or before it, and begins the next one.
    private func split(_ batch: Batch) -> [Encoded] {
        guard let transaction = open else { preconditionFailure("a change of no transaction") }
        let frames = finish()
        _ = describe(batch)
        if transaction.xid.rawValue == 0 { note(transaction) } else { begin(transaction) }
        return frames
    }

    // MARK: Descriptions

    /// Describes what the batch refers to at the frame's beginning.
    ///
    /// - Returns: Whether a relation has several descriptions, so that each must stand where it
    ///   begins to count.
    private func describe(_ batch: Batch) -> Bool {
        for type in batch.types where types[type.oid] != type {
            types[type.oid] = type
            descriptions.append(FieldWriter.type(type), at: .zero)
        }
        var isRedescribed = false
        for relation in batch.relations {
            if let known = relations[relation.id] {
                isRedescribed = isRedescribed || known != relation
            } else {
                relations[relation.id] = relation
                descriptions.append(FieldWriter.relation(relation), at: .zero)
            }
        }
        return isRedescribed
    }

    private func redescribe(_ relation: Relation) {
        guard relations[relation.id] != relation else { return }
        relations[relation.id] = relation
        changes.append(FieldWriter.relation(relation), at: .zero)
    }

    // MARK: Frames

    /// Makes a frame of what there is.
    ///
    /// - Returns: None or one.
    public func finish() -> [Encoded] {
        guard !isEmpty else { return [] }
        header.endsWithin = open != nil
        content.removeAll(keepingCapacity: true)
        descriptions.withBytes { bytes in bytes.withUnsafeBytes { content.append(contentsOf: $0) } }
        changes.withBytes { bytes in bytes.withUnsafeBytes { content.append(contentsOf: $0) } }
        let frame = seal(header, over: content.span.bytes)
        if content.capacity > FrameHeader.largestShared { content = [] }
        begin(within: open != nil)
        return [frame]
    }

    /// A frame that says what the source's catalog is from here on.
    ///
    /// - Precondition: Nothing waits for ``finish()``.
    public func catalog(_ catalog: ArchivedCatalog) -> Encoded {
        precondition(isEmpty, "a catalog must not overtake changes")
        var header = FrameHeader(kind: .catalog, previous: link)
        let within = self.header.beginsWithin
        (header.beginsWithin, header.endsWithin) = (within, within)
        let frame = seal(header, over: catalog.encoded().span.bytes)
        begin(within: within)
        return frame
    }

    private func seal(_ unsealed: FrameHeader, over content: RawSpan) -> Encoded {
        var header = unsealed
        var bytes = compressor.compress(content, prefix: FrameHeader.byteCount)
        header.contentBytes = UInt32(content.byteCount)
        header.payloadBytes = UInt32(bytes.count - FrameHeader.byteCount)
        header.payloadChecksum = Checksum.crc32c(
            bytes.span.bytes.extracting(FrameHeader.byteCount..<bytes.count))
        bytes.replaceSubrange(..<FrameHeader.byteCount, with: header.encode())
        link = header.link
        return Encoded(header: header, bytes: bytes)
    }

    private func begin(within isWithin: Bool) {
        descriptions.removeAll()
        changes.removeAll()
        relations.removeAll(keepingCapacity: true)
        types.removeAll(keepingCapacity: true)
        header = FrameHeader(kind: .changes, previous: link)
        header.beginsWithin = isWithin
        isOpenBegun = false
    }
}
