internal import LeatCatalogs
internal import LeatCore
internal import PGClient

/// What of a base's schema is made once its rows are there: `leat.pending_schema`.
///
/// It is written in the transaction that makes the rest of the schema, and goes in the one that
/// makes it. It is kept beside the stream's rows and not with them: a rewind leaves the tables.
struct PendingSchema {
    let session: Session
    let stream: StreamName

    /// SQL that notes the statements, for the script that makes the rest.
    static func note(_ statements: [String], of stream: StreamName) -> String {
        guard !statements.isEmpty else { return "" }
        return """
            insert into leat.pending_schema (stream, statements)
            values (\(SQLText.literal(stream.text)), \(SQLText.textArray(statements)))
            on conflict (stream) do update set statements = excluded.statements;
            """
    }

    func statements() throws -> [String] {
        try session.query(
            """
            select pg_catalog.array_to_json(statements) as statements from leat.pending_schema
            where stream = $1
            """, with: [stream.text]
        ).firstRecord?.strings("statements") ?? []
    }

    /// - Returns: How many statements there were.
    func make() throws -> Int {
        let statements = try statements()
        guard !statements.isEmpty else { return 0 }
        let done = """
            delete from leat.pending_schema where stream = \(SQLText.literal(stream.text));
            """
        do {
            // Several statements at once are one transaction.
            try session.execute((statements + [done]).joined(separator: "\n"))
        } catch {
            guard error.code == .server else { throw error }
            throw Halt(
                .target,
                "What is left of the base's schema cannot be created: \(error).",
                advice: """
                    The rows are there. Mend it and start again; or run these yourself, as you need \
                    them, and say so:
                    \((statements + [done]).joined(separator: "\n"))
                    """)
        }
        return statements.count
    }

    func forget() throws {
        guard try LeatSchema.isPresent("leat.pending_schema", on: session) else { return }
        try session.query("delete from leat.pending_schema where stream = $1", with: [stream.text])
    }
}
