import Foundation
import LeatTestSupport
import Testing

/// What a service is told by its environment.
@Suite("Settings from the environment")
struct SettingTests {
    private static let tables = """
        create table kept (id int primary key); create table other (id int primary key)
        """

    @Test("are taken where no flag says otherwise")
    func taken() async throws {
        try await Pair.with(schema: Self.tables, rows: "insert into kept values (1)") { pair in
            let environment = [
                "LEAT_SOURCE": pair.source.conninfo(database: pair.database),
                "LEAT_TARGET": pair.target.conninfo(database: pair.database),
                "LEAT_STREAM": pair.stream, "LEAT_STATE_DIR": pair.stateDirectory,
                "LEAT_TABLES": "public.other, \"public\".\"kept\"", "LEAT_COPY_JOBS": "1",
                "LEAT_STATUS_INTERVAL": "200ms", "LEAT_STRICT": "on", "LEAT_ROLE": "plain",
                "LEAT_EXCLUDE": "",
            ]
            let first = try await pair.leat(
                ["sync", "--endpos", "now", "--tables", "kept"], environment: environment)
            #expect(first.exitCode == 0, "\(first.log)")
            #expect(first.log.contains("following tables=public.kept\n"), "\(first.log)")
            #expect(first.log.contains("role plain"), "\(first.log)")
            #expect(
                try await pair.targetValue(
                    "select string_agg(table_name, ' ') from leat.tables") == "kept")

            let second = try await pair.leat(
                ["sync", "--endpos", "now"], environment: environment)
            #expect(second.exitCode == 0, "\(second.log)")
            #expect(
                try await pair.targetValue(
                    "select string_agg(table_name, ' ' order by 1) from leat.tables")
                    == "kept other")
            let cleanup = try await pair.leat(["cleanup", "--yes"], environment: environment)
            #expect(cleanup.exitCode == 0, "\(cleanup.log)")
            #expect(cleanup.output.contains("removed stream \(pair.stream)"))
        }
    }

    @Test(
        "that are no such value end the command before it connects",
        arguments: [
            ("LEAT_COPY_JOBS", "65", "a number from 1 to 64"),
            ("LEAT_STATUS_INTERVAL", "soon", "a duration"),
            ("LEAT_ROLE", "king", "auto, replica, plain or disable-triggers"),
            ("LEAT_SPOOL_LIMIT", "much", "a size"), ("LEAT_STRICT", "perhaps", "on or off"),
            ("LEAT_STREAM", "No Name", "1 to 50"), ("LEAT_SPOOL_LIMIT", "1GB", "needs --spool"),
            ("LEAT_RENAME", "public.a=app.a,public.a=app.b", "names table public.a twice"),
        ])
    func refused(_ variable: String, _ value: String, _ words: String) async throws {
        let (code, _, log) = try await LeatProcess.run(
            [
                "sync", "--source", "host=127.0.0.1 port=1 dbname=a", "--target",
                "host=127.0.0.1 port=1 dbname=b", "--state-dir", "\(LeatProcess.folder)/none",
            ], environment: [variable: value])
        #expect(code == 2, "\(log)")
        #expect(log.contains(words), "\(log)")
    }

    @Test("are all on their page, with the variables that are read")
    func page() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../..").standardized
        let page = try String(
            contentsOf: root.appending(path: "Docs/reference/settings.md"), encoding: .utf8)
        let source = try String(
            contentsOf: root.appending(path: "Sources/leat/Options/CommandSettings.swift"),
            encoding: .utf8)
        let names = source.matches(of: /\((?:list: )?"([a-z-]+)"/).map { String($0.1) }
        #expect(names.count > 25)
        for name in names {
            let variable = "LEAT_" + name.uppercased().replacing("-", with: "_")
            let row = "| `--\(name)` | `\(name == "binary" ? "LEAT_BINARY_VALUES" : variable)` |"
            #expect(page.contains(row), "\(row)")
        }
    }
}
