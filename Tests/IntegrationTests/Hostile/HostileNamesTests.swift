import Foundation
import LeatCore
import LeatTestSupport
import PGWire
import Testing

/// Names and values that mean something to a terminal, a shell, a reader of logs or SQL.
@Suite("Hostile names")
struct HostileNamesTests {
    private static let forged = "2026-01-01T00:00:00.000Z error forged"

    static let names = [
        "esc \u{1B}[2J\u{1B}]0;x\u{07}", "line\n\(forged)", "cr\r\(forged)", "bidi \u{202E}gnp.exe",
        "quote\"'", "two\"\"''", #"back\slash \n \"#, "$1 $$ $x$", "; rm -rf / `id` $(id) | x > y",
        "--version", "-x", " ", "\u{A0}", String(repeating: "ü", count: 31), "%s %d %n",
        "\u{9B}31m",
        "ls\u{2028}\(forged)", "tab\t", #"U&"\0041""#, "*?", "a.b,c", "{\"json\": 1}", "null",
        "\u{7F}",
        "joiner \u{200D}", "tag \u{E0041}", "e\u{301}", "marked \"\u{301}'\u{301}\\\u{301}",
    ]

    private static func identifier(_ name: String) -> String {
        "\"\(doubled("\"", in: name))\""
    }

    private static func literal(_ text: String) -> String {
        "'\(doubled("'", in: text))'"
    }

    /// By scalars: a quote before a combining mark is another `Character`.
    private static func doubled(_ quote: Unicode.Scalar, in text: String) -> String {
        text.unicodeScalars.map { $0 == quote ? "\($0)\($0)" : String($0) }.joined()
    }

    private static let place = identifier("sch\u{1B}[1m\n\(forged)\u{202E}")
    private static let publication = "pub \u{1B}[2J\n\(forged) '\"\\"
    private static let late = "late \u{1B}c\n\(forged) $x '\"\\"

    /// A table for each name, with a column of the name and one that is like it.
    private static let schema =
        """
        create schema \(place);
        create type \(place).\(identifier("type " + names[0])) as enum ('ok');
        create table \(place).kinds (id int primary key, m \(place).\(identifier("type " + names[0])));
        create sequence \(place).\(identifier("seq " + names[1]));
        """
        + names.map { name in
            """
            create table \(place).\(identifier(name)) (
              \(identifier(name)) text primary key,
              \(identifier(String(name.prefix(20)) + "v")) text);
            """
        }.joined()

    private static let rows =
        "select setval('\(doubled("'", in: place)).\(identifier("seq " + names[1]))', 42);"
        + names.map { table in
            let values = names.map { "(\(literal($0)), \(literal($0 + "\u{1B}SECRET")))" }
            return
                "insert into \(place).\(identifier(table)) values \(values.joined(separator: ", "));"
        }.joined()

    private static let changes = names.map { name in
        let table = "\(place).\(identifier(name))"
        return """
            update \(table) set \(identifier(String(name.prefix(20)) + "v")) = \(literal(name + "x"));
            delete from \(table) where \(identifier(name)) = ' ';
            insert into \(table) values ('new \u{1B}[8m', \(literal(name)));
            """
    }.joined()

    private func run(
        _ pair: Pair, _ words: [String], _ code: Int32 = 0, values: Bool = false,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Pair.Outcome {
        let outcome = try await pair.leat(words)
        outcome.expectClean(
            code, words.joined(separator: " "), values: values, sourceLocation: sourceLocation)
        return outcome
    }

    @Test("forge no line, move no cursor, and are copied like any other, by every command")
    func everyCommand() async throws {
        try await Pair.with(.init(.v16, .v18), schema: Self.schema, rows: Self.rows) { pair in
            let source = ["--source", pair.source.conninfo(database: pair.database)]
            let target = ["--target", pair.target.conninfo(database: pair.database)]
            let only = ["--publication", Self.publication]
            _ = try await run(
                pair, ["publication", "create", Self.publication, "--tables", "*.*"] + source)
            for more in [[], [Self.publication], ["--json"]] {
                _ = try await run(pair, ["publication", "list"] + more + source)
            }
            let sync = ["sync"] + pair.places + ["--endpos", "now", "--verbose"] + only
            _ = try await run(pair, sync)
            try await pair.onSource(Self.changes)
            _ = try await run(
                pair, ["slot", "peek", pair.objectName] + only + source, values: true)
            _ = try await run(
                pair, ["slot", "peek", pair.objectName, "--json", "--show-values"] + only + source,
                values: true)
            _ = try await run(pair, sync)
            try await pair.expectEqual()
            try await slotsAndPublications(pair, source)

            try await stops(pair, sync, target)
            try await newTable(pair, sync)

            for words in [
                ["status"] + source, ["status", "--json"] + source, ["conflicts", "list"],
                ["conflicts", "list", "--json"], ["conflicts", "clear", "--yes"],
            ] { _ = try await run(pair, words + target) }
            for words in [
                ["slot", "list"], ["slot", "list", "--details"], ["slot", "list", "--json"],
                ["slot", "lag", pair.objectName],
                ["slot", "advance", pair.objectName, "now", "--dry-run"],
                ["publication", "drop", Self.publication, "--dry-run"],
                ["publication", "alter", Self.publication, "--tables", "kinds", "--dry-run"],
            ] {
                let outcome = try await pair.leat(words + source)
                outcome.expectClean(outcome.exitCode, words.joined(separator: " "))
                #expect([0, 5, 2, 3, 64].contains(outcome.exitCode), "\(words) \(outcome.text)")
            }
            _ = try await run(pair, ["cleanup", "--yes"] + pair.places)
        }
    }

    /// A name that no slot can have is refused, and a publication takes tables and columns of any.
    private func slotsAndPublications(_ pair: Pair, _ source: [String]) async throws {
        for name in Self.names where name != "null" {
            for (command, options) in [("create", []), ("drop", ["--yes"])] {
                let outcome = try await pair.leat(
                    ["slot", command] + options + source + ["--", name])
                outcome.expectClean(2, "slot \(command)")
            }
        }
        let (name, column) = ("other " + Self.publication, Self.identifier(Self.names[3]))
        let tables = [Self.names[3], Self.names[4]].map { Self.place + "." + Self.identifier($0) }
        let publication = { (words: [String]) in ["publication"] + words + source }
        _ = try await run(pair, publication(["create", name, "--tables", tables[0]]))
        _ = try await run(
            pair,
            publication([
                "alter", name, "--add-tables", tables.joined(separator: ","), "--where",
                "\(tables[0])=\(column) <> ' '", "--yes",
            ]))
        let listed = try await run(pair, publication(["list", name, "--json"]))
        #expect(listed.output.components(separatedBy: "\"table_name\"").count == 3)
        _ = try await run(
            pair, publication(["alter", name, "--drop-tables", tables[1], "--yes"]))
        _ = try await run(pair, publication(["drop", name, "--yes"]))
        #expect(
            try await pair.sourceValue(
                "select count(*) from pg_publication where pubname = \(Self.literal(name))") == "0")
    }

    /// Each stop says what to run, and what it says runs.
    private func stops(_ pair: Pair, _ sync: [String], _ target: [String]) async throws {
        let (table, column) = (Self.names[1], Self.identifier(Self.names[3]))
        let quoted = "\(Self.place).\(Self.identifier(table))"
        try await pair.onTarget("delete from \(quoted) where true")
        try await pair.onSource("delete from \(quoted) where true")
        let conflict = try await run(pair, sync, 7)
        #expect(conflict.log.contains("delete_missing"))
        _ = try await run(pair, ["status"] + target, 7)
        _ = try await run(pair, sync + ["--on-conflict", "delete_missing=skip"])

        try await pair.onSource(
            """
            alter table \(quoted) add \(column) text;
            alter type \(Self.place).\(Self.identifier("type " + Self.names[0]))
              add value \(Self.literal(Self.late));
            """)
        try await pair.onSource(
            """
            insert into \(quoted) values ('1', '2', '3');
            insert into \(Self.place).kinds values (1, \(Self.literal(Self.late)))
            """)
        for _ in 0..<4 {
            let stopped = try await pair.leat(sync)
            stopped.expectClean(stopped.exitCode, "sync")
            if stopped.exitCode == 0 { break }
            let statements = pair.printedStatements(in: stopped.log)
            #expect(!statements.isEmpty, "\(stopped.log)")
            for statement in Set(statements) { try await pair.onTarget(statement) }
        }
        try await pair.expectEqual()
    }

    /// The command that makes what the target lacks, as it stands, in a shell.
    private func newTable(_ pair: Pair, _ sync: [String]) async throws {
        let quoted = "\(Self.place).\(Self.identifier(Self.late))"
        try await pair.onSource(
            """
            create table \(quoted) (id int primary key, v text);
            insert into \(quoted) values (1, 'SECRET');
            alter publication \(Self.identifier(Self.publication)) add table \(quoted)
            """)
        let refused = try await run(pair, sync + ["--strict"], 6)
        let line = try #require(
            refused.log.split(separator: "\n").last { $0.hasPrefix("pg_dump") }, "\(refused.log)")
        try await pair.shell(String(line), by: "/bin/bash")
        _ = try await run(pair, sync)
        try await pair.expectEqual()
    }

    @Test("are recorded and replayed like any other")
    func recorded() async throws {
        try await Pair.with(.init(.v16, .v16)) { pair in
            try await pair.onSource(Self.schema)
            try await pair.onSource(Self.rows)
            let archive = "\(LeatProcess.folder)/archive \u{202E}\u{1B}[1m \(pair.database)"
            defer { try? FileManager.default.removeItem(atPath: archive) }
            let record = [
                "record", "--source", pair.source.conninfo(database: pair.database), "--stream",
                pair.stream, "--state-dir", pair.stateDirectory, "--archive", archive, "--endpos",
                "now", "--verbose",
            ]
            _ = try await run(
                pair,
                record + ["--with-base", "--pg-dump", pair.source.installation.program("pg_dump")])
            try await pair.onSource(Self.changes)
            _ = try await run(pair, record)
            for command in ["list", "info", "verify"] {
                _ = try await run(pair, ["archive", command, archive])
            }
            let table = SQLText.listed(Self.names[1])
            _ = try await run(
                pair,
                [
                    "archive", "log", archive, Self.place + "." + table, Self.names[4],
                    "--show-values",
                ], values: true)
            for options in [["--table", Self.place + "." + table], []] {
                _ = try await run(pair, ["archive", "export", archive] + options, values: true)
            }
            _ = try await run(pair, ["archive", "copy", archive, archive + "\n copy"])
            defer { try? FileManager.default.removeItem(atPath: archive + "\n copy") }
            let prune = ["archive", "prune", archive + "\n copy", "--keep-size", "1B"]
            _ = try await run(pair, prune + ["--dry-run"])
            _ = try await run(pair, prune + ["--yes"])
            _ = try await run(pair, ["archive", "verify", archive + "\n copy"])

            _ = try await run(
                pair,
                [
                    "replay", "--archive", archive, "--schema", "--target",
                    pair.target.conninfo(database: pair.database), "--verbose",
                ])
            try await pair.expectEqual()
        }
    }
}
