import Foundation
import LeatTestSupport
import Testing

@Suite("leat conflicts")
struct ConflictCommandTests {
    private static let schema = """
        create table t (id int primary key, v text);
        create schema app; create table app.u (id int primary key, v text)
        """
    private static let rows = """
        insert into t select i, 'v' from generate_series(1, 10) i;
        insert into app.u select i, 'v' from generate_series(1, 10) i
        """

    private struct Entry: Decodable, Equatable {
        var table: String, schema_name: String, table_name: String, kind: String, policy: String
        var key_columns: [String], key_values: [String]?, lsn: String, time: String, stream: String
    }

    private struct Report: Decodable { var conflicts: [String: Int] }

    private func withConflicts(_ body: (Pair, _ target: [String]) async throws -> Void) async throws
    {
        try await Pair.with(schema: Self.schema, rows: Self.rows) { pair in
            let target = ["--target", pair.target.conninfo(database: pair.database)]
            try await body(pair, target)
        }
    }

    private func resolveThree(_ pair: Pair) async throws {
        try await pair.catchUp()
        try await pair.onTarget("delete from t where id = 5; delete from app.u where id in (5, 6)")
        try await pair.onSource(
            """
            update t set v = 'u' where id = 5; update app.u set v = 'u' where id = 5;
            delete from app.u where id = 6
            """)
        try await pair.catchUp(
            "--on-conflict", "update_missing=apply", "--on-conflict", "delete_missing=skip",
            "--show-values")
    }

    @Test("list shows what was resolved, for people and as JSON, and status counts it")
    func list() async throws {
        try await withConflicts { pair, target in
            let before = try await pair.leat(["conflicts", "list"] + target)
            #expect((before.exitCode, before.output) == (0, "no conflicts\n"))
            try await resolveThree(pair)

            let text = try await pair.leat(["conflicts", "list"] + target)
            let json = try await pair.leat(["conflicts", "list", "--json"] + target)
            let latest = try await pair.leat(
                ["conflicts", "list", "--json", "--limit", "1"] + target)
            let status = try await pair.leat(["status", "--json"] + target)

            #expect(text.output.contains("app.u  delete_missing  skip  key id = 6"))
            #expect(text.output.split(separator: "\n").count == 3)
            let entries = try JSONDecoder().decode([Entry].self, from: Data(json.output.utf8))
            #expect(entries.map(\.table_name) == ["t", "u", "u"])
            #expect(entries.map(\.table) == ["public.t", "app.u", "app.u"])
            let parsed = try JSONSerialization.jsonObject(with: Data(json.output.utf8))
            let objects = try #require(parsed as? [[String: Any]])
            #expect(try ChangePage().unknown(in: "conflicts", of: objects) == [])
            #expect(entries.map(\.key_values) == [["5"], ["5"], ["6"]])
            #expect(entries.allSatisfy { $0.stream == pair.stream && $0.time.hasSuffix("Z") })
            let last = try JSONDecoder().decode([Entry].self, from: Data(latest.output.utf8))
            #expect(last == [entries[2]] && latest.log.contains("of=3"))
            let reports = try JSONDecoder().decode([Report].self, from: Data(status.output.utf8))
            #expect(reports.map(\.conflicts) == [["update_missing": 2, "delete_missing": 1]])
            let plain = try await pair.leat(["status"] + target)
            #expect(plain.output.contains("conflicts     delete_missing 1, update_missing 2"))
        }
    }

    @Test(
        "list and clear take what the filters choose",
        arguments: [
            (["--table", "app.*"], 2), (["--table", "t"], 1), (["--table", "absent.*"], 0),
            (["--kind", "update_missing"], 2),
            (["--kind", "update_missing", "--table", "app.u,public.none"], 1),
            (["--kind", "delete_missing", "--kind", "insert_exists"], 1),
            (["--stream", "absent"], 0), ([], 3),
        ])
    func filters(_ filter: [String], _ count: Int) async throws {
        try await withConflicts { pair, target in
            try await resolveThree(pair)

            let listed = try await pair.leat(["conflicts", "list", "--json"] + target + filter)
            let entries = try JSONDecoder().decode([Entry].self, from: Data(listed.output.utf8))
            #expect(entries.count == count)
            let cleared = try await pair.leat(["conflicts", "clear", "--yes"] + target + filter)

            #expect((cleared.exitCode, cleared.output) == (0, "forgot \(count) conflicts\n"))
            #expect(
                try await pair.targetValue("select count(*) from leat.conflicts") == "\(3 - count)")
        }
    }

    @Test("clear asks, and cleanup takes the stream's along")
    func clearAsks() async throws {
        try await withConflicts { pair, target in
            try await resolveThree(pair)

            let asked = try await pair.leat(["conflicts", "clear"] + target)
            #expect(asked.exitCode == 64 && asked.log.contains("--yes"))
            #expect(try await pair.targetValue("select count(*) from leat.conflicts") == "3")
            let cleanup = try await pair.leat(["cleanup", "--yes"] + pair.places)

            #expect(cleanup.exitCode == 0)
            #expect(try await pair.targetValue("select count(*) from leat.conflicts") == "0")
        }
    }

    @Test("a stream of an older version gets the tables that it lacks")
    func olderSchema() async throws {
        try await withConflicts { pair, target in
            try await pair.catchUp()
            try await pair.onTarget("drop table leat.conflicts, leat.triggers")

            let status = try await pair.leat(["status"] + target)
            let list = try await pair.leat(["conflicts", "list"] + target)
            #expect((status.exitCode, list.exitCode) == (0, 0))
            try await resolveThree(pair)
            #expect(try await pair.targetValue("select count(*) from leat.conflicts") == "3")
            try await pair.onTarget("drop table leat.conflicts, leat.triggers")
            #expect(try await pair.leat(["cleanup", "--yes"] + pair.places).exitCode == 0)
        }
    }
}
