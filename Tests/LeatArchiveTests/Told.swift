import LeatArchive
import LeatCore
import PGWire

/// What batches tell, whatever their boundaries: a line a transaction's beginning, change and end.
struct Told: Equatable {
    private(set) var lines: [String] = []

    mutating func take(_ batch: Batch) {
        for (index, transaction) in batch.transactions.enumerated() {
            let end =
                index + 1 < batch.transactions.count
                ? batch.transactions[index + 1].firstChange : batch.changes.count
            if !transaction.beganEarlier {
                lines.append(
                    """
                    begin \(transaction.xid) at \(transaction.commitLSN), \
                    \(transaction.commitTime.rawValue), \(transaction.origin ?? "here")
                    """)
            }
            for change in batch.changes[transaction.firstChange..<end] {
                lines.append(Told.line(change, batch))
            }
            if transaction.isComplete { lines.append("end \(transaction.endLSN)") }
        }
    }

    private static func line(_ change: Change, _ batch: Batch) -> String {
        switch change.kind {
        case .insert, .update, .delete:
            let relation = batch.relations[Int(change.relation)]
            return "\(change.lsn) \(change.kind) \(relation) "
                + "\(change.oldKind) \(values(change.old, batch)) \(values(change.new, batch)) "
                + "\(batch.types.filter { type in relation.columns.contains { $0.typeOID == type.oid } }.map(\.name).first ?? "")"
        case .truncate:
            let truncate = batch.truncates[Int(change.relation)]
            let names = truncate.relations.map { batch.relations[Int($0)] }
            return "\(change.lsn) truncate \(names) \(truncate.cascade) \(truncate.restartIdentity)"
        case .message:
            let message = batch.messages[Int(change.relation)]
            return "\(change.lsn) message \(message.isTransactional) \(message.lsn) "
                + "\(message.prefix) \(batch.bytes[message.contentRange])"
        }
    }

    private static func values(_ tuple: Tuple, _ batch: Batch) -> [String] {
        batch.columns(of: tuple).map { "\($0.kind) \(batch.text(of: $0) ?? "")" }
    }

    init() {}

    init(_ batches: [Batch]) {
        for batch in batches { take(batch) }
    }

    /// Reads an archive until its position, or until it shows damage.
    init(_ storage: some ArchiveStorage, after start: LSN? = nil) throws {
        let (told, error) = Told.reading(storage, after: start)
        if let error { throw error }
        self = told
    }

    static func reading(
        _ storage: some ArchiveStorage, after start: LSN? = nil
    ) -> (Told, ArchiveError?) {
        var told = Told()
        do throws(ArchiveError) {
            var reader = try ArchiveReader(storage)
            if let start { try reader.seek(after: start) }
            var decoder = BatchDecoder(position: start ?? .zero)
            while let item = try reader.next() {
                guard case .frame(let frame) = item else { continue }
                switch frame.header.kind {
                case .changes: told.take(try decoder.batch(of: frame))
                case .catalog: _ = try decoder.catalog(of: frame)
                }
            }
            return (told, nil)
        } catch {
            return (told, error)
        }
    }

    func isPrefix(of other: Told) -> Bool {
        lines.count <= other.lines.count && lines == Array(other.lines.prefix(lines.count))
    }
}
