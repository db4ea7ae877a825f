import LeatTestSupport
@testable import PGClient
import PGWire
import Testing

@Suite("Session settings")
struct SessionSettingsTests {
    private static let hostile = [
        "datestyle = 'German, DMY'", "timezone = 'Asia/Tokyo'", "extra_float_digits = -15",
        "search_path = 'pg_temp, public'", "statement_timeout = '1h'", "lock_timeout = '2h'",
        "idle_in_transaction_session_timeout = '3h'", "idle_session_timeout = '4h'",
        "bytea_output = 'escape'", "intervalstyle = 'iso_8601'", "xmloption = 'document'",
        "row_security = on", "client_min_messages = 'debug5'", "client_encoding = 'LATIN1'",
    ]

    @Test(
        "hold although role and database set others", arguments: PostgresVersion.allCases)
    func hold(_ version: PostgresVersion) async throws {
        let cluster = try await ClusterPool.shared.cluster(version, as: .target)
        let database = try await cluster.createDatabase()
        let settings = Self.hostile + (version == .v18 ? ["transaction_timeout = '5h'"] : [])
        _ = try await cluster.sql("create role \(database) login")
        for (index, setting) in settings.enumerated() {
            let place = index % 2 == 0 ? "role \(database)" : "database \(database)"
            _ = try await cluster.sql("alter \(place) set \(setting)")
        }
        _ = try await cluster.sql(
            "alter role \(database) in database \(database) set default_transaction_read_only = on")
        let connection = try await Server.connection(version, database: database, user: database)

        let row = try await connection.run { session in
            try session.query(
                """
                select '2026-02-01 00:00:00+00'::timestamptz::text, (0.1::float8 + 0.2)::text,
                  '\\x00ff'::bytea::text, '1 day 2 hours'::interval::text,
                  current_setting('search_path'), current_setting('statement_timeout'),
                  current_setting('default_transaction_read_only'),
                  current_setting('client_encoding'), current_setting('lc_monetary'),
                  current_setting('idle_session_timeout'), current_setting('row_security'),
                  current_setting('transaction_timeout', true), current_setting('lock_timeout')
                """
            ).rows[0]
        }

        #expect(
            row == [
                "2026-02-01 00:00:00+00", "0.30000000000000004", "\\x00ff", "1 day 02:00:00",
                "", "0", "off", "UTF8", "C", "0", "off", version == .v18 ? "0" : nil, "0",
            ])
    }

    @Test("hold also under another monetary locale, where the machine has one")
    func monetary() async throws {
        let cluster = try await ClusterPool.shared.cluster(.v15, as: .target)
        let database = try await cluster.createDatabase()
        let locale = try await cluster.scalar(
            "select collcollate from pg_collation where collcollate ~ '^[a-z]{2}_' limit 1")
        guard let locale else { return }
        _ = try await cluster.sql("alter database \(database) set lc_monetary = '\(locale)'")
        let connection = try await Server.connection(database: database)

        let money = try await connection.run { session in
            try session.query("select 1234.5::numeric::money::text").scalar
        }

        #expect(money == "$1,234.50" || money == "1234.50")
    }

    @Test("the client encoding is the one asked for, and one that does not exist is refused")
    func clientEncoding() async throws {
        let connection = try await Server.connection()
        try await connection.run { try $0.applySettings(clientEncoding: "LATIN1") }

        let name = try await connection.query("show client_encoding").scalar
        let error = await connectionError {
            try await connection.run { try $0.applySettings(clientEncoding: "nonsense") }
        }

        #expect(name == "LATIN1")
        #expect(error?.code == .server && error?.sqlState == "22023")
    }

    @Test("the server's version is known", arguments: PostgresVersion.allCases)
    func version(_ version: PostgresVersion) async throws {
        let connection = try await Server.connection(version)

        let number = try await connection.run { $0.serverVersion }

        #expect(number / 10_000 == version.rawValue)
    }
}
