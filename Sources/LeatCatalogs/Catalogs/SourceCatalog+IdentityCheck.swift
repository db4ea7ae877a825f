internal import LeatCore
internal import PGClient

extension SourceCatalog {
    /// - Throws: ``Halt`` if updates or deletes of one of the tables, or of a partition of it,
    ///   could not be sent.
    package func checkIdentities(of tables: [Candidate]) throws {
        let partitions = try unfitPartitions(of: tables)
        let problems = (tables + partitions).compactMap { table in
            table.identityProblem.flatMap { $0.isEmpty ? nil : (table.name, $0) }
        }
        guard problems.isEmpty else {
            let indexes = try identityIndexes(of: problems.map(\.0))
            throw SourceCatalog.identityHalt(problems, indexes: indexes)
        }
    }

    private static func identityHalt(
        _ problems: [(table: TableName, problem: String)], indexes: [TableName: String]
    ) -> Halt {
        let list = NameList.text(
            problems.map { "\($0.table): \($0.problem)" }, separator: "; ")
        let mends = problems.map { table, problem in
            identityMending(
                table, index: problem == wholeInRoot ? nil : indexes[table],
                allowsFull: !generatedProblems.contains(problem))
        }
        let tables = problems.map { TablePattern.text(of: $0.table) }
        let advice =
            ["On the source, for each (a primary key is better than a whole row):"]
            + NameList.lines(mends)
            + [
                "Or leave them out: --exclude \(ShellText.word(NameList.text(tables, separator: ",")))"
            ]
        return Halt(
            .preflight,
            """
            These tables have no usable replica identity, so publishing them would make the \
            application's own updates and deletes fail: \(list).
            """, advice: advice.joined(separator: "\n"))
    }
}
