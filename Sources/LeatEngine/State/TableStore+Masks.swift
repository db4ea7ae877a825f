internal import LeatCatalogs
internal import LeatCore
internal import PGClient
internal import PGWire

extension TableStore {
    /// Keeps with which masks the tables' rows come: in the transaction that makes a table ready.
    func keep(_ masks: [TableName: StoredMasks]) throws {
        for (table, masks) in masks {
            try session.query(
                """
                update leat.tables set masks = nullif($4::pg_catalog.text[], '{}')
                where stream = $1 and schema_name = $2 and table_name = $3
                  and masks is distinct from nullif($4::pg_catalog.text[], '{}')
                """,
                with: [
                    stream.text, table.schema, table.name, SQLText.arrayLiteral(masks.texts),
                ])
        }
    }

    /// Keeps the masks of columns that were added since the rows were copied: nothing has come of
    /// them without. That no other has changed, the start has found out.
    func keepMasks(
        of tables: [SourceTable], in rows: [TablePlan.Stored]
    ) throws -> [TablePlan.Stored] {
        var rows = rows
        var changed: [TableName: StoredMasks] = [:]
        for index in rows.indices where rows[index].state == .ready {
            guard let table = tables.first(where: { $0.name == rows[index].table }),
                table.masks != rows[index].masks
            else { continue }
            rows[index].masks = table.masks
            changed[table.name] = table.masks
        }
        try keep(changed)
        return rows
    }
}
