/// What `pg_dump --schema-only` writes, in the parts that are run at different times.
public struct SchemaScript: Sendable, Equatable {
    /// All that may be there before the rows are.
    public var first: [String] = []
    /// Constraints that are NOT VALID, and comments on constraints: rows that were there before
    /// such a constraint may violate it.
    public var afterRows: [String] = []
    /// Commands of psql that pg_dump does not write there.
    public private(set) var foreignCommands: [String] = []

    /// - Parameter text: The whole script.
    public init(_ text: String) {
        let script = SQLStatements(text)
        for statement in script.statements where !SchemaScript.isNewerSetting(statement) {
            if SchemaScript.isForAfterRows(statement) {
                afterRows.append(statement)
            } else {
                first.append(statement)
            }
        }
        foreignCommands = script.commands.filter { command in
            !["\\restrict ", "\\unrestrict "].contains { command.hasPrefix($0) }
        }
    }

    /// Servers before 17 do not know it, and Leat's sessions have none.
    private static func isNewerSetting(_ statement: String) -> Bool {
        statement == "SET transaction_timeout = 0;"
    }

    private static func isForAfterRows(_ statement: String) -> Bool {
        let isAlter = statement.hasPrefix("ALTER TABLE") || statement.hasPrefix("ALTER DOMAIN")
        return isAlter && statement.hasSuffix("NOT VALID;")
            || statement.hasPrefix("COMMENT ON CONSTRAINT")
    }
}
