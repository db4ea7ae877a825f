internal import PGWire

/// What `--rename` says of one thing: its name on the source, and its name on the target.
///
/// A worked example. `public=app` is about a schema, with all of its tables and sequences that no
/// other rule names; `public.users=app.accounts` about a table or a sequence;
/// `public.users.mail=email` about a column, under its table's name on the source. What is in double
/// quotes stands for itself, as in a ``TablePattern``.
public struct RenameRule: Sendable {
    public enum Subject: Sendable {
        case schema(String, as: String)
        /// Also a sequence, or a partition.
        case table(TableName, as: TableName)
        case column(String, of: TableName, as: String)
    }

    /// As it was written, without blanks around it.
    public let text: String
    public let subject: Subject

    /// Nil for what is no rule: a side too few or too many, parts that do not go together, a
    /// wildcard.
    public init?(_ text: String) {
        let sides = TablePattern.texts(in: text, separator: "=")
        guard sides.count == 2, let from = TablePattern.names(in: sides[0], most: 3),
            let to = TablePattern.names(in: sides[1], most: 2)
        else { return nil }
        switch (from.count, to.count) {
        case (1, 1): subject = .schema(from[0], as: to[0])
        case (2, 2):
            subject = .table(
                TableName(schema: from[0], name: from[1]),
                as: TableName(schema: to[0], name: to[1]))
        case (3, 1):
            subject = .column(
                from[2], of: TableName(schema: from[0], name: from[1]), as: to[0])
        default: return nil
        }
        self.text = sides.joined(separator: "=")
    }

    /// For a line of a message.
    var line: String { PrintedText.line(text) }

    /// What it renames, for a sentence.
    var words: String {
        switch subject {
        case .schema(let name, as: _): "schema \(PrintedText.line(name))"
        case .table(let name, as: _): "table \(name)"
        case .column(let name, of: let table, as: _):
            "column \(PrintedText.line(name)) of \(table)"
        }
    }

    /// Whether the other one is about the very same.
    func isAboutSame(as other: RenameRule) -> Bool {
        switch (subject, other.subject) {
        case (.schema(let name, as: _), .schema(let other, as: _)): name.isSameName(as: other)
        case (.table(let name, as: _), .table(let other, as: _)): name == other
        case (
            .column(let name, of: let table, as: _), .column(let other, of: let otherTable, as: _)
        ):
            table == otherTable && name.isSameName(as: other)
        case (.schema, _), (.table, _), (.column, _): false
        }
    }

    /// Whether it gives another thing the very same name. Two schemas may become one.
    func leadsToSame(as other: RenameRule) -> Bool {
        switch (subject, other.subject) {
        case (.table(_, as: let name), .table(_, as: let other)): name == other
        case (
            .column(_, of: let table, as: let name), .column(_, of: let otherTable, as: let other)
        ):
            table == otherTable && name.isSameName(as: other)
        case (.schema, _), (.table, _), (.column, _): false
        }
    }
}
