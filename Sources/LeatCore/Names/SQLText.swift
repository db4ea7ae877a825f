internal import PGWire

/// Quoting for SQL text that is put together from names.
///
/// Much of it is printed, to be run by a person: what a terminal must not get is written by its code
/// point, which means the same to the server.
public enum SQLText {
    /// An identifier, always in double quotes.
    public static func identifier(_ name: String) -> String {
        guard PrintedText.hasOdd(name) else { return listed(name) }
        return
            "U&\"\(coded(doubled(doubled(name, mark: "\""), mark: "\\"), short: "\\", long: "\\+", digits: 6))\""
    }

    /// An identifier in a list or pattern of names, which is no SQL to the server, or to `pg_dump`.
    public static func listed(_ name: String) -> String {
        "\"\(doubled(name, mark: "\""))\""
    }

    /// A string constant to be printed.
    public static func printedLiteral(_ text: String) -> String {
        guard PrintedText.hasOdd(text) else { return literal(text) }
        let quoted = doubled(doubled(text, mark: "'"), mark: "\\")
        return "E'\(coded(quoted, short: "\\u", long: "\\U", digits: 8))'"
    }

    private static func coded(
        _ text: String, short: String, long: String, digits: Int
    ) -> String {
        text.unicodeScalars.map { scalar in
            guard PrintedText.isOdd(scalar) else { return String(scalar) }
            return scalar.value < 0x10000
                ? short + PrintedText.hexadecimal(scalar.value, digits: 4)
                : long + PrintedText.hexadecimal(scalar.value, digits: digits)
        }.joined()
    }

    /// A string constant, whatever `standard_conforming_strings` says.
    public static func literal(_ text: String) -> String {
        guard text.unicodeScalars.contains("\\") else { return "'\(doubled(text, mark: "'"))'" }
        return " E'\(doubled(doubled(text, mark: "'"), mark: "\\"))'"
    }

    /// A `text[]` constant: one literal, whatever their number. A list of expressions is a tree to
    /// the server, whose depth is limited.
    public static func textArray(_ elements: [String]) -> String {
        "\(literal(arrayLiteral(elements)))::pg_catalog.text[]"
    }

    /// An array's text form, such as `{"a","b"}`.
    public static func arrayLiteral(_ elements: [String]) -> String {
        "{\(elements.map(element).joined(separator: ","))}"
    }

    /// An `oid[]` constant.
    public static func oidArray(_ oids: some Sequence<UInt32>) -> String {
        "'{\(oids.map(String.init).joined(separator: ","))}'::pg_catalog.oid[]"
    }

    /// An element of an array's text form.
    private static func element(_ text: String) -> String {
        var result = String.UnicodeScalarView("\"".unicodeScalars)
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" { result.append("\\") }
            result.append(scalar)
        }
        result.append("\"")
        return String(result)
    }

    /// A `boolean[]` constant.
    public static func booleanArray(_ elements: [Bool]) -> String {
        "'{\(elements.map { $0 ? "t" : "f" }.joined(separator: ","))}'::pg_catalog.bool[]"
    }

    /// By scalar and not by `Character`: a mark with a combining accent behind it is another
    /// `Character`, and still ends the name for the server.
    private static func doubled(_ text: String, mark: Unicode.Scalar) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if scalar == mark { result.append(mark) }
            result.append(scalar)
        }
        return String(result)
    }
}
