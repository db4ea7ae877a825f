internal import LeatCore
internal import PGWire

/// Changes with their values, for a person to read.
extension PeekAssembler {
    /// - Parameter row: Decoded into ``scratch``.
    func change(_ row: RowMessage, of relation: Relation, at lsn: LSN) -> PeekedChange {
        let name = TableName(relation)
        let new = columns(of: row.new, in: relation, keyOnly: false)
        let old = columns(of: row.old, in: relation, keyOnly: row.oldKind == .key)
        let content: PeekedChange.Content =
            switch row.kind {
            case .insert: .insert(name, new: new)
            case .update: .update(name, old: old, new: new)
            case .delete: .delete(name, old: old)
            case .truncate, .message: preconditionFailure("no row")
            }
        return PeekedChange(lsn: lsn, content: content)
    }

    /// - Parameter keyOnly: The other columns of a key tuple are null because they were not sent.
    private func columns(
        of tuple: Tuple, in relation: Relation, keyOnly: Bool
    ) -> [PeekedChange.Column] {
        guard tuple.count > 0 else { return [] }
        return zip(relation.columns, scratch.columns(of: tuple)).compactMap { described, column in
            guard !keyOnly || described.isKey else { return nil }
            return PeekedChange.Column(name: described.name, value: value(column))
        }
    }

    private func value(_ column: Column) -> PeekedChange.Value {
        switch column.kind {
        case .null: .null
        case .unchangedTOAST: .unchangedTOAST
        case .text, .binary: .text(scratch.text(of: column) ?? "")
        }
    }
}
