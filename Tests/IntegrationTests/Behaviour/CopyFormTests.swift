import LeatTestSupport
import Testing

@Suite("The form of a copy")
struct CopyFormTests {
    private static let schema = """
        create table b (id int primary key, v bytea, n numeric, a int[]);
        create table e (id int primary key, v text);
        create table p (id int primary key, v point);
        """
    private static let rows = """
        insert into b select 1, decode(repeat('00ff5c0a', 10000000), 'hex'), 'NaN', '{1,NULL}';
        insert into b values (2, '\\x', 1.50, '[2:3]={1,2}'), (3, null, null, null);
        insert into p values (1, '(1,2)');
        """

    @Test(
        "is binary for each table by itself where that is safe, and text otherwise or if asked for")
    func forms() async throws {
        let versions = Pair.Versions(.v15, .v18)
        for options in [[], ["--binary", "off"]] {
            try await Pair.with(versions, schema: Self.schema, rows: Self.rows) { pair in
                let outcome = try await pair.leat(
                    ["sync"] + pair.places + ["--endpos", "now"] + options)

                #expect(outcome.exitCode == 0, "\(outcome.log)")
                for line in [
                    "rows=3 table=public.b", "rows=0 table=public.e", "rows=1 table=public.p",
                ] { #expect(outcome.log.contains(line), "\(outcome.log)") }
                try await pair.expectEqual()
            }
        }
    }
}
