internal import PGWire

// Rows without a key, as sets: REPLICA IDENTITY FULL.

extension SetStatements {
    /// How the deletes of a relation find their rows from a staging table.
    public enum Form: Sendable, Equatable {
        /// By the columns of a key, at these indexes.
        case key([Int])
        /// By all columns, byte for byte: an update is a delete and an insert.
        case wholeRow
    }

    /// - Returns: Nil if updates and deletes of the relation cannot be applied as sets.
    public static func form(_ plan: RelationPlan) -> Form? {
        guard plan.columns.count <= mostColumns else { return nil }
        switch plan.identity {
        case .key(let columns, _): return .key(columns)
        case .record: return nil
        case .full(let key, _):
            // A ctid alone is no address in a partitioned table.
            guard plan.relation.replicaIdentity == .full, plan.target.kind == .ordinary,
                plan.canReinsert, !key.isEmpty || !quickColumns(plan).isEmpty
            else { return nil }
            return .wholeRow
        }
    }

    /// Columns that whole rows can be joined by: of types whose values are equal if their bytes
    /// are. Those that are NULL in a row to be found are of no use.
    public static func quickColumns(_ plan: RelationPlan) -> [Int] {
        plan.columns.indices.filter {
            StatementWriter.quickTypes.contains(plan.columns[$0].typeOID)
        }
    }

    /// Deletes as many of each row as the staging table says.
    ///
    /// Rows of the same bytes stand for one another, so that any of them will do.
    ///
    /// - Parameter equal: Columns without NULL in any staged row, to join by; none if there is
    ///   a key.
    public func deleteWholeRows(equal: [Int]) -> String {
        """
        delete from \(target) where ctid = any (array(select m.ctid from (\
        select t.ctid, w.operation, \
        pg_catalog.row_number() over (partition by w.ctid) as number \
        from \(target) t join \(qualifiedStaging) w on \(wholeRowCondition(equal))) m \
        where m.number <= m.operation))
        """
    }

    private func wholeRowCondition(_ equal: [Int]) -> String {
        var conditions = equal.prefix(SetStatements.mostEqual).map {
            "t.\(name($0)) operator(pg_catalog.=) w.c\($0)"
        }
        if case .full(let key, let operators) = plan.identity, !key.isEmpty {
            conditions.append(keyCondition(on: key, with: operators))
        }
        let columns = plan.columns.indices
        let rows = columns.map { "t.\(name($0))\(plan.columns[$0].comparisonCast)" }
        let staged = columns.map { "w.c\($0)" }
        conditions.append(
            """
            row(\(rows.joined(separator: ", ")))::pg_catalog.record \
            operator(pg_catalog.*=) row(\(staged.joined(separator: ", ")))::pg_catalog.record
            """)
        return conditions.joined(separator: " and ")
    }

    /// More tell no more rows apart than these, as a rule.
    private static var mostEqual: Int { 4 }

    /// One scan of the table for all rows of a set, where there is no index to find them by.
    ///
    /// A table that looks empty by its statistics would be compared row by row with all that is
    /// staged, so this is not left to them.
    public static let scanSettings = scanSettings(scans: "on", loops: "off")
    /// As it was.
    public static let noScanSettings = scanSettings(scans: "off", loops: "on")

    private static func scanSettings(scans: String, loops: String) -> String {
        """
        select pg_catalog.set_config('enable_seqscan', '\(scans)', true), \
        pg_catalog.set_config('enable_hashjoin', '\(scans)', true), \
        pg_catalog.set_config('enable_nestloop', '\(loops)', true)
        """
    }
}
