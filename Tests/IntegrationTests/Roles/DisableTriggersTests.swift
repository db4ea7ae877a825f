import LeatTestSupport
import Testing

@Suite("Role disable-triggers")
struct DisableTriggersTests {
    private static let schema = """
        create table a (id int primary key, v text);
        create table b (id int primary key, v text);
        create table parts (id int primary key, v text) partition by range (id);
        create table part partition of parts for values from (0) to (1000)
        """
    private static let rows = """
        insert into a select i, 'v' from generate_series(1, 20) i;
        insert into b select i, 'v' from generate_series(1, 20) i;
        insert into parts select i, 'v' from generate_series(1, 20) i
        """
    private static let triggers = #"""
        create function spoil() returns trigger language plpgsql as
          'begin new.v = ''spoilt''; return new; end';
        create trigger spoil before insert or update on a for each row execute function spoil();
        create trigger "Odd ""name""" before insert on b for each row execute function spoil();
        create trigger always before update on b for each row execute function spoil();
        alter table b enable always trigger always;
        create trigger off before insert on b for each row execute function spoil();
        alter table b disable trigger off;
        create trigger spoil before insert on parts for each row execute function spoil();
        """#
    private static let states = """
        select tgrelid::regclass, tgname, tgenabled from pg_trigger
        where not tgisinternal order by tgrelid::regclass::text, tgname
        """
    private static let changes = """
        insert into a values (100, 'n'); insert into b values (100, 'n');
        insert into parts values (100, 'n'); update a set v = 'u' where id < 5;
        update b set v = 'u' where id < 5; update parts set v = 'u' where id < 5
        """

    private func with(
        _ version: PostgresVersion = .v16, _ rights: TargetRole.Rights = .ownership,
        _ body: (Pair, TargetRole) async throws -> Void
    ) async throws {
        try await TargetRole.with(version, rights, schema: Self.schema, rows: Self.rows) {
            pair, role in
            try await pair.onTarget(Self.triggers)
            try await body(pair, role)
        }
    }

    /// Every trigger is as it was, or disabled and in the journal.
    private func expectJournalled(_ pair: Pair, _ before: [[String?]]) async throws {
        let now = try await pair.onTarget(
            """
            select t.tgrelid::regclass, t.tgname, coalesce(j.enabled, t.tgenabled),
              j.enabled is null or t.tgenabled = 'D'
            from pg_trigger t join pg_class c on c.oid = t.tgrelid left join leat.triggers j
              on j.schema_name = 'public' and j.table_name = c.relname and j.trigger_name = t.tgname
            where not t.tgisinternal order by tgrelid::regclass::text, tgname
            """)
        #expect(now == before.map { $0 + ["t"] })
    }

    @Test(
        "disables what would fire, goes on so, and cleanup makes all as it was",
        arguments: PostgresVersion.allCases)
    func disables(_ version: PostgresVersion) async throws {
        try await with(version) { pair, role in
            let before = try await pair.onTarget(Self.states)
            let log = try await role.catchUp("--role", "disable-triggers")
            #expect(log.contains("role disable-triggers") && log.contains("triggers disabled"))
            try await expectJournalled(pair, before)
            let disabled =
                "select count(*) from pg_trigger where not tgisinternal and tgenabled = 'D'"
            #expect(try await pair.targetValue(disabled) == "\(before.count)")
            #expect(try await pair.targetValue("select count(*) from leat.triggers") == "5")
            try await pair.onSource(Self.changes)

            let again = try await role.catchUp()
            #expect(again.contains("role disable-triggers"))
            try await pair.expectEqual()
            let plain = try await role.sync("--role", "plain")
            #expect(plain.exitCode == 6 && plain.log.contains("leat.triggers"))
            let cleanup = try await role.cleanup()

            #expect(cleanup.exitCode == 0, "\(cleanup.log)")
            #expect(try await pair.onTarget(Self.states) == before)
            #expect(try await pair.targetValue("select count(*) from leat.triggers") == "0")
        }
    }

    @Test(
        "killed while it disables or enables them, the next one ends what was begun",
        arguments: [
            "trigger-journalled", "trigger-journalled:2", "triggers-disabled",
            "triggers-disabled:3", "table-copied", "table-copied:2",
        ])
    func killed(_ failPoint: String) async throws {
        try await with { pair, role in
            let before = try await pair.onTarget(Self.states)

            let killed = try await role.sync(
                "--role", "disable-triggers", environment: ["LEAT_FAILPOINT": failPoint])
            #expect(killed.exitCode == 137, "\(killed.log)")
            try await expectJournalled(pair, before)
            try await role.catchUp("--role", "disable-triggers")
            try await expectJournalled(pair, before)
            try await pair.expectEqual()
            let halfway = try await role.cleanup(
                environment: ["LEAT_FAILPOINT": "triggers-enabled:2"])
            #expect(halfway.exitCode == 137)
            try await expectJournalled(pair, before)
            #expect(try await role.cleanup().exitCode == 0)

            #expect(try await pair.onTarget(Self.states) == before)
        }
    }

    @Test("a trigger that somebody enabled since, or dropped, is left to them")
    func changedMeanwhile() async throws {
        try await with { pair, role in
            try await role.catchUp("--role", "disable-triggers")
            try await pair.onTarget(
                "alter table b enable replica trigger always; drop trigger spoil on a")

            #expect(try await role.cleanup().exitCode == 0)

            #expect(
                try await pair.targetValue(
                    "select tgenabled from pg_trigger where tgname = 'always'") == "R")
        }
    }

    @Test("a role that does not own the tables is refused, with the owner's statements")
    func notOwner() async throws {
        try await with(.v16, .grants) { pair, role in
            let outcome = try await pair.expectRefusal(
                6, "owner", options: role.places.suffix(2) + ["--role", "disable-triggers"])

            #expect(outcome.mends.count == 5, "\(outcome.log)")
            for mend in outcome.mends { try await pair.onTarget(mend) }
            try await role.catchUp("--role", "disable-triggers")
            try await pair.expectEqual()
        }
    }

    @Test("once role replica is granted, they are enabled again")
    func becomesReplica() async throws {
        try await with { pair, role in
            let before = try await pair.onTarget(Self.states)
            try await role.catchUp("--role", "disable-triggers")
            try await pair.onTarget(
                """
                grant set on parameter session_replication_role to \(role.name);
                alter table b disable trigger always
                """)

            let log = try await role.catchUp()

            #expect(log.contains("role replica") && log.contains("triggers enabled again"))
            #expect(try await pair.onTarget(Self.states) == before)
            try await pair.onTarget(
                "revoke all on parameter session_replication_role from \(role.name)")
        }
    }

    @Test("what two streams have disabled stays so until both are gone")
    func twoStreams() async throws {
        try await with { pair, role in
            let before = try await pair.onTarget(Self.states)
            try await role.catchUp("--role", "disable-triggers")
            let second = [
                "--stream", "second_\(pair.stream)", "--state-dir", pair.stateDirectory + "-2",
            ]
            let other = try await pair.leat(
                ["sync"] + role.places + second
                    + ["--role", "disable-triggers", "--no-copy", "--endpos", "now"])
            #expect(other.exitCode == 0, "\(other.log)")

            #expect(try await role.cleanup().exitCode == 0)
            #expect(
                try await pair.targetValue(
                    "select bool_and(tgenabled = 'D') from pg_trigger where not tgisinternal")
                    == "t")
            let last = try await pair.leat(["cleanup", "--yes"] + role.places + second)

            #expect(last.exitCode == 0, "\(last.log)")
            #expect(try await pair.onTarget(Self.states) == before)
        }
    }
}
