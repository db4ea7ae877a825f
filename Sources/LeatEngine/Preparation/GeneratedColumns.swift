internal import LeatCatalogs
internal import LeatCore
internal import PGClient

/// Compares columns that are generated on the source, and whose values are not sent, with those of
/// the target: it computes them itself, from the same row.
struct GeneratedColumns {
    let table: SourceTable
    let target: TargetTable
    let sourceTypes: TypeCatalog
    let session: Session

    private struct Misfit {
        var problem: String
        var mend: String
    }

    /// - Throws: ``Halt`` that names each column that would be another one on the target. What the
    ///   stream has still to say does not matter to it.
    func check() throws {
        let misfits = try table.unsentGenerated.compactMap(misfit)
        guard !misfits.isEmpty else { return }
        throw Halt(
            .stoppedOnChange,
            """
            Table \(table.name) has generated columns that are not sent, and others on the target: \
            \(misfits.map(\.problem).joined(separator: "; ")).
            """,
            advice: "On the target:\n" + misfits.map(\.mend).joined(separator: "\n"))
    }

    private func misfit(_ column: SourceColumn) throws -> Misfit? {
        // An archive knows only their names.
        guard let expression = column.defaultExpression else { return nil }
        let wanted = table.route.column(column.name)
        guard let found = target.columns.first(where: { $0.name.isSameName(as: wanted) })
        else {
            let expression = try translated(expression, as: type(of: column))
            return Misfit(
                problem: "column \(wanted) is missing there",
                mend: "alter table \(target.name.quoted) add column "
                    + "\(definition(column, generatedBy: expression));")
        }
        // A plain one is told elsewhere.
        guard let own = found.generationExpression, own != expression,
            try printed(expression, as: found.definition) != own
        else { return nil }
        let there = try translated(expression, as: found.definition)
        let name = SQLText.identifier(found.name)
        let problem = "column \(column.name) is \(expression) on the source and \(own) there"
        guard try mayBeSet(found) else {
            return Misfit(
                problem: problem,
                mend: """
                    alter table \(target.name.quoted) drop column \(name), \
                    add column \(definition(column, generatedBy: there));
                    """)
        }
        return Misfit(
            problem: problem,
            mend: """
                alter table \(target.name.quoted) alter column \(name) \
                set expression as (\(there));
                """)
    }

    /// The server refuses SET EXPRESSION of a virtual one in a table with a CHECK.
    private func mayBeSet(_ found: TargetTable.Column) throws -> Bool {
        guard session.serverVersion >= 170_000 else { return false }
        return try session.query(
            """
            select attgenerated = 's' from pg_catalog.pg_attribute
            where attrelid = $1::pg_catalog.regclass and attnum = $2::pg_catalog.int2
            """, with: [target.name.listed, "\(found.number)"]
        ).bool()
    }

    private func type(of column: SourceColumn) -> String {
        sourceTypes[column.typeOID]?.definition(column.typeModifier) ?? "text"
    }

    private func definition(
        _ column: SourceColumn, generatedBy expression: String
    ) -> String {
        let kind =
            column.generation == .virtual && session.serverVersion >= 180_000
            ? "virtual" : "stored"
        return """
            \(SQLText.identifier(table.route.column(column.name))) \(type(of: column)) generated always as \
            (\(expression)) \(kind)
            """
    }

    /// Columns from which the target cannot compute what it lacks, perhaps for they have other types
    /// there than on the source.
    func uncomputed() throws -> Set<String> {
        var names: Set<String> = []
        for column in table.unsentGenerated {
            guard let expression = column.defaultExpression, try misfit(column) != nil,
                try printed(expression, as: type(of: column)) == nil
            else { continue }
            names.formUnion(table.columns.map(\.name).filter { expression.mentions($0) })
        }
        return names
    }

    /// With the target's names of columns.
    private func translated(_ expression: String, as type: String) throws -> String {
        guard !table.route.renamed.isEmpty else { return expression }
        return try printed(expression, as: type) ?? expression
    }

    /// The same may be printed in other words where columns have other types or names: so the server
    /// reads the source's expression, and prints it.
    ///
    /// - Returns: Nil if it does not take it.
    private func printed(_ expression: String, as type: String) throws -> String? {
        let name = "leat_generated"
        do {
            return try session.transaction {
                defer { _ = try? session.execute("rollback to savepoint leat_generated") }
                try session.execute("savepoint leat_generated")
                try session.execute(
                    """
                    create temporary table \(name) (like \(target.name.quoted));
                    \(renaming(in: name) { ($0.target, $0.source) })
                    alter table pg_temp.\(name) add column leat_generated \(type)
                      generated always as (\(expression)) stored;
                    \(renaming(in: name) { ($0.source, $0.target) })
                    """)
                return try session.query(
                    """
                    select pg_catalog.pg_get_expr(d.adbin, d.adrelid)
                    from pg_catalog.pg_attrdef d join pg_catalog.pg_attribute a
                      on a.attrelid = d.adrelid and a.attnum = d.adnum
                    where d.adrelid = 'pg_temp.\(name)'::pg_catalog.regclass
                      and a.attname = 'leat_generated'
                    """
                ).text()
            }
        } catch let error as ConnectionError where error.code == .server {
            return nil
        }
    }

    private func renaming(
        in copy: String, _ names: (TableRoute.Column) -> (from: String, to: String)
    ) -> String {
        table.route.renamed.map(names).map { names in
            "alter table pg_temp.\(copy) rename column \(SQLText.identifier(names.from)) "
                + "to \(SQLText.identifier(names.to));"
        }.joined(separator: "\n")
    }
}

extension String {
    /// Whether a name may be one of the identifiers in an expression.
    fileprivate func mentions(_ name: String) -> Bool {
        split(omittingEmptySubsequences: false) { !($0.isLetter || $0.isNumber || $0 == "_") }
            .contains { $0 == name } || contains("\"\(name.replacing("\"", with: "\"\""))\"")
    }
}
