internal import PGWire

/// What `--mask` says of one column: `public.users.email=hash`, under the source's names. What is in
/// double quotes stands for itself.
public struct MaskRule: Sendable, Hashable {
    public let table: TableName
    public let column: String
    public let function: MaskFunction

    /// Nil for what is no rule.
    init?(_ text: String) {
        guard let equals = MaskRule.equals(in: text),
            let names = TablePattern.names(
                in: TablePattern.trimmed(String(text.unicodeScalars[..<equals])), most: 3),
            names.count == 3,
            let function = MaskFunction(
                String(text.unicodeScalars[text.unicodeScalars.index(after: equals)...]))
        else { return nil }
        table = TableName(schema: names[0], name: names[1])
        column = names[2]
        self.function = function
    }

    /// The first that stands in no double quotes.
    private static func equals(in text: String) -> String.Index? {
        var isQuoted = false
        return text.unicodeScalars.indices.first { index in
            if text.unicodeScalars[index] == "\"" { isQuoted.toggle() }
            return text.unicodeScalars[index] == "=" && !isQuoted
        }
    }

    public init(_ table: TableName, column: String, function: MaskFunction) {
        self.table = table
        self.column = column
        self.function = function
    }

    /// `schema.table.column`, as a rule names it.
    var subject: String {
        "\(TablePattern.text(of: table)).\(TablePattern.text(ofName: column))"
    }

    /// As it may be given again.
    public var text: String { "\(subject)=\(function.text)" }

    func isAboutSame(as other: MaskRule) -> Bool {
        table == other.table && column.isSameName(as: other.column)
    }
}
