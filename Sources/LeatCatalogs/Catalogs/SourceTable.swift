package import LeatCore
package import PGWire

/// A table of the source that the stream follows.
package struct SourceTable: Sendable {
    /// As a Relation message will describe it.
    package var relation: Relation
    /// The relation's columns as the catalog has them.
    package var columns: [SourceColumn]
    package var isPartitioned: Bool
    /// As the snapshot of its copy has them.
    package var partitions: [PartitionBook.Found] = []
    /// How its publications send it.
    package var publishing: Publishing
    /// SQL condition of the publications' row filters; nil: all rows.
    package var rowFilter: String?
    /// Generated columns, of which no value is sent.
    package var unsentGenerated: [SourceColumn]
    /// The table, if it holds rows itself, or the partitions that do.
    package var files: [TableDefinition.File] = []
    /// Of those, what the source lets be unlogged although it is published.
    package var mayBeUnlogged: Set<UInt32> = []
    /// See ``TableDefinition/horizon``.
    package var horizon: UInt32 = 0
    /// See ``TableDefinition/dropped``.
    package var dropped: [Int: UInt32] = [:]
    /// `pg_table_size` in bytes, for the order of copying.
    package var sizeBytes: Int
    /// The planner's estimate, for progress.
    package var estimatedRows: Int

    package init(
        relation: Relation, columns: [SourceColumn], isPartitioned: Bool, publishing: Publishing,
        rowFilter: String?, unsentGenerated: [SourceColumn], sizeBytes: Int, estimatedRows: Int
    ) {
        self.relation = relation
        route = TableRoute(TableName(relation))
        self.columns = columns
        self.isPartitioned = isPartitioned
        self.publishing = publishing
        self.rowFilter = rowFilter
        self.unsentGenerated = unsentGenerated
        self.sizeBytes = sizeBytes
        self.estimatedRows = estimatedRows
    }

    package var name: TableName { TableName(relation) }
    /// Where it goes on the target: under its own names, unless a start has told otherwise.
    package var route: TableRoute
    package var target: TableName { route.target }
    /// Kinds of changes that none of the publications sends: "updates", "deletes", "truncates".
    package var unsentKinds: [String] { publishing.unsentKinds ?? [] }

    package var listed: TablePlan.Published {
        TablePlan.Published(
            table: name, id: relation.id, publishing: publishing, definition: definition,
            target: target)
    }

    /// Whether its copy travels in binary form: every column is of a type that is the same so.
    package var copiesInBinary = false

    /// With what its columns are masked, unless a start has told otherwise: with nothing.
    package var masks = StoredMasks()
    /// What becomes of the rows of its copy; nil: they are copied as they are.
    package var rowMasks: RowMasks?

    package var definition: TableDefinition {
        var definition = TableDefinition(
            files: files, columns: columns + unsentGenerated, horizon: horizon, dropped: dropped)
        definition.hideValues(of: masks)
        return definition
    }

    /// Its columns, with what rows from before them have in them as it was once known.
    package func columns(_ seen: TableDefinition?) -> [SourceColumn] {
        columns.map { column in
            var column = column
            if let known = seen?[column.number] { column.missingValue = known.missingValue }
            return column
        }
    }

    /// What its initial copy reads.
    package var copyQuery: String {
        let columns = relation.columns.map { SQLText.identifier($0.name) }.joined(separator: ", ")
        let only = isPartitioned ? "" : "only "
        let filter = rowFilter.map { " where \($0)" } ?? ""
        return "select \(columns) from \(only)\(name.quoted)\(filter)"
    }

    /// Whether updates or deletes come that have to look for their row without an index.
    package func scans(_ plan: RelationPlan) -> Bool {
        plan.scansForRows && !(unsentKinds.contains("updates") && unsentKinds.contains("deletes"))
    }
}

extension [SourceTable] {
    /// The same, each with where it goes.
    ///
    /// - Parameter formers: See ``RenameRules/route(of:formerly:)``.
    package func routed(
        by rules: RenameRules, formers: [RelationID: TableName] = [:]
    ) -> [SourceTable] {
        guard !rules.isEmpty else { return self }
        return map { table in
            var table = table
            table.route = rules.route(of: table.name, formerly: formers[table.relation.id])
            return table
        }
    }
}
