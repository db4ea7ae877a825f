internal import PGWire

extension Halt {
    /// Nil where there is no problem.
    static func unmaskable(_ table: TableName, because problems: [String]) -> Halt? {
        guard !problems.isEmpty else { return nil }
        return Halt(
            .preflight, "Table \(table) cannot be masked so: \(problems.joined(separator: "; ")).",
            advice: """
                Choose another function (null, text:VALUE or hash: Docs/reference/masks.md), or leave \
                the table out with --exclude.
                """)
    }

    /// A value that its mask cannot read: it must not go on as it is.
    public static func unreadable(
        _ error: RowMasks.Unreadable, of columns: [String], in table: TableName, at place: String
    ) -> Halt {
        let column = error.column < columns.count ? columns[error.column] : "?"
        return Halt(
            .stoppedOnChange,
            """
            \(place)a value of column \(PrintedText.line(column)) of table \(table) is not in the form \
            that its mask reads.
            """,
            advice: """
                Nothing of it was applied. Report this, with the types of the column on both sides; \
                without the table it goes on: --exclude \
                \(ShellText.word(TablePattern.text(of: table)))
                """)
    }
}
