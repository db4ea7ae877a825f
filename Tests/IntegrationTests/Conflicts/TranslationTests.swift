import Foundation
import LeatTestSupport
import Testing

/// What is done about a server's error, and what is printed of it, whatever language it speaks.
@Suite("Servers that speak another language", .serialized)
struct TranslationTests {
    /// What the distribution's server says in German; without its words there is nothing to test.
    static let isThere =
        FileManager.default.fileExists(atPath: "/usr/share/locale/de/LC_MESSAGES/postgres-15.mo")
        && FileManager.default.fileExists(atPath: "/usr/share/i18n/locales/de_DE")

    private static let schema = """
        create type mood as enum ('ok');
        create domain positive as int check (value > 0);
        create table t (id int primary key, v text, m mood, p positive);
        create table log (id int primary key, v text check (v <> 'bad'));
        create sequence s
        """

    private static func server(_ folder: String) async throws -> TemporaryCluster {
        var options = TemporaryCluster.Options()
        options.localeFolder = folder
        options.settings = ["lc_messages": "de_DE.UTF-8"]
        options.hbaLines = [
            "local all all trust", "host all postgres 127.0.0.1/32 trust",
            "host all all 127.0.0.1/32 scram-sha-256",
        ]
        return try await TemporaryCluster.started(.v15, options: options)
    }

    @Test(
        "are understood by their SQLSTATEs and fields, and quoted no more than in English",
        .enabled(if: isThere))
    func german() async throws {
        let folder = NSTemporaryDirectory() + "leat-locale-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let made = try ChildProcess(
            "/usr/bin/env",
            arguments: ["localedef", "-i", "de_DE", "-f", "UTF-8", "\(folder)/de_DE.UTF-8"])
        _ = try await made.wait(timeout: .seconds(60))
        let (source, target) = (try await Self.server(folder), try await Self.server(folder))
        try await Pair.with(source, target, schema: Self.schema) { pair in
            try await pair.onSource("insert into t values (1, 'SECRET', 'ok', 1)")
            try await pair.catchUp()
            try await function(pair)
            try await policies(pair)
            try await label(pair)
            try await refusals(pair)
        }
        try await source.remove()
        try await target.remove()
    }

    /// What a function violates elsewhere is no conflict of the row, which must not be left out.
    private func function(_ pair: Pair) async throws {
        try await pair.onTarget(
            """
            create function audit() returns trigger language plpgsql as $$ begin
              insert into public.log values (new.id, 'bad'); return new; end $$;
            create trigger a before insert on t for each row execute function audit();
            alter table t enable always trigger a
            """)
        try await pair.onSource("insert into t values (2, 'SECRET', 'ok', 1)")
        let stopped = try await pair.sync(
            "--endpos", "now", "--on-conflict", "constraint_failed=skip")
        #expect(stopped.exitCode == 7, "\(stopped.log)")
        #expect(stopped.log.contains("a function of the server refused it"), "\(stopped.log)")
        #expect(!stopped.text.contains("SECRET") && !stopped.text.contains("»"))
        try await pair.onTarget("drop trigger a on t")
        try await pair.catchUp()
        try await pair.expectEqual()
    }

    /// A rule of the row's own is one, also where it is met as the value is read.
    private func policies(_ pair: Pair) async throws {
        try await pair.onTarget(
            """
            alter domain positive add constraint small check (value < 100);
            alter table t add constraint short check (length(v) < 20);
            """)
        try await pair.onSource(
            """
            insert into t values (3, 'SECRET', 'ok', 1000), (4, repeat('SECRET', 10), 'ok', 1)
            """)
        let resolved = try await pair.sync(
            "--endpos", "now", "--on-conflict", "constraint_failed=skip")
        #expect(resolved.exitCode == 0, "\(resolved.log)")
        #expect(!resolved.text.contains("SECRET"))
        #expect(
            try await pair.onTarget(
                "select constraint_name from leat.conflicts where kind = 'constraint_failed'"
            ).map(\.first) == ["small", "short"])
        try await pair.both("delete from t where id > 2")
        try await pair.onTarget("alter domain positive drop constraint small")
        try await pair.catchUp("--on-conflict", "delete_missing=skip")
    }

    private func label(_ pair: Pair) async throws {
        let leat = try pair.start()
        try await pair.waitForStream(leat)
        try await pair.onSource("alter type mood add value 'SECRET'")
        try await pair.onSource("update t set m = 'SECRET' where id = 1")
        #expect(try await leat.waitForExit() == 7, "\(leat.log)")
        #expect(leat.log.contains("invalid_text_representation"), "\(leat.log)")
        // The statement that mends it names the label; the server's words do not.
        #expect(!leat.log.contains("»SECRET«"))
        try await pair.onTarget("alter type mood add value 'SECRET'")
        try await pair.catchUp()
        try await pair.expectEqual()
    }

    private func refusals(_ pair: Pair) async throws {
        try await pair.onSource("create role plain login password 'right'")
        let place = pair.source.conninfo(database: pair.database, user: "plain")
        let wrong = try await pair.sync("--source", place + " password=SECRET")
        let none = try await pair.sync("--source", place)
        let right = try await pair.sync("--source", place + " password=right")
        #expect(wrong.exitCode == 3 && wrong.log.contains("[28P01]"), "\(wrong.log)")
        #expect(wrong.log.contains("Check the role, its password and pg_hba.conf."))
        #expect(none.log.contains("Check the role, its password and pg_hba.conf."), "\(none.log)")
        #expect(right.exitCode == 3, "\(right.log)")
        #expect(right.log.contains("alter role \"plain\" replication;"), "\(right.log)")
    }
}
