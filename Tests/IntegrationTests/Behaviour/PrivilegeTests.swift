import LeatTestSupport
import Testing

@Suite("A plain role on both sides")
struct PrivilegeTests {
    private static let schema = """
        create schema app;
        create table app.t (id int generated always as identity primary key, v text);
        create table app.u (id bigserial primary key, t int references app.t);
        create sequence app.free;
        """
    private static let rows = """
        insert into app.t (v) select 'v' || i from generate_series(1, 100) i;
        insert into app.u (t) select i from generate_series(1, 10) i;
        select setval('app.free', 77);
        """

    /// What the README asks for.
    private enum Grants {
        static func source(_ role: String, _ database: String) -> String {
            """
            create role \(role) login replication;
            grant connect on database \(database) to \(role);
            grant usage on schema app to \(role);
            grant select on all tables in schema app to \(role);
            grant select on all sequences in schema app to \(role);
            """
        }

        static func target(_ role: String, _ database: String) -> String {
            """
            create role \(role) login;
            grant connect on database \(database) to \(role);
            grant usage on schema app to \(role);
            grant select, insert, update, delete, truncate on all tables in schema app to \(role);
            grant select, update on all sequences in schema app to \(role);
            grant set on parameter session_replication_role to \(role);
            """
        }

        static func drop(_ role: String) -> String {
            """
            drop owned by \(role);
            revoke all on parameter session_replication_role from \(role);
            drop role \(role);
            """
        }
    }

    /// Runs `body` with a pair whose role has the README's grants and none that come with PUBLIC.
    private func withRole(
        _ version: PostgresVersion,
        _ body: (Pair, _ role: String, _ places: [String]) async throws
            -> Void
    ) async throws {
        try await Pair.with(
            .init(version, version), schema: Self.schema, rows: Self.rows
        ) { pair in
            let (role, database) = ("role_\(pair.database)", pair.database)
            try await pair.both("revoke all on database \(database) from public")
            try await pair.onSource(Grants.source(role, database))
            try await pair.onTarget(Grants.target(role, database))
            let places = [
                "--source", pair.source.conninfo(database: database, user: role),
                "--target", pair.target.conninfo(database: database, user: role),
            ]
            try await body(pair, role, places)
            try await pair.both(Grants.drop(role))
        }
    }

    @Test("is refused where it may not read or set a sequence, with the grants that mend it")
    func sequences() async throws {
        try await withRole(.v16) { pair, role, places in
            try await pair.onSource(
                """
                create publication pub for all tables;
                revoke select on sequence app.u_id_seq from \(role)
                """)
            try await pair.onTarget(
                """
                create schema leat authorization \(role);
                revoke update on sequence app.t_id_seq from \(role)
                """)
            let options = places + ["--publication", "pub", "--endpos", "now"]

            let source = try await pair.expectRefusal(6, "app.u_id_seq", options: options)
            for sql in pair.printedStatements(in: source.log) { try await pair.onSource(sql) }
            let target = try await pair.expectRefusal(6, "app.t_id_seq", options: options)
            for sql in pair.printedStatements(in: target.log) { try await pair.onTarget(sql) }
            let outcome = try await pair.leat(["sync"] + pair.places + options)
            #expect(outcome.exitCode == 0, "\(outcome.log)")

            // Taken away while the stream is there, it is told at the start and by the end.
            try await pair.onTarget("revoke update on sequence app.t_id_seq from \(role)")
            try await pair.onSource("insert into app.t (v) values ('later')")
            let later = try await pair.leat(["sync"] + pair.places + options)
            #expect(later.exitCode == 4, "\(later.log)")
            #expect(later.log.contains("to \"\(role)\";"), "\(later.log)")
            try await pair.expectEqual()
        }
    }

