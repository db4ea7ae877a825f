import Foundation
import LeatTestSupport
import Testing

@Suite("leat publication")
struct PublicationTests {
    private static let schema = """
        create schema app;
        create table orders (id int primary key, qty int, note text);
        create table log (line text);
        create table late (id int primary key deferrable);
        create table app.items (id int primary key, v text);
        create table parts (id int, day date, v text, primary key (id, day))
          partition by range (day);
        create table parts_1 partition of parts for values from ('2026-01-01') to ('2026-02-01');
        """

    private struct List: Decodable {
        struct Table: Decodable, Equatable {
            var schema_name: String
            var table_name: String
            var columns: [String]?
            var row_filter: String?
            var is_partitioned: Bool, membership: String
        }
        struct Problem: Decodable { var table_name: String, message: String, advice: String }
        struct Reader: Decodable, Equatable {
            var slot: String, known_by: String
            var stream: String?
        }
        struct Publication: Decodable {
            var name: String, owner: String, is_for_all_tables: Bool, schemas: [String]
            var operations: [String], is_via_partition_root: Bool
            var tables: [Table], problems: [Problem], readers: [Reader]

            var tableNames: [String] { tables.map(\.table_name) }
        }
        var publications: [Publication], unknown_slots: [String]
    }

    private func with(
        _ version: PostgresVersion, _ body: (Pair) async throws -> Void
    ) async throws {
        try await Pair.with(.init(version, version), schema: Self.schema, body)
    }

    private func run(
        _ pair: Pair, _ arguments: String..., user: String = "postgres"
    ) async throws -> Pair.Outcome {
        let source = pair.source.conninfo(database: pair.database, user: user)
        return try await pair.leat(["publication"] + arguments + ["--source", source])
    }

    private func succeed(_ pair: Pair, _ arguments: String...) async throws {
        let source = ["--source", pair.source.conninfo(database: pair.database)]
        let outcome = try await pair.leat(["publication"] + arguments + source)
        #expect(outcome.exitCode == 0, "\(arguments): \(outcome.text)")
    }

    private func list(_ pair: Pair, _ options: String...) async throws -> List {
        let source = ["--source", pair.source.conninfo(database: pair.database)]
        let outcome = try await pair.leat(["publication", "list", "--json"] + source + options)
        #expect(outcome.exitCode == 0, "\(outcome.log)")
        return try JSONDecoder().decode(List.self, from: Data(outcome.output.utf8))
    }

    private func publications(_ pair: Pair) async throws -> [[String?]] {
        try await pair.onSource("select * from pg_publication order by 1")
    }

