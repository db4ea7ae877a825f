import Foundation
import LeatTestSupport

/// Writes of every kind to a pair's source, from several sessions, through restarts of the server:
/// TPC-B beside inserts, updates, moves of keys, deletes, large values, savepoints, transactions
/// that are rolled back, empty, or sent while they are in progress, and logical messages.
struct MixedLoad {
    let pair: Pair

    static let schema =
        Mixed.schema + """
            create table emptied (id int primary key, note text);
            create table said (n bigserial primary key, words text not null);
            """

    /// Each message is also a row of `said`.
    static let prefix = "load"

    private static let mixed = """
        \\set id random(1, 4000)
        \\set move random(1, 1000000)
        \\set v random(1, 1000000)
        begin;
        insert into keyed (id, v, note) values (:id, :v, md5(:v::text))
          on conflict (id) do update set v = excluded.v;
        update pairs set b = 'b' || :move, m = (array['sad', 'glad'])[1 + :v % 2]::mood
          where a = :v % 100 + 1;
        update pairs set big = repeat(md5(:v::text), 100) where a = :v % 37;
        savepoint s;
        delete from keyed where id between :id and :id + 20;
        insert into journal (note) values ('gone');
        rollback to s;
        update whole set v = v + 1
          where ctid = (select ctid from whole where id = :id % 300 limit 1);
        insert into whole values (:id % 300, 0);
        insert into journal (note) values (:v);
        commit;
        delete from keyed where id = :v % 4000;
        begin; insert into keyed (id, v) values (:id + 100000, 0); rollback;
        begin; select txid_current(); commit;
        insert into emptied values (:v, 'new') on conflict do nothing;
        """

    private static let speaking = """
        \\set v random(1, 1000000)
        begin;
        select pg_logical_emit_message(true, '\(prefix)', :client_id || ' ' || :v);
        insert into said (words) values (:client_id || ' ' || :v);
        commit;
        begin; select pg_logical_emit_message(true, '\(prefix)', 'never'); rollback;
        """

    private static let large = """
        \\set v random(1, 1000000)
        \\set ending random(0, 2)
        begin;
        insert into journal (note) select 'large ' || :v || ' ' || i from generate_series(1, 2000) i;
        savepoint a;
        insert into journal (note) select 'gone ' || :v || ' ' || i from generate_series(1, 1500) i;
        update pairs set big = md5(:v::text) where a < 20;
        rollback to a;
        savepoint b;
        delete from journal where n <= (select max(n) - 30000 from journal);
        release b;
        \\if :ending = 0
        rollback;
        \\else
        commit;
        \\endif
        """

    /// Makes its tables, with some rows.
    func prepare() async throws {
        try await pair.onSource(Self.schema)
        try await pair.onSource(Mixed.rows)
        try await pair.source.pgbench(["-i", "-q", "-s", "1"], database: pair.database)
        try await pair.onSource("alter table pgbench_history replica identity full")
        // Transactions of more are sent while they are in progress.
        try await pair.onSource(
            "alter database \(pair.database) set logical_decoding_work_mem = '64kB'")
    }

    /// Runs `body` beside the writes; when it returns, the last of them is committed.
    func run(rate: Int = 150, _ body: () async throws -> Void) async throws {
        var arguments = [
            "-n", "-c", "4", "-T", "900", "--rate", "\(rate)", "--max-tries", "20", "-b",
            "tpcb-like@8",
        ]
        for (script, weight) in [(Self.mixed, 8), (Self.speaking, 3), (Self.large, 1)] {
            let path = "\(pair.source.folder)/load-\(pair.database)-\(weight).sql"
            try Data(script.utf8).write(to: URL(fileURLWithPath: path))
            arguments += ["-f", "\(path)@\(weight)"]
        }
        try await withThrowingTaskGroup(of: Void.self) { [arguments] group in
            group.addTask {
                while !Task.isCancelled {
                    let load = try pair.source.startPgbench(arguments, database: pair.database)
                    _ = try await load.wait(timeout: .seconds(900))
                    try await Task.sleep(for: .milliseconds(200))
                }
            }
            try await body()
            group.cancelAll()
        }
        // A client that was killed may leave a statement that still comes to its end.
        try await pair.source.waitUntil(
            sql: """
                select count(*) from pg_stat_activity
                where datname = '\(pair.database)' and application_name = 'judge'
                """, equals: "0")
    }
}
