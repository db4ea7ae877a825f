import Foundation
import LeatTestSupport
import Testing

/// Functions, operators, aggregates, types and relations of the server's own names, found before
/// the server's by the `search_path` that role and database bring along. Each raises an error.
@Suite("A hostile search_path")
struct SearchPathTests {
    private static let trap = "begin raise exception $t$trapped$t$; end"

    /// Everything of `pg_catalog` that can be made once more in `schema`.
    private static func plant(_ schema: String) -> String {
        """
        set search_path = pg_catalog;
        create schema if not exists \(schema);
        do $plant$
        declare item record;
        begin
          for item in select format('create function \(schema).%I(%s) returns %s language plpgsql '
              || 'as %L', p.proname, pg_get_function_arguments(p.oid),
              pg_get_function_result(p.oid), '\(trap)') as sql
            from pg_proc p where p.pronamespace = 'pg_catalog'::regnamespace and p.prokind = 'f'
          loop
            begin execute item.sql; exception when others then null; end;
          end loop;
          for item in select p.proname, pg_get_function_identity_arguments(p.oid) as arguments
            from pg_proc p where p.pronamespace = 'pg_catalog'::regnamespace and p.prokind = 'a'
          loop
            begin
              execute format('create or replace function \(schema).planted_state(%s) '
                || 'returns int8 language plpgsql as %L',
                concat_ws(', ', 'int8', nullif(item.arguments, '')), '\(trap)');
              execute format('create aggregate \(schema).%I(%s) (sfunc = \(schema).planted_state, '
                || 'stype = int8)', item.proname, coalesce(nullif(item.arguments, ''), '*'));
            exception when others then null; end;
          end loop;
          for item in select format('create operator \(schema).%s (%s rightarg = %s, '
              || 'function = \(schema).%I)', o.oprname,
              case when o.oprleft <> 0 then format('leftarg = %s,', o.oprleft::regtype) end,
              o.oprright::regtype, p.proname) as sql
            from pg_operator o join pg_proc p on p.oid = o.oprcode
            where o.oprnamespace = 'pg_catalog'::regnamespace
          loop
            begin execute item.sql; exception when others then null; end;
          end loop;
          for item in select format('create view \(schema).%I as select 1 as planted', relname) as sql
            from pg_class where relnamespace = 'pg_catalog'::regnamespace and relkind in ('r', 'v')
          loop execute item.sql; end loop;
          for item in select format('create domain \(schema).%I as int4 check (false)', typname) as sql
            from pg_type where typnamespace = 'pg_catalog'::regnamespace and typtype = 'b'
              and typelem = 0
          loop
            begin execute item.sql; exception when others then null; end;
          end loop;
        end $plant$;
        """
    }

    private static func planted(_ schema: String) -> String {
        """
        select (select count(*) > 2000 from pg_proc where pronamespace = n.oid)
          and (select count(*) > 700 from pg_operator where oprnamespace = n.oid)
          and (select count(*) > 100 from pg_class where relnamespace = n.oid)
          and (select count(*) > 30 from pg_type where typnamespace = n.oid and typtype = 'd')
          and exists (select from pg_aggregate a join pg_proc p on p.oid = a.aggfnoid
            where p.pronamespace = n.oid and p.proname = 'count')
        from pg_namespace n where nspname = '\(schema)'
        """
    }

    private static let schema = """
        create schema app;
        create table app.t (id int primary key, v text, n name, o oid, at timestamptz, d date,
          j jsonb, u uuid, a text[], b bytea, x numeric);
        create table app.whole (v text, n name, o oid, x numeric, a int[]);
        alter table app.whole replica identity full;
        create table app.words (word text primary key, id serial unique, length int
          generated always as (length(word)) stored, at timestamptz default now());
        create table app.parts (k text, id int, primary key (k, id)) partition by list (k);
        create table app.parts_a partition of app.parts for values in ('a');
        create table app.parts_b partition of app.parts for values in ('b');
        create view app.named as select v from app.t;
        """

