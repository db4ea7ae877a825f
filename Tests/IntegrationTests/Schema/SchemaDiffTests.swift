import Foundation
import LeatTestSupport
import Testing

@Suite("leat schema diff")
struct SchemaDiffTests {
    /// One of each kind.
    private static let schema = """
        create schema app;
        create type app.mood as enum ('low', 'high');
        create domain app.positive as int check (value > 0);
        create type app.pair as (x int, y text);
        create type app.span as range (subtype = int4);
        create collation app.plain (locale = 'C');
        create sequence app.numbers increment 5;
        create table app.t (
          id int generated always as identity primary key, mood app.mood not null default 'low',
          name text collate "C", price numeric(10, 2) default 0, note text,
          twice int generated always as (id * 2) stored, constraint fair check (price >= 0));
        create table app."Odd ""name" (id int references app.t);
        create table app.p (id int, d date) partition by range (d);
        create table app.p_1 partition of app.p for values from ('2020-01-01') to ('2021-01-01');
        create index by_name on app.t (lower(name));
        create index by_day on app.p (d);
        create view app.joined as select t.id, t.name, p.d from app.t t join app.p p on p.id = t.id;
        create materialized view app.counted as select count(*) from app.t;
        create function app.next(a int) returns int language sql as 'select a + 1';
        create aggregate app.total (int) (sfunc = int4pl, stype = int, initcond = '0');
        create function app.fired() returns trigger language plpgsql as 'begin return new; end';
        create trigger fires before insert on app.t for each row execute function app.fired();
        create rule ignored as on delete to app.p_1 do instead nothing;
        create policy own on app.t using (id > 0);
        alter table app.t enable row level security;
        """

    private struct Difference: Decodable {
        var kind: String
        var object: String
        var property: String
        var source: String?
        var target: String?

        var text: String {
            "\(kind) \(object) \(property): \(source ?? "null") | \(target ?? "null")"
        }
    }

    private func differences(_ pair: Pair, target: String? = nil) async throws -> [String] {
        var places = Array(pair.places.prefix(4))
        if let target { places[3] = target }
        let outcome = try await pair.leat(["schema", "diff", "--json"] + places)
        let found = try JSONDecoder().decode([Difference].self, from: Data(outcome.output.utf8))
        #expect(outcome.exitCode == (found.isEmpty ? 0 : 5), "\(outcome.log)")
        return found.map(\.text)
    }

    @Test(
        "finds none where both were made alike, whatever the versions print",
        arguments: [
            Pair.Versions(.v15, .v15), Pair.Versions(.v15, .v18), Pair.Versions(.v18, .v15),
            Pair.Versions(.v16, .v18),
        ])
    func alike(_ versions: Pair.Versions) async throws {
        try await Pair.with(versions, schema: Self.schema) { pair in
            let places = Array(pair.places.prefix(4))
            let outcome = try await pair.leat(["schema", "diff"] + places)
            #expect(outcome.exitCode == 0, "\(outcome.output)\(outcome.log)")
            #expect(outcome.output == "no differences\n")
        }
    }

