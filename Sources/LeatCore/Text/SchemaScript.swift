/// What `pg_dump --schema-only` writes, in the parts that are run at different times.
public struct SchemaScript: Sendable, Equatable {
    /// All that may be there before the rows are.
    public var first = ""
    /// Constraints that are NOT VALID, and comments on constraints, a statement each: rows that
    /// were there before such a constraint may violate it.
    public var afterRows: [String] = []

    /// - Parameter text: The whole script. Each of its objects begins with a comment of three lines.
    public init(_ text: String) {
        var object: [Substring] = []
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        for (number, line) in lines.enumerated() {
            if line == "--", number + 1 < lines.count, lines[number + 1].hasPrefix("-- Name: ") {
                take(object)
                object = []
            }
            object.append(line)
        }
        take(object)
        if first.hasSuffix("\n") { first.removeLast() }
    }

    private mutating func take(_ object: [Substring]) {
        let statement = object.filter { !$0.hasPrefix("--") && !$0.isEmpty }
            .joined(separator: "\n")
        let isAlter = statement.hasPrefix("ALTER TABLE") || statement.hasPrefix("ALTER DOMAIN")
        if isAlter && statement.hasSuffix("NOT VALID;")
            || statement.hasPrefix("COMMENT ON CONSTRAINT")
        {
            afterRows.append(statement)
        } else {
            first += object.map { "\($0)\n" }.joined()
        }
    }
}