    private static let rows = """
        insert into app.t select i, 'v' || i, 'n' || i, i, now(), current_date, '{"a": 1}',
          gen_random_uuid(), '{a,b}', '\\x00ff', i / 3.0 from generate_series(1, 100) i;
        insert into app.whole select 'v' || i % 7, 'n', i % 5, i % 3, '{1,2}'
          from generate_series(1, 100) i;
        insert into app.words (word) values ('a'), ('bc'), ('def');
        insert into app.parts select k, i from unnest('{a,b}'::text[]) k, generate_series(1, 9) i;
        """

    /// The same number of rows each time.
    private static let changes = """
        update app.t set v = v || 'x', o = 742 where id % 2 = 0;
        delete from app.t where id % 10 = 1;
        update app.whole set x = x + 1, n = n || 'm' where o = 3;
        delete from app.whole where ctid in (select ctid from app.whole where o = 4 limit 5);
        update app.words set word = word || 'x' where word < 'b';
        update app.parts set id = id + 100 where k = 'a';
        insert into app.words (word) values ('w' || random());
        """

    private static let versions: [Pair.Versions] = [.init(.v15, .v16), .init(.v18, .v18)]

    @Test("leads no command to what was planted", arguments: versions)
    func everyCommand(_ versions: Pair.Versions) async throws {
        try await Pair.with(versions, schema: Self.schema, rows: Self.rows) { pair in
            do {
                try await plant(pair)
                try await commands(pair)
            } catch {
                try? await removeRole(pair)
                throw error
            }
            try await removeRole(pair)
        }
    }

    // MARK: Planting

    private func role(_ pair: Pair) -> String { "role_\(pair.database)" }

