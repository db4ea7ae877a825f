import LeatTestSupport
import Testing

/// What owners of the target's tables have attached to them, while Leat is a superuser.
@Suite("Code of the target's owners")
struct OwnersCodeTests {
    private static let schema = "create table t (id int primary key, v text)"
    private static let rows = "insert into t values (1, 'a')"

    /// With `f()`, which writes down who runs it.
    private func withOwner(
        _ versions: Pair.Versions = .init(.v15, .v15), _ body: (Pair, String) async throws -> Void
    ) async throws {
        try await Pair.with(versions, schema: Self.schema, rows: Self.rows) { pair in
            let owner = "owner_\(pair.database)"
            try await pair.onTarget(
                """
                create role \(owner) login; grant all on schema public to \(owner);
                alter table t owner to \(owner);
                """)
            _ = try await pair.target.sql(
                """
                create table calls (caller text); grant all on calls to public;
                create function note() returns void volatile language plpgsql as $$
                  begin insert into public.calls values (session_user); end $$;
                create function f(text) returns text immutable language plpgsql as $$
                  begin perform public.note(); return $1; end $$;
                create function fire() returns trigger language plpgsql as $$
                  begin perform public.f('x'); return new; end $$;
                """, database: pair.database, user: owner)
            do {
                try await body(pair, owner)
            } catch {
                try? await remove(owner, pair)
                throw error
            }
            try await remove(owner, pair)
        }
    }

    private func remove(_ owner: String, _ pair: Pair) async throws {
        try await pair.onTarget("drop owned by \(owner) cascade")
        try await pair.target.sql("drop role \(owner)")
    }

    struct Attachment: Sendable, CustomTestStringConvertible {
        var sql: String
        var words: String
        var testDescription: String { sql }
    }

    private static let attachments = [
        Attachment(
            sql: "alter table t add constraint c check (f(v) is not null) not valid",
            words: "check c of public.t"),
        Attachment(sql: "create index i on t (f(v))", words: "index i of public.t"),
        Attachment(sql: "create index i on t (id) where f(v) > ''", words: "index i of public.t"),
        Attachment(
            sql: "alter table t add w text default f('x')", words: "default of column w"),
        Attachment(
            sql: "alter table t add w text generated always as (f(v)) stored",
            words: "generated column w"),
        Attachment(
            sql: """
                create trigger g after insert on t for each row execute function fire();
                alter table t enable always trigger g
                """, words: "trigger g of public.t"),
        Attachment(
            sql:
                "create domain d as text check (f(value) <> ''); alter table t add w d default 'x'",
            words: "domain d of"),
        Attachment(
            sql: """
                alter table t add constraint c check (
                  query_to_xml('select public.note()', true, true, '') is not null)
                  not valid
                """, words: "check c of public.t"),
    ]

    @Test("is refused, each kind of it, and nothing of it has run", arguments: attachments)
    func refused(_ attachment: Attachment) async throws {
        try await withOwner { pair, owner in
            _ = try await pair.target.sql(attachment.sql, database: pair.database, user: owner)
            try await pair.onTarget("truncate calls")

            let outcome = try await pair.expectRefusal(6, attachment.words, "--trust-owners")

            #expect(outcome.log.contains("(owner \(owner))"), "\(outcome.log)")
            #expect(try await pair.targetValue("select count(*) from calls") == "0")
            let trusting = try await pair.sync("--endpos", "now", "--trust-owners")
            #expect(trusting.exitCode == 0, "\(trusting.log)")
            #expect(try await pair.targetValue("select count(*) from t") == "1")
        }
    }

    @Test("that can harm nobody is let go")
    func harmless() async throws {
        try await withOwner(.init(.v18, .v18)) { pair, owner in
            _ = try await pair.target.sql(
                """
                create sequence s; create domain word as text check (value ~ '^[a-z]*$');
                alter table t add constraint c check (length(v) < 100 and v = lower(v)),
                  add n int default nextval('s'), add at timestamptz default now(),
                  add w text generated always as (upper(v)) stored, add u uuid default
                  gen_random_uuid(), add d word default 'x';
                create index i on t (lower(v)) where id > 0;
                create trigger g after insert on t for each row execute function fire();
                """, database: pair.database, user: owner)
            try await pair.catchUp()
            #expect(try await pair.targetValue("select w from t") == "A")
            #expect(try await pair.targetValue("select count(*) from calls") == "0")
        }
    }
}