    private static let changes: [(sql: String, found: [String])] = [
        ("create schema other", ["schema other object: null | schema"]),
        (
            "alter type app.mood add value 'mid' before 'high'",
            ["type app.mood labels: 'low', 'high' | 'low', 'mid', 'high'"]
        ),
        (
            "alter domain app.positive set default 1",
            ["type app.positive default: null | 1"]
        ),
        (
            "alter type app.pair add attribute z int",
            ["type app.pair fields: x integer, y text | x integer, y text, z integer"]
        ),
        ("drop type app.span", ["type app.span object: integer | null"]),
        ("alter sequence app.numbers cycle", ["sequence app.numbers cycle: false | true"]),
        ("create table app.more (id int)", ["table app.more object: null | table"]),
        (
            "drop table app.\"Odd \"\"name\"",
            ["table app.\"Odd \"\"name\" object: table | null"]
        ),
        (
            "alter table app.t replica identity full",
            ["table app.t replica identity: default | full"]
        ),
        (
            "alter table app.p detach partition app.p_1",
            [
                "table app.p_1 parents: app.p | null",
                "table app.p_1 partition bound: "
                    + "FOR VALUES FROM ('2020-01-01') TO ('2021-01-01') | null",
                "index app.p_1_d_idx object: null | "
                    + "CREATE INDEX p_1_d_idx ON app.p_1 USING btree (d)",
            ]
        ),
        (
            "alter table app.t alter price type numeric(12, 2)",
            ["column app.t.price type: numeric(10,2) | numeric(12,2)"]
        ),
        (
            "alter table app.t alter note type text collate \"POSIX\"",
            [
                #"column app.t.note collation: null | pg_catalog."POSIX""#
            ]
        ),
        (
            "alter table app.t alter mood drop not null, alter mood drop default",
            [
                "column app.t.mood default: 'low'::app.mood | null",
                "column app.t.mood not null: true | false",
            ]
        ),
        (
            "alter table app.t alter twice drop expression",
            ["column app.t.twice generated: (id * 2) stored | null"]
        ),
        (
            "alter table app.t alter id set generated by default",
            ["column app.t.id identity: always | by default"]
        ),
        (
            "alter table app.t drop constraint fair, add constraint fair check (price >= 0) not valid",
            ["constraint app.t.fair valid: true | false"]
        ),
        (
            "alter table app.t drop constraint fair, add constraint fair check (price > 0)",
            [
                "constraint app.t.fair definition: CHECK ((price >= (0)::numeric)) | "
                    + "CHECK ((price > (0)::numeric))"
            ]
        ),
        (
            "drop index app.by_name",
            [
                "index app.by_name object: "
                    + "CREATE INDEX by_name ON app.t USING btree (lower(name)) | null"
            ]
        ),
        (
            "alter table app.t disable trigger fires",
            ["trigger app.t.fires enabled: origin | disabled"]
        ),
        (
            "alter table app.p_1 disable rule ignored",
            ["rule app.p_1.ignored enabled: origin | disabled"]
        ),
        (
            "alter policy own on app.t using (id > 1)",
            ["policy app.t.own using: (id > 0) | (id > 1)"]
        ),
        (
            "alter table app.t disable row level security",
            ["table app.t row security: enabled | null"]
        ),
        (
            "drop aggregate app.total (int)",
            [
                "function app.total(integer) object: "
                    + "sfunc = int4pl(integer,integer), stype = integer, initcond = '0' | null"
            ]
        ),
    ]

    /// One after the other, each undone by another database: made once, copied for each.
    @Test("finds a change of each kind, and nothing else", arguments: [PostgresVersion.v15, .v18])
    func changed(_ version: PostgresVersion) async throws {
        try await Pair.with(.init(version, version), schema: Self.schema) { pair in
            for (index, change) in Self.changes.enumerated() {
                let database = "\(pair.database)_\(index)"
                try await pair.target.sql(
                    "create database \(database) template \(pair.database)")
                try await pair.target.sql(change.sql, database: database)
                let found = try await differences(
                    pair, target: pair.target.conninfo(database: database))
                #expect(found == change.found, "\(change.sql)")
                try await pair.target.sql("drop database \(database) with (force)")
            }
        }
    }

    @Test("compares what views and functions do, and shows only the lines that differ")
    func bodies() async throws {
        try await Pair.with(.init(.v15, .v18), schema: Self.schema) { pair in
            try await pair.onTarget(
                """
                create or replace function app.next(a int) returns int language sql as 'select a + 2';
                create or replace view app.joined as
                  select t.id, t.name, p.d from app.t t join app.p p on p.id = t.id where t.id > 1
                """)
            let outcome = try await pair.leat(["schema", "diff"] + pair.places.prefix(4))
            #expect(outcome.exitCode == 5)
            #expect(outcome.output.contains("< AS $function$select a + 1$function$"))
            #expect(outcome.output.contains("> AS $function$select a + 2$function$"))
            #expect(outcome.output.contains("WHERE (t.id > 1)"))
            #expect(outcome.output.hasSuffix("2 differences\n"), "\(outcome.output)")
        }
    }

    @Test("tells what the roles may not do")
    func rights() async throws {
        try await Pair.with(schema: "create table t (id int primary key)") { pair in
            let role = "limited_\(pair.database)"
            try await pair.onTarget(
                "create role \(role) login; grant select, insert on t to \(role)")
            let found = try await differences(
                pair,
                target: pair.target.conninfo(database: pair.database)
                    .replacing("user=postgres", with: "user=\(role)"))
            #expect(
                found == [
                    "privilege public.t of the target role: null | lacks UPDATE, DELETE, TRUNCATE"
                ])
            try await pair.onTarget("drop owned by \(role); drop role \(role)")
        }
    }

    @Test("of a database that is not there ends with the side's exit code")
    func notThere() async throws {
        try await Pair.with { pair in
            var places = Array(pair.places.prefix(4))
            places[3] = pair.target.conninfo(database: "nowhere")
            let outcome = try await pair.leat(["schema", "diff"] + places)
            #expect(outcome.exitCode == 4, "\(outcome.log)")
        }
    }
}
