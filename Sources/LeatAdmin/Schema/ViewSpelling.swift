internal import LeatCatalogs
internal import LeatCore
internal import PGClient

/// How a server prints the query of a view: since 16 with fewer names of tables than before.
struct ViewSpelling {
    let session: Session

    /// Makes a view of it that nobody else sees, in a transaction that is rolled back.
    ///
    /// - Returns: Nil if the server cannot make one of it, or its role may not.
    func own(of query: String) throws -> String? {
        try session.execute("begin")
        defer { _ = try? session.execute("rollback") }
        do {
            // One statement, whatever the text says: a query with parameters is no script.
            _ = try session.query("create temporary view leat_spelling as \(query)", with: [])
            return try session.query(
                "select pg_catalog.pg_get_viewdef('pg_temp.leat_spelling'::pg_catalog.regclass)"
            ).optionalText()
        } catch {
            guard error.sqlState != nil else { throw error }
            return nil
        }
    }
}
