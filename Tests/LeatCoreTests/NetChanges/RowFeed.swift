import LeatCore
import PGWire

/// Makes changes of a table `(key, value, large)` and lets a ``NetTable`` fold them.
///
/// A nil `large` is unchanged TOAST.
final class RowFeed {
    struct Row: Hashable {
        var key: String
        var value: String
        var large: String?
    }

    var batch = Batch()
    var table: NetTable

    init(movesKeys: Bool = true, isKeyed: Bool = true, isWholeRows: Bool = false) {
        table = NetTable(
            key: isWholeRows ? [0, 1, 2] : isKeyed ? [0] : [], columnCount: 3,
            movesKeys: movesKeys, isWholeRows: isWholeRows)
    }

    private func column(_ text: String?) -> Column {
        guard let text else { return Column(kind: .unchangedTOAST) }
        let column = Column(
            kind: .text, offset: UInt32(batch.bytes.count), length: UInt32(text.utf8.count))
        batch.bytes += Array(text.utf8) + [0]
        return column
    }

    private func tuple(_ row: Row) -> Tuple {
        let columns = [column(row.key), column(row.value), column(row.large)]
        batch.columns += columns
        return Tuple(first: UInt32(batch.columns.count - 3), count: 3)
    }

    private func keyTuple(_ key: String) -> Tuple {
        let columns = [column(key), Column(kind: .null), Column(kind: .null)]
        batch.columns += columns
        return Tuple(first: UInt32(batch.columns.count - 3), count: 3)
    }

    private func fold(_ change: Change) -> NetTable.Outcome {
        batch.changes.append(change)
        // A reference, not a copy: a span cannot be lent out of a property of this object.
        let batch = batch
        return table.fold(
            change, at: batch.changes.count - 1, of: batch.columns.span, in: batch.bytes.span.bytes)
    }

    func insert(_ row: Row) -> NetTable.Outcome {
        fold(Change(kind: .insert, relation: 0, new: tuple(row), lsn: .zero))
    }

    /// - Parameter old: The old key, where the server sends it.
    func update(_ row: Row, old: String? = nil) -> NetTable.Outcome {
        let key = old.map { keyTuple($0) }
        return fold(
            Change(
                kind: .update, oldKind: key == nil ? .none : .key, relation: 0,
                old: key ?? .none, new: tuple(row), lsn: .zero))
    }

    func delete(_ key: String) -> NetTable.Outcome {
        fold(
            Change(kind: .delete, oldKind: .key, relation: 0, old: keyTuple(key), lsn: .zero))
    }

    // MARK: Whole rows

    func update(_ row: Row, oldRow: Row) -> NetTable.Outcome {
        let old = tuple(oldRow)
        return fold(
            Change(
                kind: .update, oldKind: .full, relation: 0, old: old, new: tuple(row), lsn: .zero))
    }

    func delete(_ row: Row) -> NetTable.Outcome {
        fold(Change(kind: .delete, oldKind: .full, relation: 0, old: tuple(row), lsn: .zero))
    }

    var deletedRows: [Row] {
        table.rows.flatMap { net in
            let values = (0..<3).map { batch.text(of: batch.columns[Int(net.key) + $0]) }
            let row = Row(key: values[0] ?? "", value: values[1] ?? "", large: values[2])
            return Array(repeating: row, count: net.copies(.delete))
        }
    }

    var insertedRows: [Row] {
        table.rows.flatMap { Array(repeating: row($0), count: $0.copies(.insert)) }
    }

    // MARK: What came of it

    private func row(_ net: NetRow) -> Row {
        let columns = net.isMerged ? table.merged : batch.columns
        let values = (0..<3).map { columns[Int(net.new) + $0] }
        return Row(
            key: batch.text(of: values[0]) ?? "", value: batch.text(of: values[1]) ?? "",
            large: batch.text(of: values[2]))
    }

    private func key(_ net: NetRow) -> String {
        batch.text(of: batch.columns[Int(net.key)]) ?? ""
    }

    var deleted: [String] { table.rows.filter(\.deletes).map(key) }
    var updated: [Row] { table.rows.filter(\.updates).map(row) }
    var inserted: [Row] { table.rows.filter(\.inserts).map(row) }

    /// Applies the net rows to `rows` as the target would, and says whether every one fitted.
    func apply(to rows: inout [String: Row]) -> Bool {
        for key in deleted where rows.removeValue(forKey: key) == nil { return false }
        for net in table.rows where net.updates {
            guard let before = rows[key(net)] else { return false }
            var after = row(net)
            after.large = after.large ?? before.large
            rows[key(net)] = after
        }
        for row in inserted where rows.updateValue(row, forKey: row.key) != nil { return false }
        return true
    }
}
