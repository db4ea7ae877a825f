import LeatTestSupport
import Testing

@Suite("What a start says of tables")
struct NoticeTests {
    @Test("names those of which not all is sent, and those that are searched row by row")
    func tells() async throws {
        let schema = """
            create table sent (id int primary key); create table log (v int);
            create table partial_key (id int primary key); create table whole (v int);
            alter table whole replica identity full;
            """
        let rows = """
            create publication p for table sent, partial_key, whole;
            create publication q for table log with (publish = 'insert');
            """
        try await Pair.with(schema: schema, rows: rows) { pair in
            try await pair.onTarget(
                """
                alter table partial_key drop constraint partial_key_pkey;
                create unique index on partial_key (id) where id > 0;
                """)

            let outcome = try await pair.sync(
                "--publication", "p", "--publication", "q", "--endpos", "now")

            #expect(outcome.exitCode == 0, "\(outcome.log)")
            let warnings = outcome.log.split(separator: "\n").filter { $0.contains(" warning ") }
            #expect(
                warnings.contains {
                    $0.contains("do not send updates, deletes, truncates of")
                        && $0.hasSuffix("tables=public.log")
                }, "\(warnings)")
            #expect(
                warnings.contains {
                    $0.contains("search all of their rows on the target")
                        && $0.contains("public.partial_key, public.whole")
                        && !$0.contains("sent,")
                }, "\(warnings)")
        }
    }
}
