internal import PGWire

/// Names in a sentence, a log line or an advice: some of them, and how many there are.
///
/// A database has hundreds of tables; a line with all of them is read by nobody.
public enum NameList {
    /// How many are written out.
    public static let limit = 12

    /// `a, b and 838 more (leat status)`.
    ///
    /// - Parameter all: Where to see all of them, if there are more than are written out.
    public static func text(
        _ names: [String], separator: String = ", ", all: String? = nil
    ) -> String {
        let shown = (names.count > limit + 1 ? names.prefix(limit) : names[...])
            .map(PrintedText.line).joined(separator: separator)
        guard names.count > limit + 1 else { return shown }
        let place = all.map { " (\($0))" } ?? ""
        return shown + " and \(names.count - limit) more\(place)"
    }

    /// Statements or sentences, one a line.
    ///
    /// - Parameter all: The line that says where to see the others.
    public static func lines(_ lines: [String], all: String? = nil) -> [String] {
        guard lines.count > limit + 1 else { return lines }
        let rest = "-- and \(lines.count - limit) more like these"
        return lines.prefix(limit) + [all.map { "\(rest): \($0)" } ?? rest]
    }
}
