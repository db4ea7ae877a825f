import LeatTestSupport
import Testing

@Suite("Commit times that no clock should say")
struct CommitTimeTests {
    /// What comes from elsewhere says itself when it was committed.
    private static let times = [
        "infinity", "-infinity", "294276-12-31 23:59:59+00", "4713-01-01 00:00:00+00 BC",
        "12000-01-01 00:00:00+00",
    ]

    @Test("are passed on as far as a timestamp goes, and stop nothing")
    func extreme() async throws {
        try await Pair.with(schema: "create table t (id int primary key)") { pair in
            try await pair.catchUp()
            for (id, time) in Self.times.enumerated() {
                try await pair.onSource(
                    """
                    select pg_replication_origin_create('elsewhere_\(pair.database)')
                    where \(id) = 0;
                    select pg_replication_origin_session_setup('elsewhere_\(pair.database)');
                    begin;
                    select pg_replication_origin_xact_setup('0/1', '\(time)');
                    insert into t values (\(id));
                    commit
                    """)
                // The next start has to know it again.
                try await pair.catchUp("--hold-back", "10min")
                try await pair.expectEqual()
                let status = try await pair.leat(
                    ["status", "--target", pair.target.conninfo(database: pair.database)])
                #expect(status.exitCode == 0, "\(status.log)")
            }
            #expect(
                try await pair.targetValue("select commit_time::date from leat.progress")
                    == "9999-12-31")
            try await pair.onSource(
                "select pg_replication_origin_drop('elsewhere_\(pair.database)')")
        }
    }
}
