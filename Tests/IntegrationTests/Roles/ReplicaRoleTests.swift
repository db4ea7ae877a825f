import LeatTestSupport
import Testing

@Suite("Role replica")
struct ReplicaRoleTests {
    private static let schema = """
        create table t (id int primary key, v text);
        create table parts (id int primary key) partition by range (id);
        create table part partition of parts for values from (0) to (100)
        """
    private static let onTarget = """
        create table fired (name text);
        create function fires() returns trigger language plpgsql as
          'begin insert into public.fired values (tg_name); return null; end';
        create trigger ordinary after insert on t for each row execute function fires();
        create trigger always after insert on t for each row execute function fires();
        alter table t enable always trigger always;
        create trigger in_part after insert on part for each row execute function fires();
        alter table part enable replica trigger in_part;
        create rule ordinary as on update to t do also delete from fired;
        create rule replica as on delete to t do also insert into public.fired values ('rule');
        alter table t enable replica rule replica
        """

    @Test("warns of what fires all the same, and lets the rest rest")
    func warns() async throws {
        try await Pair.with(schema: Self.schema) { pair in
            try await pair.onTarget(Self.onTarget)
            try await pair.catchUp("--tables", "t,parts")
            try await pair.onSource("insert into t values (1, 'a'); insert into parts values (1)")
            try await pair.onSource("update t set v = 'b'; delete from t")

            let outcome = try await pair.sync("--endpos", "now", "--tables", "t,parts")

            #expect(outcome.exitCode == 0, "\(outcome.log)")
            for word in [
                "role replica", "trigger always of public.t", "trigger in_part of public.part",
                "rule replica of public.t",
            ] {
                #expect(outcome.log.contains(word), "\(outcome.log)")
            }
            #expect(!outcome.log.contains("ordinary"))
            #expect(
                try await pair.onTarget("select name from fired order by 1")
                    == [["always"], ["in_part"], ["rule"]])
        }
    }

    private static let filters = """
        create function filter() returns trigger language plpgsql as $$ begin
          if tg_op = 'DELETE' then
            if old.id < 10 then return old; end if;
          elsif new.id < 10 then return new; end if;
          return null;
        end $$;
        create trigger filter before insert or update or delete on t
          for each row execute function filter();
        alter table t enable replica trigger filter;
        create trigger filter before insert or update or delete on part
          for each row execute function filter();
        alter table part enable always trigger filter;
        create rule nothing as on delete to ruled do instead nothing;
        alter table ruled enable replica rule nothing;
        """

    @Test(
        "lets a trigger or rule leave rows out, and still misses those that are missing",
        arguments: PostgresVersion.allCases)
    func leavesOut(_ version: PostgresVersion) async throws {
        let schema = Self.schema + "; create table ruled (id int primary key, v int)"
        try await Pair.with(.init(version, version), schema: schema) { pair in
            try await pair.onTarget(Self.filters)
            try await pair.onSource("insert into t values (1, 'a'), (11, 'a')")
            try await pair.catchUp("--tables", "t,parts,ruled")
            try await pair.onTarget("insert into parts values (1)")
            // What came before the trigger was there is not brought back by it.
            try await pair.onTarget(
                "set session_replication_role = origin; insert into t values (11, 'a')")

            try await pair.onSource(
                """
                insert into t values (2, 'a'), (12, 'a'); insert into parts values (2), (12);
                update t set v = 'b' where id < 12; delete from t where id = 11;
                insert into t select i, 'many' from generate_series(100, 400) i;
                delete from t where id = 1;
                insert into ruled values (1, 0), (2, 0);
                """)
            try await pair.onSource("delete from ruled where id = 1; update ruled set v = 1")
            try await pair.catchUp("--tables", "t,parts,ruled")
            #expect(
                try await pair.onTarget("select id, v from t order by 1")
                    == [["2", "b"], ["11", "a"]])
            #expect(try await pair.onTarget("select id from parts order by 1") == [["1"], ["2"]])
            #expect(
                try await pair.onTarget("select * from ruled order by 1")
                    == [["1", "0"], ["2", "1"]])

            try await pair.onSource("update t set v = 'c' where id in (2, 12)")
            let missing = try await pair.sync("--endpos", "now", "--tables", "t,parts,ruled")
            #expect(missing.exitCode == 7)
            #expect(missing.log.contains("update_missing"), "\(missing.log)")
            try await pair.catchUp(
                "--tables", "t,parts,ruled", "--on-conflict", "update_missing=skip")
            #expect(try await pair.targetValue("select v from t where id = 2") == "c")
        }
    }
}
