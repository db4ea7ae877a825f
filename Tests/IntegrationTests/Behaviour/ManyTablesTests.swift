import LeatTestSupport
import Testing

@Suite("A database with thousands of tables")
struct ManyTablesTests {
    /// A list of pairs in SQL is too deep for the server at about this number.
    private static let count = 4_000

    @Test("is begun with, copied, and gone on with")
    func startsTwice() async throws {
        let schema = """
            set synchronous_commit = off;
            do $$ begin for i in 1..\(Self.count) loop
              execute 'create table t' || i || ' (id int primary key)'; end loop; end $$;
            """
        try await Pair.with { pair in
            try await pair.both(schema)
            try await pair.onSource(
                "insert into t1 values (1); insert into t\(Self.count) values (2)")
            try await pair.catchUp()
            try await pair.onSource("insert into t2 values (1); update t1 set id = 5")

            try await pair.catchUp()

            #expect(try await pair.targetValue("select id from t1") == "5")
            #expect(try await pair.targetValue("select id from t2") == "1")
            #expect(try await pair.targetValue("select id from t\(Self.count)") == "2")
            #expect(
                try await pair.targetValue("select count(*) from leat.tables") == "\(Self.count)")
        }
    }
}
