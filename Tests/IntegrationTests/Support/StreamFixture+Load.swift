import Foundation
import LeatTestSupport
import Testing

/// Tables in which lost and repeated changes show, and writes to them.
///
/// - `keyed` has a primary key: a change that is lost or comes twice stops the stream or differs.
/// - `whole` has REPLICA IDENTITY FULL and rows that are equal: a repeated insert just stays there.
/// - `journal` is only inserted into, and has no key either; its WAL is as large as its values.
extension StreamFixture {
    static let loadTables = """
        create table keyed (id int primary key, v int not null, note text);
        create table whole (id int, v int);
        create index on whole (id);
        alter table whole replica identity full;
        create table journal (client int, v int, note text);
        alter table journal replica identity full;
        alter table journal alter note set storage external;
        """

    /// Rows for the copy.
    func fill(rows: Int = 5000) async throws {
        try await source.sql(
            """
            insert into keyed select i, i, md5(i::text) from generate_series(1, \(rows)) i;
            insert into whole select i % 500, 0 from generate_series(1, 1000) i;
            insert into journal select 0, i, repeat('j', 100) from generate_series(1, \(rows)) i;
            """, database: database)
    }

    private static let script = """
        \\set id random(1, 6000)
        \\set group random(0, 700)
        \\set v random(1, 1000000)
        begin;
        insert into keyed values (:id, :v, md5(:v::text))
          on conflict (id) do update set v = excluded.v, note = excluded.note;
        update whole set v = v + 1 where ctid = (select ctid from whole where id = :group limit 1);
        insert into whole values (:group, 0);
        insert into journal values (:client_id, :v, repeat('l', :v % 100));
        commit;
        delete from keyed where id = :v % 6000;
        """

    /// Runs `body` beside writes to the source; when it returns, the last of them is committed.
    ///
    /// The load survives a restart of the server.
    ///
    /// - Parameter rate: pgbench transactions a second, each of two on the server.
    func underLoad(rate: Int = 100, _ body: () async throws -> Void) async throws {
        let path = "\(source.folder)/load-\(database).sql"
        try Data(Self.script.utf8).write(to: URL(fileURLWithPath: path))
        let arguments = [
            "-n", "-c", "2", "-T", "600", "-f", path, "--rate", String(rate), "--max-tries", "10",
        ]
        try await underLoad(pgbench: arguments, body)
    }

    /// - Parameter arguments: As of pgbench, with a duration that `body` does not reach.
    func underLoad(pgbench arguments: [String], _ body: () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while !Task.isCancelled {
                    let load = try self.source.startPgbench(arguments, database: self.database)
                    _ = try await load.wait(timeout: .seconds(900))
                    try await Task.sleep(for: .milliseconds(200))
                }
            }
            try await body()
            group.cancelAll()
        }
        try await waitUntilNobodyWrites()
    }

    /// A client that was killed may leave a statement that still comes to its end.
    private func waitUntilNobodyWrites() async throws {
        try await source.waitUntil(
            sql: """
                select count(*) from pg_stat_activity
                where datname = '\(database)' and application_name = 'judge'
                """, equals: "0")
    }

    /// Runs `body` while a session on the target holds a lock on a table.
    ///
    /// - Parameter mode: `share` lets others read.
    func whileLocked<Value>(
        _ table: String, mode: String = "access exclusive", _ body: () async throws -> Value
    ) async throws -> Value {
        try await target.whileLocked(table, mode: mode, in: database, body)
    }

    /// Waits until Leat waits for a lock on the target.
    func waitUntilBlocked() async throws {
        try await target.waitUntil(
            sql: """
                select exists (select from pg_stat_activity
                  where application_name = 'leat_\(database)' and wait_event_type = 'Lock')
                """)
    }

    /// Commits so much that Leat, with a target that does not move, stops reading; returns when
    /// the source's walsender stands still.
    func fillChannel() async throws {
        for _ in 0..<16 {
            try await source.sql(
                """
                insert into journal
                select 0, i, repeat(md5(i::text), 100) from generate_series(1, 1500) i
                """, database: database)
        }
        var last = ""
        try await waitUntil("the walsender stands still", every: .milliseconds(500)) {
            let row = try await source.sql(
                """
                select sent_lsn, pg_current_wal_flush_lsn() - sent_lsn > 8e6
                from pg_stat_replication where application_name = 'leat_\(database)'
                """
            ).first
            let sent = (row?[0] ?? nil) ?? ""
            defer { last = sent }
            return sent == last && row?[1] == "t"
        }
    }
}