    /// The judge keeps the server's own path. Source: schema `public`; target: one of the role's.
    private func plant(_ pair: Pair) async throws {
        let role = role(pair)
        for (server, schema) in [(pair.source, "public"), (pair.target, role)] {
            try await server.sql(
                """
                create role \(role) superuser login;
                alter role \(role) set search_path = "$user", public, pg_catalog;
                alter database \(pair.database)
                  set search_path = "$user", public, pg_catalog;
                alter role postgres in database \(pair.database)
                  set search_path = pg_catalog, public
                """)
            try await server.sql(Self.plant(schema), database: pair.database)
            #expect(
                try await server.scalar(Self.planted(schema), database: pair.database) == "t")
            await #expect(throws: TestSupportError.self) {
                try await server.sql("select now()", database: pair.database, user: role)
            }
        }
    }

    private func removeRole(_ pair: Pair) async throws {
        for server in [pair.source, pair.target] {
            try await server.sql(
                """
                select pg_terminate_backend(pid, 5000) from pg_stat_activity
                where usename = '\(role(pair))'
                """)
            try await server.sql(
                "drop owned by \(role(pair)) cascade", database: pair.database)
            try await server.sql("drop role \(role(pair))")
        }
    }

    // MARK: Commands

    private func source(_ pair: Pair) -> [String] {
        ["--source", pair.source.conninfo(database: pair.database, user: role(pair))]
    }

    private func target(_ pair: Pair) -> [String] {
        ["--target", pair.target.conninfo(database: pair.database, user: role(pair))]
    }

    @discardableResult
    private func run(
        _ pair: Pair, _ words: [String], _ code: Int32 = 0,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Pair.Outcome {
        let outcome = try await pair.leat(words)
        #expect(
            outcome.exitCode == code && !outcome.text.contains("trapped"),
            "\(words.joined(separator: " "))\n\(outcome.text)", sourceLocation: sourceLocation)
        return outcome
    }

    private func commands(_ pair: Pair) async throws {
        let both = source(pair) + target(pair)
        let stream = ["--stream", pair.stream, "--state-dir", pair.stateDirectory]
        try await publications(pair)
        try await slots(pair)

        for options in [["--role", "plain"], ["--spool", pair.spool]] {
            let sync =
                ["sync"] + both + stream + ["--endpos", "now", "--tables", "app.*"] + options
            try await run(pair, sync)
            try await pair.expectEqual()
            try await pair.onSource(Self.changes)
            try await run(pair, sync)
            try await pair.expectEqual()
            try await conflicts(pair, sync)
            try await run(pair, ["status", "--json"] + both + ["--stream", pair.stream])
            try await run(pair, ["slot", "list", "--details"] + both)
            try await run(pair, ["publication", "list"] + both)
            try await run(pair, ["cleanup", "--yes"] + both + stream)
            try await pair.onTarget("truncate app.t, app.whole, app.words, app.parts")
        }
        try await archives(pair)
    }

    private func publications(_ pair: Pair) async throws {
        let source = source(pair)
        try await run(
            pair,
            [
                "publication", "create", "p", "--tables", "app.t,app.words", "--where",
                "app.t=id > 0 and id <> 7",
            ] + source)
        try await run(
            pair, ["publication", "alter", "p", "--add-tables", "app.parts", "--yes"] + source)
        for options in [["p"], ["--json"]] {
            try await run(pair, ["publication", "list"] + options + source)
        }
    }

    private func slots(_ pair: Pair) async throws {
        let (source, name) = (source(pair), "slot_\(pair.database)")
        try await run(pair, ["slot", "create", name] + source)
        try await pair.onSource("update app.words set at = now()")
        for words in [
            ["list"], ["list", "--json"], ["lag", name], ["peek", name, "--publication", "p"],
            ["peek", name, "--publication", "p", "--json"],
            ["advance", name, "now", "--yes"], ["drop", name, "--yes"],
        ] { try await run(pair, ["slot"] + words + source) }
        try await run(pair, ["publication", "drop", "p", "--yes"] + source)
    }

    /// An insert of a row that is there, and a delete of one that is not.
    private func conflicts(_ pair: Pair, _ sync: [String]) async throws {
        try await pair.onTarget(
            "insert into app.words (word, at) values ('later', now()); delete from app.t where id = 2"
        )
        try await pair.onSource(
            """
            insert into app.words (id, word, at) select id + 1000, 'later', now() from app.words
              limit 1;
            delete from app.t where id = 2;
            """)
        try await run(pair, sync, 7)
        try await run(
            pair,
            sync + [
                "--on-conflict", "insert_exists=apply", "--on-conflict", "delete_missing=skip",
            ])
        try await pair.expectEqual()
        try await run(pair, ["conflicts", "list"] + target(pair))
        try await run(pair, ["conflicts", "clear", "--yes"] + target(pair))
        try await pair.onSource("delete from app.words where word = 'later'")
        try await run(pair, sync)
    }

    private func archives(_ pair: Pair) async throws {
        let (archive, copy) = (pair.archive, pair.archive + "-copy")
        defer { try? FileManager.default.removeItem(atPath: copy) }
        let record =
            ["record", "--archive", archive, "--stream", pair.stream] + source(pair)
            + ["--state-dir", pair.stateDirectory, "--endpos", "now", "--tables", "app.*"]
        try await run(pair, record + ["--with-base", "--no-schema"])
        try await pair.onSource(Self.changes)
        try await run(pair, record)
        for words in [
            ["list", archive], ["info", archive], ["verify", archive],
            ["log", archive, "app.t", "3"], ["export", archive], ["copy", archive, copy],
            ["prune", copy, "--keep-size", "1B", "--yes"],
        ] { try await run(pair, ["archive"] + words) }
        try await run(
            pair, ["replay", "--archive", archive, "--role", "plain"] + target(pair))
        try await pair.expectEqual()
        try await run(
            pair,
            ["cleanup", "--yes", "--stream", pair.stream, "--state-dir", pair.stateDirectory]
                + source(pair) + target(pair))
    }
}
