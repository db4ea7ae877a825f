import LeatTestSupport
@testable import PGClient
import PGWire
import Testing

@Suite("Queries")
struct QueryTests {
    @Test("parameters and NULLs go there and come back", arguments: PostgresVersion.allCases)
    func parameters(_ version: PostgresVersion) async throws {
        let connection = try await Server.connection(version)

        let result = try await connection.query(
            "select $1::text as a, $2::text as b, $3::text as c, $4::int + 1 as d",
            with: ["it's \\ \"odd\"\n上", nil, "", "41"])

        #expect(result.columns == ["a", "b", "c", "d"])
        #expect(result.rows == [["it's \\ \"odd\"\n上", nil, "", "42"]])
    }

    @Test("a command tells its rows, a query without rows has no scalar")
    func affectedRows() async throws {
        let connection = try await Server.connection()
        try await connection.execute("create temporary table t (i int)")

        let inserted = try await connection.query("insert into t select generate_series(1, 7)")
        let none = try await connection.query("select i from t where i < $1::int", with: ["0"])

        #expect(inserted.affectedRows == 7 && inserted.rows.isEmpty)
        #expect(none.scalar == nil && none.rows.isEmpty && none.columns == ["i"])
        #expect(try await connection.query("select null union all select 'x'").firstColumn == ["x"])
    }

    @Test("several statements run in turn and the last one's rows are returned")
    func severalStatements() async throws {
        let connection = try await Server.connection()

        let result = try await connection.execute("select 1; select 2 as two; select 3 as three")

        #expect(result.columns == ["three"] && result.scalar == "3")
        #expect(try await connection.execute("").rows.isEmpty)
    }

    @Test("a statement that fails undoes those sent with it, and the session goes on")
    func failureAmongSeveral() async throws {
        let connection = try await Server.connection()

        let error = await connectionError {
            try await connection.execute(
                "create temporary table t (i int); select 1 / 0; select 2")
        }

        #expect(error?.code == .server && error?.sqlState == "22012")
        #expect(try await connection.query("select to_regclass('pg_temp.t')").scalar == nil)
    }

    @Test(
        "a server's error is whole, and prints no cell value", arguments: PostgresVersion.allCases)
    func serverError(_ version: PostgresVersion) async throws {
        let connection = try await Server.connection(version)
        try await connection.execute(
            "create temporary table shelf (id int constraint one_each unique, v text)")
        try await connection.execute("insert into shelf values (4711, 'secret')")

        let error = await connectionError {
            try await connection.query(
                "insert into shelf values ($1::int, 'secret')", with: ["4711"])
        }

        let server = try #require(error?.server)
        #expect(error?.code == .server && server.sqlState == "23505" && server.severity == "ERROR")
        #expect(server.table == "shelf" && server.constraint == "one_each")
        #expect(server.schema?.hasPrefix("pg_temp") == true)
        #expect(server.detail?.contains("4711") == true)
        #expect(error.map { "\($0)" }?.contains("4711") == false)
        #expect(error.map { "\($0)" }?.contains("target (host=127.0.0.1") == true)
    }

    @Test("hint, detail, context, column and a raised SQLSTATE arrive")
    func raisedError() async throws {
        let connection = try await Server.connection()

        let error = await connectionError {
            try await connection.execute(
                """
                do $$ begin raise exception 'm' using errcode = 'LX001', hint = 'h', \
                detail = 'd', column = 'c', table = 't', schema = 's', constraint = 'k'; end $$
                """)
        }

        let server = try #require(error?.server)
        #expect(server.sqlState == "LX001" && server.message == "m")
        #expect(server.hint == "h" && server.detail == "d" && server.column == "c")
        #expect(server.context?.contains("PL/pgSQL") == true)
        #expect(server.isFromFunction && server.whole == "m [LX001] (hint: h)")
        #expect(
            "\(server)" == "a function of the server refused it, in words that may hold values "
                + "(error on s.t, column c, constraint k) [LX001]")
    }

    @Test("a parameter with a NUL byte is refused before anything is sent")
    func nulByte() async throws {
        let connection = try await Server.connection()

        for parameters in [["a\u{0}b"], ["\u{0}"], ["x", "y\u{0}"]] {
            let error = await connectionError {
                try await connection.query("select $1, $2", with: parameters)
            }
            #expect(error?.code == .invalidValue)
        }
        #expect(try await connection.query("select 1").scalar == "1")
    }
}
