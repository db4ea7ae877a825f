package import LeatCore
package import PGClient

/// Finds options that select nothing.
package struct SelectionCheck {
    package let session: Session
    package let selection: Selection
    /// Options that an earlier start of the stream found to match: their tables may be gone since.
    package var matchedBefore: Set<String> = []

    package init(session: Session, selection: Selection, matchedBefore: Set<String> = []) {
        self.session = session
        self.selection = selection
        self.matchedBefore = matchedBefore
    }

    /// - Parameter tables: What there is to select from.
    /// - Returns: Options that match nothing any more.
    /// - Throws: ``Halt`` (exit code 6) if one matches nothing, and never did.
    package func check(among tables: [TableName]) throws -> [Selection.Option] {
        guard !selection.options.isEmpty else { return [] }
        let unsent = try SourceCatalog(session: session).unsent()
        let free = unsent.filter { $0.kind != .partition }.map(\.name)
        let unmatched = selection.unmatched(among: tables, unsent: free)
        let wrong = unmatched.filter { !matchedBefore.contains($0.text) }
        guard wrong.isEmpty else {
            throw SelectionCheck.halt(wrong, tables: tables, unsent: unsent)
        }
        return unmatched
    }

    private static func halt(
        _ options: [Selection.Option], tables: [TableName], unsent: [SourceCatalog.Unsent]
    ) -> Halt {
        let found = options.map { option in
            (option: option, explanation: explain(option, tables: tables, unsent: unsent))
        }
        let list = found.map { "\($0.option.text)\($0.explanation.words)" }
        var advice = found.flatMap(\.explanation.mends)
        if advice.isEmpty {
            let names = tables.map(TablePattern.text(of:)).sorted()
            advice = ["There are: \(NameList.text(names, all: SelectionCheck.allTables))."]
        }
        return Halt(
            .preflight, "These options match no table: \(NameList.text(list, separator: "; ")).",
            advice: advice.joined(separator: "\n"))
    }

    private static let allTables =
        "select schemaname, tablename from pg_catalog.pg_tables order by 1, 2"

    private static func explain(
        _ option: Selection.Option, tables: [TableName], unsent: [SourceCatalog.Unsent]
    ) -> (words: String, mends: [String]) {
        if let relation = unsent.first(where: { option.pattern.matches($0.name) }) {
            return explain(option, relation: relation)
        }
        let near = option.pattern.nearMisses(among: tables).map(TablePattern.text(of:))
        guard !near.isEmpty else { return ("", []) }
        return (
            " (near: \(near.joined(separator: ", ")))",
            near.map { "Perhaps: \(option.option) \(ShellText.word($0))" }
        )
    }

    private static func explain(
        _ option: Selection.Option, relation: SourceCatalog.Unsent
    ) -> (words: String, mends: [String]) {
        let name = relation.name
        switch relation.kind {
        case .partition:
            let root = relation.root.map(TablePattern.text(of:)) ?? ""
            return (
                " (a partition of \(root), which is followed as a whole)",
                ["Name its root: \(option.option) \(ShellText.word(root))"]
            )
        case .unlogged:
            return (
                " (an unlogged table: its changes are in no WAL)",
                ["On the source, to have it sent: alter table \(name.quoted) set logged;"]
            )
        case .materializedView, .foreign, .view, .ofExtension:
            return (
                " (\(relation.kind.text), which logical replication does not send)",
                ["Leave \(TablePattern.text(of: name)) out of \(option.option)."]
            )
        }
    }
}
