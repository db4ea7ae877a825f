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
}
