/// Which tables `--tables` and `--exclude` select.
///
/// A pattern that matches nothing is a slip: one among `--tables` leaves out what was asked for, one
/// among `--exclude` lets through what was not to be copied.
public struct Selection: Sendable, Equatable {
    /// Empty: all.
    public var tables: [TablePattern] = []
    public var excluded: [TablePattern] = []

    public init(tables: [TablePattern] = [], excluded: [TablePattern] = []) {
        self.tables = tables
        self.excluded = excluded
    }

    /// - Parameter options: Texts of ``Option``s.
    public init(options: some Sequence<String>) {
        for text in options {
            for option in ["--tables", "--exclude"] where text.hasPrefix(option + " ") {
                guard let pattern = TablePattern(String(text.dropFirst(option.count))) else {
                    continue
                }
                if option == "--tables" { tables.append(pattern) } else { excluded.append(pattern) }
            }
        }
    }

    /// What stands in `leat.tables`, `leat` being no table of the source's.
    public func wants(_ table: TableName) -> Bool {
        guard table.schema != "leat" else { return false }
        let isListed = tables.isEmpty || tables.contains { $0.matches(table) }
        return isListed && !excludes(table)
    }

    public func excludes(_ table: TableName) -> Bool {
        excluded.contains { $0.matches(table) }
    }

    /// Whether it was asked for by its very name.
    public func names(_ table: TableName) -> Bool {
        tables.contains { $0.isName && $0.matches(table) }
    }

    /// A pattern with its option, as it was given.
    public struct Option: Sendable, Equatable {
        public var option: String
        public var pattern: TablePattern

        public var text: String { "\(option) \(pattern.text)" }
    }

    public var options: [Option] {
        tables.map { Option(option: "--tables", pattern: $0) }
            + excluded.map { Option(option: "--exclude", pattern: $0) }
    }

    /// - Parameters:
    ///   - sent: The tables that there are to select from.
    ///   - unsent: Those that nobody can follow: they may be excluded, but not asked for.
    /// - Returns: The options that match none of them.
    public func unmatched(among sent: [TableName], unsent: [TableName]) -> [Option] {
        options.filter { option in
            let tables = option.option == "--exclude" ? sent + unsent : sent
            return !tables.contains(where: option.pattern.matches)
        }
    }
}