    @Test(
        "what is created and altered is what list shows, and what the server has",
        arguments: PostgresVersion.allCases)
    func life(_ version: PostgresVersion) async throws {
        try await with(version) { pair in
            #expect(try await list(pair).publications.isEmpty)
            try await succeed(
                pair, "create", "Pub 1", "--tables", "orders,parts", "--columns",
                "orders=id,qty", "--where", "public.orders=id > 5 and 'a=b' <> ''")
            var pub = try await list(pair).publications[0]
            #expect((pub.name, pub.owner, pub.is_for_all_tables) == ("Pub 1", "postgres", false))
            #expect(pub.operations == ["insert", "update", "delete", "truncate"])
            #expect(pub.is_via_partition_root && pub.problems.isEmpty && pub.readers.isEmpty)
            #expect(pub.tableNames == ["orders", "parts"])
            #expect(pub.tables[0].columns == ["id", "qty"])
            #expect(pub.tables[0].row_filter?.contains("id > 5") == true)
            #expect(pub.tables[1].is_partitioned)

            try await succeed(
                pair, "alter", "Pub 1", "--add-tables", "app.*", "--drop-tables", "parts",
                "--publish", "insert,update", "--no-via-partition-root")
            pub = try await list(pair).publications[0]
            #expect(pub.tableNames == ["items", "orders"])
            #expect(pub.operations == ["insert", "update"])
            #expect(!pub.is_via_partition_root)

            // What is not mentioned of a table stays.
            try await succeed(
                pair, "alter", "Pub 1", "--add-tables", "orders", "--where", "orders=")
            pub = try await list(pair).publications[0]
            #expect(pub.tables[1].columns == ["id", "qty"])
            #expect(pub.tables[1].row_filter == nil)
            let before = try await publications(pair)
            let same = try await run(pair, "alter", "Pub 1", "--add-tables", "orders")
            #expect(same.output == "publication Pub 1 is like that already\n")
            #expect(try await publications(pair) == before)

            try await succeed(pair, "create", "schemas", "--schemas", "app")
            try await succeed(
                pair, "create", "inserts", "--all-tables", "--publish", "insert")
            #expect(
                try await list(pair).publications.map { "\($0.name) \($0.tables.count)" } == [
                    "Pub 1 2", "inserts 5", "schemas 1",
                ])
            let text = try await run(pair, "list", "Pub 1")
            #expect(text.output.contains("public.orders  columns (id, qty)"), "\(text.output)")
            let table = try await run(pair, "list")
            #expect(table.output.contains("all tables"))

            let unasked = try await run(pair, "drop", "Pub 1")
            #expect(unasked.exitCode == 64)
            try await succeed(pair, "drop", "Pub 1", "schemas", "--yes")
            #expect(try await list(pair).publications.map(\.name) == ["inserts"])
            let gone = try await run(pair, "drop", "Pub 1", "--yes")
            #expect(gone.exitCode == 2 && gone.log.contains("There are: inserts"))
            try await succeed(pair, "drop", "Pub 1", "--if-exists", "--yes")
        }
    }

    @Test(
        "a table whose updates would fail is refused before anything is made, with the SQL",
        arguments: PostgresVersion.allCases)
    func identities(_ version: PostgresVersion) async throws {
        try await with(version) { pair in
            try await pair.onSource(
                """
                insert into log values ('a'); insert into orders values (1, 1, 'a');
                alter table parts_1 replica identity nothing
                """)
            let cases: [(arguments: [String], words: [String])] = [
                (
                    ["--all-tables"],
                    [
                        "public.log: it has no primary key", "public.late: its primary key is def",
                        "public.parts_1", "alter table \"public\".\"log\" replica identity full;",
                    ]
                ),
                (["--tables", "log"], ["public.log: it has no primary key"]),
                (["--schemas", "public"], ["public.log: it has no primary key"]),
                (["--tables", "parts"], ["public.parts_1: its replica identity is NOTHING"]),
                (
                    ["--tables", "orders", "--where", "orders=qty > 1"],
                    ["row filter uses qty", "replica identity full;"]
                ),
                (
                    ["--tables", "orders", "--columns", "orders=note"],
                    ["column list leaves out id"]
                ),
                (["--tables", "nothing*"], ["No table of the source matches public.nothing*"]),
                (
                    ["--tables", "*", "--exclude", "nothing"],
                    ["No table of the source matches public.nothing"]
                ),
                (["--schemas", "nothing"], ["no schema nothing"]),
            ]
            for (arguments, words) in cases {
                let source = ["--source", pair.source.conninfo(database: pair.database)]
                let outcome = try await pair.leat(
                    ["publication", "create", "p"] + arguments + source)
                #expect(outcome.exitCode == 6, "\(arguments): \(outcome.text)")
                for word in words { #expect(outcome.log.contains(word), "\(outcome.log)") }
                #expect(try await publications(pair).isEmpty)
            }
            // The application goes on.
            try await pair.onSource("update log set line = 'b'; update orders set qty = 2")

            // Inserts need no identity, and what mends a table lets it in.
            try await succeed(pair, "create", "p", "--tables", "log", "--publish", "insert")
            let widened = try await run(pair, "alter", "p", "--publish", "insert,update")
            #expect(widened.exitCode == 6, "\(widened.text)")
            try await pair.onSource("update log set line = 'c'")
            try await pair.onSource("alter table log replica identity full")
            try await succeed(pair, "alter", "p", "--publish", "insert,update")
            let added = try await run(pair, "alter", "p", "--add-tables", "late", "--yes")
            #expect(added.exitCode == 6 && added.log.contains("public.late"), "\(added.text)")
            #expect(try await list(pair).publications[0].tableNames == ["log"])
            try await pair.onSource("update log set line = 'd'; update late set id = 1")

            // Made by others, it is shown, and does not bar what has nothing to do with it.
            try await pair.onSource("create publication bad for table late, app.items")
            let bad = try await list(pair).publications[0]
            #expect(bad.problems.map(\.table_name) == ["late"])
            #expect(bad.problems[0].advice.contains("replica identity full"))
            await #expect(throws: (any Error).self) {
                try await pair.onSource("insert into late values (9); update late set id = 10")
            }
            try await succeed(pair, "alter", "bad", "--add-tables", "orders")
            try await succeed(pair, "alter", "bad", "--drop-tables", "late")
            #expect(try await list(pair).publications[0].problems.isEmpty)
        }
    }

    @Test(
        "a dry run prints SQL that does it, and changes nothing",
        arguments: PostgresVersion.allCases)
    func dryRun(_ version: PostgresVersion) async throws {
        try await with(version) { pair in
            let create = [
                "create", "a \"b", "--tables", "orders,parts", "--where", "orders=id > 1",
                "--columns", "orders=id,qty", "--publish", "insert,update",
            ]
            let alter = [
                "alter", "a \"b", "--add-tables", "app.items", "--drop-tables", "parts",
                "--publish", "insert",
            ]
            let drop = ["drop", "a \"b"]
            let source = ["--source", pair.source.conninfo(database: pair.database)]
            for arguments in [create, alter, drop] {
                let before = try await publications(pair)
                let tables = try await pair.onSource("select * from pg_publication_tables")
                let outcome = try await pair.leat(
                    ["publication"] + arguments + ["--dry-run"] + source)
                #expect(outcome.exitCode == 0, "\(outcome.text)")
                #expect(try await publications(pair) == before)
                #expect(try await pair.onSource("select * from pg_publication_tables") == tables)

                try await pair.source.run(script: outcome.output, database: pair.database)
                let list = try await list(pair).publications.first
                switch arguments[0] {
                case "create": #expect(list?.tableNames == ["orders", "parts"])
                case "alter": #expect(list?.tableNames == ["items", "orders"])
                default: #expect(list == nil)
                }
            }
            let refused = try await run(
                pair, "create", "p", "--tables", "log", "--dry-run")
            #expect(refused.exitCode == 6 && refused.output.isEmpty)
        }
    }

    @Test(
        "readers are named: streams, connected walsenders, slots of the name; and what is unknown",
        arguments: PostgresVersion.allCases)
    func readers(_ version: PostgresVersion) async throws {
        try await with(version) { pair in
            try await pair.onSource("create publication shop for table orders, parts, app.items")
            try await pair.catchUp("--publication", "shop")
            let name = pair.database
            try await pair.onSource(
                """
                create publication named_\(name) for table orders;
                create publication wire for table orders
                """)
            try await pair.onSource(
                """
                select pg_create_logical_replication_slot('named_\(name)', 'pgoutput');
                select pg_create_logical_replication_slot('hidden_\(name)', 'pgoutput');
                select pg_create_logical_replication_slot('wire_\(name)', 'pgoutput')
                """)
            let reader = try ChildProcess(
                pair.source.installation.program("pg_recvlogical"),
                arguments: [
                    "-d", pair.source.conninfo(database: name), "-S", "wire_\(name)", "--start",
                    "-f", "/dev/null", "-o", "proto_version=1",
                    "-o", "publication_names=\"wire\",\"shop\"",
                ])
            defer { reader.signal(SIGKILL) }
            try await pair.source.waitUntil(
                sql: "select active from pg_replication_slots where slot_name = 'wire_\(name)'")

            let target = pair.target.conninfo(database: name)
            let known = try await list(pair, "--target", target)
            #expect(
                known.publications[1].readers == [
                    .init(slot: pair.objectName, known_by: "stream", stream: pair.stream),
                    .init(slot: "wire_\(name)", known_by: "walsender"),
                ])
            #expect(
                known.publications[0].readers == [
                    .init(slot: "named_\(name)", known_by: "name")
                ])
            #expect(known.publications[2].readers.map(\.known_by) == ["walsender"])
            #expect(known.unknown_slots == ["hidden_\(name)"])
            let withoutTarget = try await list(pair)
            #expect(withoutTarget.unknown_slots == ["hidden_\(name)", pair.objectName])

            let drop = try await run(pair, "drop", "shop", "--yes", "--target", target)
            #expect(drop.exitCode == 0, "\(drop.log)")
            #expect(drop.log.contains("stream \(pair.stream)"), "\(drop.log)")
            #expect(drop.log.contains(version == .v18 ? "left out" : "error"), "\(drop.log)")
            #expect(drop.log.contains("hidden_\(name)"))
        }
    }

    @Test(
        "an owner needs no more than CREATE on the database, and others are told what they lack",
        arguments: PostgresVersion.allCases)
    func privileges(_ version: PostgresVersion) async throws {
        try await with(version) { pair in
            let role = "role_\(pair.database)"
            try await pair.onSource(
                """
                create role \(role) login; alter table orders owner to \(role);
                grant create on database \(pair.database) to \(role)
                """)
            let own = try await run(
                pair, "create", "mine", "--tables", "orders", user: role)
            let foreign = try await run(
                pair, "create", "other", "--tables", "parts", user: role)
            let all = try await run(
                pair, "create", "other", "--all-tables", "--publish", "insert", user: role)
            let listed = try await run(pair, "list", user: role)
            try await pair.onSource("create publication admin for table parts")
            let dropped = try await run(pair, "drop", "admin", "--yes", user: role)
            let altered = try await run(
                pair, "alter", "admin", "--publish", "insert", user: role)
            try await pair.onSource("drop owned by \(role) cascade; drop role \(role)")

            #expect(own.exitCode == 0, "\(own.log)")
            for (outcome, words) in [
                (foreign, "must be owner of table parts"), (all, "must be superuser"),
                (dropped, "must be owner of publication"), (altered, "must be owner of pub"),
            ] {
                #expect(outcome.exitCode == 3, "\(outcome.text)")
                #expect(outcome.log.contains(words), "\(outcome.log)")
            }
            #expect(listed.exitCode == 0 && listed.output.contains("mine"), "\(listed.text)")
        }
    }
}
