internal import LeatCore
internal import PGWire

/// Where a change of a batch stands, for messages and records.
struct ChangePlace {
    let change: Change
    let lsn: LSN
    let xid: UInt32
    let kind: Change.Kind
    private let batch: Batch

    init(in batch: Batch, at index: Int) {
        change = batch.changes[index]
        lsn = change.lsn
        kind = change.kind
        xid = batch.transactions.last { $0.firstChange <= index }?.xid.rawValue ?? 0
        self.batch = batch
    }

    /// The relation of a row's change.
    var relation: Relation? {
        kind == .truncate || kind == .message ? nil : batch.relations[Int(change.relation)]
    }

    /// Every table concerned: a TRUNCATE may name several.
    var tables: String {
        let relations =
            kind == .truncate
            ? batch.truncates[Int(change.relation)].relations : [change.relation]
        return relations.map { "\(TableName(batch.relations[Int($0)]))" }.joined(separator: ", ")
    }

    /// Names of the identity's columns, in the relation's order.
    var keyColumns: [String] { relation?.columns.filter(\.isKey).map(\.name) ?? [] }

    /// The identity's values as text, nil for NULL, and in hexadecimal digits where they came in
    /// binary form.
    var keyValues: [String?] {
        guard let relation else { return [] }
        let tuple = change.oldKind == .none ? change.new : change.old
        return relation.columns.indices.filter { relation.columns[$0].isKey }.map { index in
            let column = batch.columns[Int(tuple.first) + index]
            return column.kind == .binary
                ? "\\x" + batch.bytes[column.range].map(hexadecimal).joined()
                : batch.text(of: column)
        }
    }

    private func hexadecimal(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }

    /// What identifies the row, for a sentence; nil if nothing does.
    func key(showsValues: Bool) -> String? {
        guard let relation, !keyColumns.isEmpty else { return nil }
        if showsValues {
            let pairs = zip(keyColumns, keyValues).map { "\($0) = \($1 ?? "NULL")" }
            return PrintedText.line(pairs.joined(separator: ", "))
        }
        return relation.replicaIdentity == .full
            ? "all its columns" : PrintedText.line(keyColumns.joined(separator: ", "))
    }
}
