public import LeatCore
public import PGWire

/// Reads the changes between two moments, batch by batch, without a server.
public struct ArchiveScan {
    private var reader: ArchiveReader
    private let decoder: DecoderBox
    private let from: ReplayMoment?
    private let until: ReplayMoment?
    private var isOver = false

    /// - Parameters:
    ///   - from: Transactions that are not later are left out; nil: from the beginning.
    ///   - until: The first transaction that is later ends it; nil: to the stored position.
    public init(
        _ folder: ArchiveFolder, from: ReplayMoment? = nil, until: ReplayMoment? = nil
    ) throws(ArchiveError) {
        reader = try ArchiveReader(folder)
        self.from = from
        self.until = until
        var position = LSN.zero
        if case .lsn(let lsn)? = from {
            position = lsn
            if lsn > reader.position.beginning.first { try reader.seek(after: lsn) }
        }
        decoder = DecoderBox(position)
    }

    /// How far it is read, and up to where.
    public var progress: (read: LSN, end: LSN) { (reader.link.end, reader.position.end) }
    /// Where the archive begins.
    public var beginning: LSN { reader.position.beginning.first }

    /// The next batch with any transaction; nil at the end.
    public mutating func next() throws(ArchiveError) -> Batch? {
        while !isOver, let item = try reader.next() {
            guard case .frame(let frame) = item, frame.header.kind == .changes else { continue }
            var batch = try decoder.batch(of: frame)
            if let until, let end = batch.transactions.firstIndex(where: until.isBefore) {
                isOver = true
                batch.removeTransactions(from: end)
            }
            if case .time? = from { dropEarly(&batch) }
            if !batch.transactions.isEmpty { return batch }
        }
        return nil
    }

    /// Times are not quite in order: each transaction is asked.
    private func dropEarly(_ batch: inout Batch) {
        guard let from else { return }
        let early = batch.transactions.prefix { !from.isBefore($0) }.count
        if early > 0 { batch = batch.dropFirst(early) }
    }
}

private final class DecoderBox {
    private var decoder: BatchDecoder

    init(_ position: LSN) {
        decoder = BatchDecoder(position: position)
    }

    func batch(of frame: Frame) throws(ArchiveError) -> Batch { try decoder.batch(of: frame) }
}

extension Batch {
    fileprivate mutating func removeTransactions(from index: Int) {
        guard index < transactions.count else { return }
        changes.removeLast(changes.count - transactions[index].firstChange)
        transactions.removeLast(transactions.count - index)
    }
}
