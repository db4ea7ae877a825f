import LeatCore
import PGWire

/// What a target makes of pieces: open transactions with savepoints.
struct PieceTarget {
    private struct Open {
        var changes: [String] = []
        var savepoints: [(xid: TransactionID, changes: Int)] = []
    }

    private var open: [TransactionID: Open] = [:]
    private(set) var mostInProgress = 0
    private(set) var pieces = 0

    /// - Returns: The transaction, with its last piece.
    mutating func apply(_ piece: StreamedPiece, _ batch: Batch) -> AssembledTransaction? {
        pieces += 1
        let known = open.removeValue(forKey: piece.xid)
        var transaction = known ?? Open()
        if piece.isFirst != (known == nil) { transaction.changes.append("(pieces lost)") }
        if let subtransaction = piece.rollsBackTo { undo(&transaction, to: subtransaction) }
        guard !piece.isAborted else { return nil }
        var next = piece.subtransactions[...]
        for index in 0...batch.changes.count {
            while let first = next.first, first.firstChange == index {
                transaction.savepoints.append((first.xid, transaction.changes.count))
                next.removeFirst()
            }
            guard index < batch.changes.count else { continue }
            transaction.changes.append(batch.line(of: batch.changes[index]))
        }
        guard let last = batch.transactions.first, last.isComplete else {
            open[piece.xid] = transaction
            mostInProgress = max(mostInProgress, open.count)
            return nil
        }
        return transaction.changes.isEmpty
            ? nil
            : AssembledTransaction(
                xid: last.xid.rawValue, end: last.endLSN, origin: last.origin,
                changes: transaction.changes)
    }

    private func undo(_ transaction: inout Open, to subtransaction: TransactionID) {
        guard
            let index = transaction.savepoints.lastIndex(where: { $0.xid == subtransaction })
        else { return transaction.changes.append("(savepoint lost)") }
        transaction.changes.removeLast(
            transaction.changes.count - transaction.savepoints[index].changes)
        transaction.savepoints.removeSubrange(index...)
    }
}
