import LeatCore
import LeatEngine

/// One conflict as `conflicts list --json` prints it: its row in `leat.conflicts`, with its table
/// under the name that every JSON of a change has.
struct ConflictEntry: Encodable {
    let conflict: RecordedConflict

    init(_ conflict: RecordedConflict) {
        self.conflict = conflict
    }

    func encode(to encoder: any Encoder) throws {
        try conflict.encode(to: encoder)
        var container = encoder.container(keyedBy: ChangeField.self)
        let table = TableName(schema: conflict.schemaName, name: conflict.tableName)
        try container.encode(table.joined, forKey: .table)
    }
}
