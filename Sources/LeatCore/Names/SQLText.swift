/// Quoting for SQL text that is put together from names.
public enum SQLText {
    /// An identifier, always in double quotes.
    public static func identifier(_ name: String) -> String {
        "\"\(doubled(name, "\""))\""
    }

    /// A string constant, whatever `standard_conforming_strings` says.
    public static func literal(_ text: String) -> String {
        guard text.unicodeScalars.contains("\\") else { return "'\(doubled(text, "'"))'" }
        return " E'\(doubled(doubled(text, "'"), "\\"))'"
    }

    /// A `text[]` constant.
    public static func textArray(_ elements: [String]) -> String {
        "array[\(elements.map(literal).joined(separator: ", "))]::pg_catalog.text[]"
    }

    /// By scalar and not by `Character`: a mark with a combining accent behind it is another
    /// `Character`, and still ends the name for the server.
    private static func doubled(_ text: String, _ mark: Unicode.Scalar) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if scalar == mark { result.append(mark) }
            result.append(scalar)
        }
        return String(result)
    }
}