    private func follow(_ pair: Pair, _ options: [String]) async throws {
        let arguments = ["sync"] + pair.places + options + ["--status-interval", "200ms"]
        let leat = try LeatProcess(arguments)
        try await pair.waitForStream(leat)
        try await pair.source.run(
            script: """
                insert into app.t (v) values ('new'); update app.t set v = 'w' where id = 1;
                delete from app.u where id = 5; truncate app.u restart identity;
                insert into app.u (t) values (1);
                select nextval('app.free');
                """, database: pair.database)
        try await pair.waitUntilApplied()
        #expect(try await leat.terminate() == 0, "\(leat.log)")
        try await pair.onSource("insert into app.t (v) values ('later')")
        let again = try await pair.leat(arguments + ["--endpos", "now"])
        #expect(again.exitCode == 0, "\(again.log)")
        #expect(!again.log.contains("not granted"))
        try await pair.expectEqual()
        for sequence in ["app.t_id_seq", "app.u_id_seq"] {
            let value = "select last_value, is_called from \(sequence)"
            #expect(try await pair.onSource(value) == pair.onTarget(value))
        }
        let status = try await pair.leat(["status"] + options.prefix(4))
        #expect(status.exitCode == 0, "\(status.log)")
        let cleanup = try await pair.leat(["cleanup", "--yes"] + pair.places + options.prefix(4))
        #expect(cleanup.exitCode == 0, "\(cleanup.log)")
    }

    @Test(
        "follows a publication that an administrator made", arguments: PostgresVersion.allCases)
    func administratorsPublication(_ version: PostgresVersion) async throws {
        try await withRole(version) { pair, role, places in
            try await pair.onSource(
                "create publication pub for all tables with (publish_via_partition_root = true)")
            try await pair.onTarget("create schema leat authorization \(role)")

            try await follow(pair, places + ["--publication", "pub"])
        }
    }

    @Test("makes its own publication of tables that it owns", arguments: PostgresVersion.allCases)
    func ownPublication(_ version: PostgresVersion) async throws {
        try await withRole(version) { pair, role, places in
            try await pair.both(
                """
                grant create on database \(pair.database) to \(role);
                alter table app.t owner to \(role); alter table app.u owner to \(role);
                """)

            try await follow(pair, places)
        }
    }

    @Test(
        "that lacks something is told what, before anything is created",
        arguments: [
            ("source", "alter role ROLE noreplication", 3, "REPLICATION attribute"),
            ("source", "revoke select on app.u from ROLE", 6, "\"app\".\"u\""),
            ("source", "revoke usage on schema app from ROLE", 6, "app"),
            ("target", "drop schema leat cascade", 6, "schema leat"),
            ("target", "revoke delete, update on app.u from ROLE", 6, "UPDATE, DELETE"),
            ("target", "revoke usage on schema app from ROLE", 6, "app"),
        ])
    func lacking(_ side: String, _ revoke: String, _ code: Int, _ word: String) async throws {
        try await withRole(.v16) { pair, role, places in
            try await pair.onSource("create publication pub for all tables")
            try await pair.onTarget("create schema leat authorization \(role)")
            let sql = revoke.replacing("ROLE", with: role)
            _ = side == "source" ? try await pair.onSource(sql) : try await pair.onTarget(sql)

            let options = places + ["--publication", "pub", "--endpos", "now"]
            let refused = try await pair.expectRefusal(Int32(code), word, options: options)

            // It is what the role lacked, and all of it.
            let statements = pair.printedStatements(in: refused.log)
            #expect(!statements.isEmpty, "\(refused.log)")
            for sql in statements {
                _ = side == "source" ? try await pair.onSource(sql) : try await pair.onTarget(sql)
            }
            let outcome = try await pair.leat(["sync"] + pair.places + options)
            #expect(outcome.exitCode == 0, "\(outcome.log)")
            try await pair.expectEqual()
        }
    }

    @Test("that does not own the tables is told what makes the publication, and how to start")
    func notOwner() async throws {
        try await withRole(.v16) { pair, role, places in
            try await pair.onTarget("create schema leat authorization \(role)")

            let refused = try await pair.expectRefusal(6, "does not own", "app.t", options: places)
            for sql in pair.printedStatements(in: refused.log) { try await pair.onSource(sql) }
            let command = refused.log.replacing("Then: leat", with: "leat")
            let outcome = try await pair.runPrinted("leat sync", in: command, "--endpos", "now")
            #expect(outcome.exitCode == 0, "\(outcome.log)")
            try await pair.expectEqual()
        }
    }
}
