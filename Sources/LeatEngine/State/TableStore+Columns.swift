internal import LeatCatalogs
internal import LeatCore
internal import PGWire

extension TableStore {
    /// Learns which column is which where both sides agree, for when one is renamed: in the
    /// transaction that makes a table ready. By the next start both sides may have columns that the
    /// changes from here on are not about yet.
    ///
    /// - Parameter columns: What the source's tables had where the stream begins.
    func learnColumns(_ columns: [TableRoute: [SourceColumn]]) throws {
        let targets = try TargetTables.resolve(columns.keys.map(\.target).sorted(), on: session)
        var learnt: [TableName: KnownColumns] = [:]
        for (route, columns) in columns {
            // One that is missing is told of elsewhere.
            guard case .success(let target) = targets[route.target] else { continue }
            var known = KnownColumns()
            known.learn(columns, on: target, by: route)
            learnt[route.source] = known
        }
        try keep(learnt)
    }

    /// The same of a table that is ready and of which that is not known: a state of before, or one
    /// that somebody has said to be right. What comes later is learned where the stream comes to it.
    func learnColumns(
        of tables: [SourceTable], from plans: [TableName: RelationPlan]
    ) throws -> [TablePlan.Stored] {
        let byName = Dictionary(
            tables.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var rows = try read()
        var learnt: [TableName: KnownColumns] = [:]
        for index in rows.indices where rows[index].state == .ready {
            guard let plan = plans[rows[index].table], let table = byName[rows[index].table]
            else { continue }
            guard rows[index].columns == KnownColumns() else { continue }
            var known = KnownColumns()
            known.learn(table.columns, on: plan.target, by: table.route)
            rows[index].columns = known
            learnt[rows[index].table] = known
        }
        try keep(learnt)
        return rows
    }
}

extension FollowedTables {
    /// - Parameter ids: Of the tables on the source.
    init(stored: [TablePlan.Stored], ids: [TableName: RelationID], by rules: RenameRules) {
        var tables: [RelationID: FollowedTables.Table] = [:]
        for row in stored where row.state == .ready {
            // One that is leaving has no name on the source any more.
            guard let id = ids[row.table] ?? row.leavingLSN.flatMap({ _ in row.id }) else {
                continue
            }
            // Of one that is leaving, rules may say something else by now.
            var route = rules.route(of: row.table, formerly: row.former)
            route.target = row.target
            tables[id] = FollowedTables.Table(
                by: route, snapshot: row.snapshotLSN ?? .zero, targetOID: row.targetOID,
                columns: row.columns, definition: row.definitions?.base)
        }
        self.init(tables)
    }
}
