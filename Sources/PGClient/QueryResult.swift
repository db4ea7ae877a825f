internal import CLibpq
internal import Glibc

/// A result's rows as text, for catalog queries; rows of user tables never pass through it.
public struct QueryResult: Sendable {
    let columns: [String]
    /// Read by name and type alone: see ``Record``.
    let rows: [[String?]]
    /// Rows that the command inserted, updated, deleted or copied; 0 where it says none.
    public let affectedRows: Int
    /// Whom was asked, and what: for errors.
    var origin = Origin()

    init(columns: [String] = [], rows: [[String?]] = [], affectedRows: Int = 0) {
        self.columns = columns
        self.rows = rows
        self.affectedRows = affectedRows
    }

    struct Origin: Sendable {
        var sql = ""
        var endpoint = "server"
        var peer: Peer?

        func failure(_ attempted: String, message: String) -> ConnectionError {
            var error = ConnectionError(
                .unexpectedAnswer, attempted: "\(attempted) \(Session.quoted(sql))",
                endpoint: endpoint, message: message)
            error.peer = peer
            return error
        }
    }

    func unread(_ message: String) -> ConnectionError { origin.failure("read", message: message) }
}

/// Owns one `PGresult` and releases it once.
struct ResultHandle: ~Copyable {
    // SAFETY: made by libpq, owned by this value alone, released in deinit.
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) {
        self.pointer = pointer
    }

    deinit {
        PQclear(pointer)
    }

    var status: ExecStatusType { PQresultStatus(pointer) }

    var affectedRows: Int {
        PQcmdTuples(pointer).flatMap { Int(String(cString: $0)) } ?? 0
    }

    /// The affected rows of a command on the row path, without making a string.
    var affectedRowsFast: Int { PQcmdTuples(pointer).map { atol($0) } ?? 0 }

    func text(row: Int32, column: Int32) -> String? {
        guard PQgetisnull(pointer, row, column) == 0 else { return nil }
        return PQgetvalue(pointer, row, column).map { String(cString: $0) }
    }

    func queryResult() -> QueryResult {
        let columns = PQnfields(pointer)
        let names = (0..<columns).map { PQfname(pointer, $0).map { String(cString: $0) } ?? "" }
        let rows = (0..<PQntuples(pointer)).map { row in
            (0..<columns).map { text(row: row, column: $0) }
        }
        return QueryResult(columns: names, rows: rows, affectedRows: affectedRows)
    }
}
