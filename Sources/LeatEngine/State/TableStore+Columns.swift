internal import LeatCatalogs
internal import LeatCore
internal import PGWire

extension TableStore {
    /// Learns which column is which where both sides agree, for when one is renamed: of a table
    /// that was just copied. What comes later is learned where the stream comes to it.
    func learnColumns(
        of tables: [SourceTable], from plans: [TableName: RelationPlan]
    ) throws -> [TablePlan.Stored] {
        let columns = Dictionary(
            tables.map { ($0.name, $0.columns) }, uniquingKeysWith: { first, _ in first })
        var rows = try read()
        var learnt: [TableName: KnownColumns] = [:]
        for index in rows.indices where rows[index].state == .ready {
            guard let plan = plans[rows[index].table], let source = columns[rows[index].table]
            else { continue }
            guard rows[index].columns == KnownColumns() else { continue }
            var known = KnownColumns()
            known.learn(source, on: plan.target)
            rows[index].columns = known
            learnt[rows[index].table] = known
        }
        try keep(learnt)
        return rows
    }
}

extension FollowedTables {
    /// - Parameter ids: Of the tables on the source.
    init(stored: [TablePlan.Stored], ids: [TableName: RelationID]) {
        var tables: [RelationID: FollowedTables.Table] = [:]
        for row in stored where row.state == .ready {
            // One that is leaving has no name on the source any more.
            guard let id = ids[row.table] ?? row.leavingLSN.flatMap({ _ in row.id }) else {
                continue
            }
            tables[id] = FollowedTables.Table(
                name: row.table, snapshot: row.snapshotLSN ?? .zero, targetOID: row.targetOID,
                columns: row.columns, definition: row.definitions?.base)
        }
        self.init(tables)
    }
}
