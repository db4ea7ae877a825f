/// Quoting for SQL text that is put together from names.
public enum SQLText {
    /// An identifier, always in double quotes.
    public static func identifier(_ name: String) -> String {
        "\"\(doubled(name, "\""))\""
    }

    /// A string constant, whatever `standard_conforming_strings` says.
    public static func literal(_ text: String) -> String {
        guard text.contains("\\") else { return "'\(doubled(text, "'"))'" }
        return " E'\(doubled(doubled(text, "'"), "\\"))'"
    }

    /// A `text[]` constant.
    public static func textArray(_ elements: [String]) -> String {
        "array[\(elements.map(literal).joined(separator: ", "))]::pg_catalog.text[]"
    }

    private static func doubled(_ text: String, _ mark: Character) -> String {
        text.split(separator: mark, omittingEmptySubsequences: false)
            .joined(separator: "\(mark)\(mark)")
    }
}
